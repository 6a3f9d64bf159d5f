//! The side of TLS that connects.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::pem::{self, CertifiedChain};
use super::{TlsConfigError, provider};

/// The TLS configuration of a client: which servers it trusts, and its own certificate. With the
/// feature `tls` only.
///
/// The certificate of each server is verified, and must be valid for the host of the endpoint, or
/// for the [`server_name`](Self::server_name). This cannot be disabled. The versions are TLS 1.2 and
/// 1.3. Sessions are not resumed, so that each connection is verified completely.
///
/// Clones share their memory. [`Builder::tls_client`](crate::Builder::tls_client) uses it for `tls`
/// endpoints, and [`connect`](Self::connect) for any stream. A [guide](crate::guide::tls) describes
/// TLS as a whole.
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
pub struct TlsClient {
    config: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    server_name: Option<ServerName<'static>>,
}

impl TlsClient {
    /// Trusts servers whose certificates are issued by one of these root certificates, in PEM
    /// format. A self-signed certificate is its own root.
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
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        Ok(Self { config: shared(config), roots, server_name: None })
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
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_client_auth_cert(chain, key)?;
        Ok(Self { config: shared(config), ..self })
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
        Ok(Self { server_name: Some(parse_server_name(name)?), ..self })
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

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
        f.debug_struct("TlsClient").field("server_name", &self.server_name).finish_non_exhaustive()
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
