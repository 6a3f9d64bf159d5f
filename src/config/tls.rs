//! TLS described by data: the files of certificates, private keys, roots and revocation lists.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::ConfigError;
use super::security::Secret;
use crate::options::{TlsClient, TlsConfigError, TlsServer};
use crate::socket::Builder;

/// Describes a [`TlsServer`]. With the feature `tls` only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsServerConfig {
    /// The certificate chain, for [`TlsServer::new`].
    pub certificate: PemSource,
    /// The private key of the certificate.
    pub key: PemSource,
    /// The verification of clients. Without it, they need no certificate.
    pub client_certificates: Option<ClientCertificates>,
    /// The lists for [`TlsServer::with_revocation_lists`].
    pub revocation_lists: Option<PemSource>,
}

/// The verification of clients by a [`TlsServer`]: the root certificates that issue theirs. With
/// the feature `tls` only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientCertificates {
    /// The roots for [`TlsServer::request_client_certificates`].
    Requested(PemSource),
    /// The roots for [`TlsServer::require_client_certificates`].
    Required(PemSource),
}

/// Describes a [`TlsClient`]. With the feature `tls` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsClientConfig {
    /// The root certificates of servers. Without them, those of the system.
    pub roots: Option<PemSource>,
    /// The certificate chain of the client, which also needs the `key`.
    pub certificate: Option<PemSource>,
    /// The private key of the certificate.
    pub key: Option<PemSource>,
    /// The lists for [`TlsClient::with_revocation_lists`].
    pub revocation_lists: Option<PemSource>,
    /// The name for [`TlsClient::server_name`].
    pub server_name: Option<String>,
}

/// Text in PEM format, or the file that contains it. With the feature `tls` only.
///
/// A relative path starts at the working directory of the process. `Debug` shows the path, but not
/// the text.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::config::{ClientConfig, PemSource};
///
/// let config: ClientConfig = toml::from_str("tls_client = { roots = 'ca.pem' }")?;
/// assert_eq!(config.tls_client.unwrap().roots, Some(PemSource::file("ca.pem")));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PemSource(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Text(Zeroizing<String>),
}

impl TlsServerConfig {
    /// Describes a server with this certificate and private key.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::config::{PemSource, ServerConfig, TlsServerConfig};
    ///
    /// let [certificate, key] = ["server.pem", "server.key"].map(PemSource::file);
    /// let mut config = ServerConfig::default();
    /// config.tls_server = Some(TlsServerConfig::new(certificate, key));
    /// ```
    pub fn new(certificate: PemSource, key: PemSource) -> Self {
        Self { certificate, key, client_certificates: None, revocation_lists: None }
    }

    /// Reads the files, which blocks the thread, and creates the TLS configuration.
    ///
    /// A socket that is started from its description reads them once. To
    /// [`reload`](TlsServer::reload) them later, load them here, and replace the configuration that
    /// the builder has read.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TlsFile`] if a file cannot be read, and [`ConfigError::Tls`] if its content
    /// cannot be used.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::config::ServerConfig;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let text = "tls_server = { certificate = 'server.pem', key = 'server.key' }";
    /// let config: ServerConfig = toml::from_str(text)?;
    /// let files = config.tls_server.as_ref().ok_or("no `tls_server`")?;
    /// let tls = files.load()?;
    /// let server = config.builder()?.tls_server(tls.clone()).bind("tls://*:5555").await?;
    ///
    /// // Later, after the files have been replaced:
    /// tls.reload(files.load()?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn load(&self) -> Result<TlsServer, ConfigError> {
        let certificate = self.certificate.read("tls_server.certificate")?;
        let key = self.key.read("tls_server.key")?;
        let mut server = TlsServer::new(certificate, key).map_err(|source| {
            let is_of_key = is_of_key(&source);
            let key = if is_of_key { "tls_server.key" } else { "tls_server.certificate" };
            ConfigError::Tls { key, source }
        })?;
        if let Some(clients) = &self.client_certificates {
            server = match clients {
                ClientCertificates::Requested(roots) => roots
                    .set("tls_server.client_certificates", |pem| {
                        server.request_client_certificates(pem)
                    })?,
                ClientCertificates::Required(roots) => roots
                    .set("tls_server.client_certificates", |pem| {
                        server.require_client_certificates(pem)
                    })?,
            };
        }
        match &self.revocation_lists {
            Some(lists) => {
                lists.set("tls_server.revocation_lists", |pem| server.with_revocation_lists(pem))
            }
            None => Ok(server),
        }
    }
}

