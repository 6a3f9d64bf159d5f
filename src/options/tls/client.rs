//! The side of TLS that connects.

use std::fmt;
use std::mem;
use std::sync::Arc;

use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::pki_types::{CertificateRevocationListDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::pem::{self, CertifiedChain};
use super::{TlsConfigError, provider};
use crate::sync::Lock;

/// The TLS configuration of a client: which servers it trusts, and its own certificate. With the
/// feature `tls` only.
///
/// The certificate of each server is verified, and must be valid for the host of the endpoint, or
/// for the [`server_name`](Self::server_name). This cannot be disabled. The versions are TLS 1.2 and
/// 1.3. Sessions are not resumed, so that each connection is verified completely.
///
/// Clones share one configuration, which [`reload`](Self::reload) replaces.
/// [`Builder::tls_client`](crate::Builder::tls_client) uses it for `tls` and `wss` endpoints, and
/// [`connect`](Self::connect) for any stream. A [guide](crate::guide::tls) describes TLS as a
/// whole.
///
/// # Examples
///
/// ```no_run
/// use tokio_zmtp::{Client, TlsClient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?
///     .with_certificate(std::fs::read("alice.pem")?, std::fs::read("alice.key")?)?;
/// let client = Client::builder().tls_client(tls).connect("tls://example.org:5555").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsClient(Arc<Lock<Arc<ClientSettings>>>);

/// The settings of the next connection.
#[derive(Clone)]
pub(crate) struct ClientSettings {
    pub(crate) config: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    revocation_lists: Vec<CertificateRevocationListDer<'static>>,
    server_name: Option<ServerName<'static>>,
}

impl TlsClient {
    /// Trusts servers whose certificates are issued by one of these root certificates, in PEM
    /// format. A self-signed certificate is its own root. A server cannot have the certificate of a
    /// certificate authority.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if there is no certificate, or if one of them is not valid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsClient;
    ///
    /// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_roots(pem: impl AsRef<[u8]>) -> Result<Self, TlsConfigError> {
        Self::trusting(pem::roots(pem.as_ref())?)
    }

    /// Trusts servers whose certificates are issued by one of the root certificates of the system.
    /// They are read once, which blocks the thread.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError::NoSystemRoots`] if there is no valid certificate.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsClient;
    ///
    /// let tls = TlsClient::with_system_roots()?;
    /// # Ok::<(), tokio_zmtp::TlsConfigError>(())
    /// ```
    pub fn with_system_roots() -> Result<Self, TlsConfigError> {
        let mut roots = RootCertStore::empty();
        let (added, _) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if added == 0 {
            return Err(TlsConfigError::NoSystemRoots);
        }
        Self::trusting(Arc::new(roots))
    }

    fn trusting(roots: Arc<RootCertStore>) -> Result<Self, TlsConfigError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_webpki_verifier(verifier(&roots, &[])?)
            .with_no_client_auth();
        let config = shared(config);
        let revocation_lists = Vec::new();
        Ok(Self::new(ClientSettings { config, roots, revocation_lists, server_name: None }))
    }

    fn new(settings: ClientSettings) -> Self {
        Self(Arc::new(Lock::new(Arc::new(settings))))
    }

    /// Sets the certificate of this client, for servers that request one: its chain, with the
    /// client's own certificate first, and its private key, both in PEM format.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if the certificate or the key is missing or cannot be used, or if they do
    /// not belong together.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsClient;
    ///
    /// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?
    ///     .with_certificate(std::fs::read("alice.pem")?, std::fs::read("alice.key")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_certificate(
        self,
        chain_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        let CertifiedChain { chain, key } =
            CertifiedChain::parse(chain_pem.as_ref(), key_pem.as_ref())?;
        let settings = self.settings();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_webpki_verifier(verifier(&settings.roots, &settings.revocation_lists)?)
            .with_client_auth_cert(chain, key)
            .map_err(TlsConfigError::of_certified_chain)?;
        Ok(Self::new(ClientSettings { config: shared(config), ..(*settings).clone() }))
    }

    /// Refuses servers whose certificate, or that of an issuer below the root, is revoked by one of
    /// these certificate revocation lists (RFC 5280), in PEM format.
    ///
    /// There must be a list of each issuer in the chain of a server, signed by that issuer. A server
    /// whose issuer has no list here, or only an expired one, is refused: [`reload`](Self::reload)
    /// new lists before the old ones expire. Lists are not downloaded.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if there is no list, or if one of them is not valid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsClient;
    ///
    /// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?
    ///     .with_revocation_lists(std::fs::read("revoked.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_revocation_lists(self, pem: impl AsRef<[u8]>) -> Result<Self, TlsConfigError> {
        let revocation_lists = pem::revocation_lists(pem.as_ref())?;
        let settings = self.settings();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_webpki_verifier(verifier(&settings.roots, &revocation_lists)?)
            .with_client_cert_resolver(Arc::clone(&settings.config.client_auth_cert_resolver));
        Ok(Self::new(ClientSettings {
            config: shared(config),
            revocation_lists,
            ..(*settings).clone()
        }))
    }

    /// Sets the name for which the certificates of servers must be valid, in place of the host of
    /// the endpoint: a host name or an IP address. A host name is also sent to the server, which may
    /// select its certificate by it (Server Name Indication, RFC 6066).
    ///
    /// # Errors
    ///
    /// [`TlsConfigError::ServerName`] if it is neither.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::{Client, TlsClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?.server_name("orders.example.org")?;
    /// let client = Client::builder().tls_client(tls).connect("tls://10.0.0.7:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn server_name(self, name: &str) -> Result<Self, TlsConfigError> {
        let server_name = Some(parse_server_name(name)?);
        Ok(Self::new(ClientSettings { server_name, ..(*self.settings()).clone() }))
    }

    /// Replaces the whole configuration for later connections of all sockets that share this: roots,
    /// certificate, revocation lists and server name. Existing connections continue.
    ///
    /// Pass a configuration that is created in the same way as the first one, from renewed files. A
    /// configuration that cannot be created replaces nothing.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError::LessStrict`] if the current configuration has revocation lists and the new
    /// one has none. The current one remains.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::error::Error;
    ///
    /// use tokio_zmtp::{Client, TlsClient};
    ///
    /// fn load() -> Result<TlsClient, Box<dyn Error>> {
    ///     let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?;
    ///     Ok(tls.with_certificate(std::fs::read("alice.pem")?, std::fs::read("alice.key")?)?)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn Error>> {
    /// let tls = load()?;
    /// let builder = Client::builder().tls_client(tls.clone());
    /// let client = builder.connect("tls://example.org:5555").await?;
    ///
    /// // Later, after the files have been replaced:
    /// tls.reload(load()?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reload(&self, new: Self) -> Result<(), TlsConfigError> {
        let new = new.settings();
        let replaced = {
            let mut current = self.0.lock();
            if new.revocation_lists.is_empty() && !current.revocation_lists.is_empty() {
                return Err(TlsConfigError::LessStrict);
            }
            mem::replace(&mut *current, new)
        };
        drop(replaced);
        Ok(())
    }

    /// Returns the settings of a new connection.
    pub(crate) fn settings(&self) -> Arc<ClientSettings> {
        Arc::clone(&self.0.lock())
    }
}

impl ClientSettings {
    /// Returns the name for which a certificate must be valid: the configured one, or the host.
    pub(crate) fn name_of(&self, host: &str) -> Result<ServerName<'static>, TlsConfigError> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => parse_server_name(host),
        }
    }
}

/// Shows the server name, if it is set.
impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("server_name", &self.settings().server_name)
            .finish_non_exhaustive()
    }
}

fn parse_server_name(name: &str) -> Result<ServerName<'static>, TlsConfigError> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| TlsConfigError::ServerName { name: name.to_owned() })
}

fn shared(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn verifier(
    roots: &Arc<RootCertStore>,
    revocation_lists: &[CertificateRevocationListDer<'static>],
) -> Result<Arc<WebPkiServerVerifier>, TlsConfigError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider())
        .with_crls(revocation_lists.iter().cloned())
        .enforce_revocation_expiration();
    Ok(verifier.build()?)
}
