//! The side of TLS that accepts connections.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{
    NoClientAuth, NoServerSessionStorage, ServerConfig, WebPkiClientVerifier,
};

use super::pem::{self, CertifiedChain};
use super::{TlsConfigError, provider};
use crate::sync::Lock;

/// The TLS configuration of a server: its certificate, and which clients it trusts. With the
/// feature `tls` only.
///
/// By default clients need no certificate. The versions are TLS 1.2 and 1.3. Sessions are not
/// resumed, so that each connection is verified completely.
///
/// Clones share one certificate, which [`reload`](Self::reload) replaces.
/// [`Builder::tls_server`](crate::Builder::tls_server) uses it for `tls` endpoints, and
/// [`accept`](Self::accept) for any stream. A [guide](crate::guide::tls) describes TLS as a whole.
///
/// # Examples
///
/// ```no_run
/// use tokio_zmtp::{Server, TlsServer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?
///     .require_client_certificates(std::fs::read("clients.pem")?)?;
/// let server = Server::builder().tls_server(tls.clone()).bind("tls://*:5555").await?;
///
/// // Later, after the files have been replaced:
/// tls.reload(std::fs::read("server.pem")?, std::fs::read("server.key")?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsServer(Arc<Shared>);

struct Shared {
    /// That of the next connection.
    config: Lock<Arc<ServerConfig>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl TlsServer {
    /// Creates a configuration from the certificate chain of the server, with its own certificate
    /// first, and its private key, both in PEM format.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if the certificate or the key is missing or cannot be used, or if they do
    /// not belong together.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsServer;
    ///
    /// let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        chain_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        let certified = CertifiedChain::parse(chain_pem.as_ref(), key_pem.as_ref())?;
        let verifier: Arc<dyn ClientCertVerifier> = Arc::new(NoClientAuth);
        let config = config(certified, Arc::clone(&verifier))?;
        Ok(Self(Arc::new(Shared { config: Lock::new(config), verifier })))
    }

    /// Requires that each client have a certificate that is issued by one of these root
    /// certificates, in PEM format. Others are refused.
    ///
    /// Clones that exist already are not changed.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if there is no root certificate, or if one of them is not valid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsServer;
    ///
    /// let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?
    ///     .require_client_certificates(std::fs::read("clients.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn require_client_certificates(
        self,
        roots_pem: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        let roots = pem::roots(roots_pem.as_ref())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
        self.verifying(verifier.build()?)
    }

    /// Requests a certificate from each client. A client may have none; one that is not issued by
    /// one of these root certificates is refused.
    ///
    /// An [authenticator](crate::auth::Authenticator) can decide about clients without a
    /// certificate. Clones that exist already are not changed.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if there is no root certificate, or if one of them is not valid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsServer;
    ///
    /// let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?
    ///     .request_client_certificates(std::fs::read("clients.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request_client_certificates(
        self,
        roots_pem: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        let roots = pem::roots(roots_pem.as_ref())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
        self.verifying(verifier.allow_unauthenticated().build()?)
    }

    /// Replaces the certificate and its private key for later connections of all sockets that share
    /// this. Existing connections continue. If the new certificate cannot be used, the old one
    /// remains.
    ///
    /// # Errors
    ///
    /// See [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsServer;
    ///
    /// fn renew(tls: &TlsServer) -> Result<(), Box<dyn std::error::Error>> {
    ///     Ok(tls.reload(std::fs::read("server.pem")?, std::fs::read("server.key")?)?)
    /// }
    /// ```
    pub fn reload(
        &self,
        chain_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
    ) -> Result<(), TlsConfigError> {
        let certified = CertifiedChain::parse(chain_pem.as_ref(), key_pem.as_ref())?;
        let config = config(certified, Arc::clone(&self.0.verifier))?;
        *self.0.config.lock() = config;
        Ok(())
    }

    fn verifying(self, verifier: Arc<dyn ClientCertVerifier>) -> Result<Self, TlsConfigError> {
        let current = self.config();
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_cert_resolver(Arc::clone(&current.cert_resolver));
        forget_sessions(&mut config);
        Ok(Self(Arc::new(Shared { config: Lock::new(Arc::new(config)), verifier })))
    }

    /// Returns the configuration of a new connection.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.config.lock())
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsServer").finish_non_exhaustive()
    }
}

fn config(
    CertifiedChain { chain, key }: CertifiedChain,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    forget_sessions(&mut config);
    Ok(Arc::new(config))
}

fn forget_sessions(config: &mut ServerConfig) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
}