impl TlsClientConfig {
    /// Reads the files, which blocks the thread, and creates the TLS configuration, like
    /// [`TlsServerConfig::load`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::TlsFile`] if a file cannot be read, [`ConfigError::Tls`] if its content
    /// cannot be used, and [`ConfigError::TlsMissing`] if there is a certificate without a key, or
    /// a key without a certificate.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::config::ClientConfig;
    ///
    /// let config: ClientConfig = toml::from_str("tls_client = { roots = 'ca.pem' }")?;
    /// let files = config.tls_client.as_ref().ok_or("no `tls_client`")?;
    /// let tls = files.load()?;
    /// let client = config.builder()?.tls_client(tls.clone()).build();
    ///
    /// // Later, after the files have been replaced:
    /// tls.reload(files.load()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(&self) -> Result<TlsClient, ConfigError> {
        let mut client = match &self.roots {
            Some(roots) => roots.set("tls_client.roots", |pem| TlsClient::with_roots(pem))?,
            None => TlsClient::with_system_roots()
                .map_err(|source| ConfigError::Tls { key: "tls_client.roots", source })?,
        };
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let certificate = certificate.read("tls_client.certificate")?;
                let key = key.read("tls_client.key")?;
                client = client.with_certificate(certificate, key).map_err(|source| {
                    let is_of_key = is_of_key(&source);
                    let key = if is_of_key { "tls_client.key" } else { "tls_client.certificate" };
                    ConfigError::Tls { key, source }
                })?;
            }
            (Some(_), None) => return Err(ConfigError::TlsMissing { key: "tls_client.key" }),
            (None, Some(_)) => {
                return Err(ConfigError::TlsMissing { key: "tls_client.certificate" });
            }
            (None, None) => {}
        }
        if let Some(lists) = &self.revocation_lists {
            client = lists
                .set("tls_client.revocation_lists", |pem| client.with_revocation_lists(pem))?;
        }
        if let Some(name) = &self.server_name {
            client = client
                .server_name(name)
                .map_err(|source| ConfigError::Tls { key: "tls_client.server_name", source })?;
        }
        Ok(client)
    }
}

impl PemSource {
    /// Names a file.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::config::{ClientConfig, PemSource, TlsClientConfig};
    ///
    /// let mut tls = TlsClientConfig::default();
    /// tls.roots = Some(PemSource::file("ca.pem"));
    /// let mut config = ClientConfig::default();
    /// config.tls_client = Some(tls);
    /// ```
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// Contains the text itself, which is overwritten in memory when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::config::{PemSource, TlsServerConfig};
    ///
    /// fn from_secret(key: String) -> TlsServerConfig {
    ///     TlsServerConfig::new(PemSource::file("server.pem"), PemSource::text(key))
    /// }
    /// ```
    pub fn text(pem: impl Into<String>) -> Self {
        Self(Source::Text(Zeroizing::new(pem.into())))
    }

    /// Returns the text, which may be a private key. `key` is the path in the description.
    fn read(&self, key: &'static str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        match &self.0 {
            Source::File(path) => fs::read(path)
                .map(Zeroizing::new)
                .map_err(|source| ConfigError::TlsFile { key, path: path.clone(), source }),
            Source::Text(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        }
    }

    /// Passes the text to a setter.
    fn set<T>(
        &self,
        key: &'static str,
        setter: impl FnOnce(&[u8]) -> Result<T, TlsConfigError>,
    ) -> Result<T, ConfigError> {
        setter(&self.read(key)?).map_err(|source| ConfigError::Tls { key, source })
    }
}

impl fmt::Debug for PemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(path) => f.debug_tuple("File").field(path).finish(),
            Source::Text(_) => f.write_str("Text(..)"),
        }
    }
}

impl<'de> Deserialize<'de> for PemSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrText;

        impl<'de> Visitor<'de> for PathOrText {
            type Value = PemSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a PEM file, or a table such as { pem = \"..\" }")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<PemSource, E> {
                Ok(PemSource::file(path))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<PemSource, A::Error> {
                let Table { pem } = Table::deserialize(MapAccessDeserializer::new(table))?;
                Ok(PemSource(Source::Text(pem.0)))
            }
        }

        deserializer.deserialize_any(PathOrText)
    }
}

impl Serialize for PemSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Source::File(path) => path.serialize(serializer),
            Source::Text(pem) => Table { pem: Secret(pem.clone()) }.serialize(serializer),
        }
    }
}

/// The form of a text.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Table {
    pem: Secret,
}

/// Loads the descriptions and sets the options for TLS.
pub(super) fn load<S>(
    mut builder: Builder<S>,
    client: Option<&TlsClientConfig>,
    server: Option<&TlsServerConfig>,
) -> Result<Builder<S>, ConfigError> {
    if let Some(client) = client {
        builder = builder.tls_client(client.load()?);
    }
    if let Some(server) = server {
        builder = builder.tls_server(server.load()?);
    }
    Ok(builder)
}

/// Returns whether an error of a certificate and its private key is one of the key.
const fn is_of_key(error: &TlsConfigError) -> bool {
    matches!(
        error,
        TlsConfigError::KeyMismatch | TlsConfigError::NoPrivateKey | TlsConfigError::UnusableKey(_)
    )
}
