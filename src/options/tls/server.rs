//! The side of TLS that accepts connections.

use std::fmt;
use std::mem;
use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateRevocationListDer;
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
/// Clones share one configuration, which [`reload`](Self::reload) replaces.
/// [`Builder::tls_server`](crate::Builder::tls_server) uses it for `tls` and `wss` endpoints, and
/// [`accept`](Self::accept) for any stream. A [guide](crate::guide::tls) describes TLS as a whole.
///
/// # Examples
///
/// ```no_run
/// use std::error::Error;
///
/// use tokio_zmtp::{Server, TlsServer};
///
/// fn load() -> Result<TlsServer, Box<dyn Error>> {
///     let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?;
///     Ok(tls.require_client_certificates(std::fs::read("clients.pem")?)?)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn Error>> {
/// let tls = load()?;
/// let server = Server::builder().tls_server(tls.clone()).bind("tls://*:5555").await?;
///
/// // Later, after the files have been replaced:
/// tls.reload(load()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsServer(Arc<Lock<Arc<ServerSettings>>>);

/// The settings of the next connection.
pub(crate) struct ServerSettings {
    pub(crate) config: Arc<ServerConfig>,
    clients: ClientVerification,
    /// Empty if no certificates of clients are requested.
    revocation_lists: Vec<CertificateRevocationListDer<'static>>,
}

/// How clients are verified.
#[derive(Clone)]
enum ClientVerification {
    None,
    Requested(Arc<RootCertStore>),
    Required(Arc<RootCertStore>),
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
        let CertifiedChain { chain, key } =
            CertifiedChain::parse(chain_pem.as_ref(), key_pem.as_ref())?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(TlsConfigError::of_certified_chain)?;
        forget_sessions(&mut config);
        Ok(Self::from_settings(ServerSettings {
            config: Arc::new(config),
            clients: ClientVerification::None,
            revocation_lists: Vec::new(),
        }))
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
        let revocation_lists = self.settings().revocation_lists.clone();
        self.verifying(ClientVerification::Required(roots), revocation_lists)
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
        let revocation_lists = self.settings().revocation_lists.clone();
        self.verifying(ClientVerification::Requested(roots), revocation_lists)
    }

    /// Refuses clients whose certificate, or that of an issuer below the root, is revoked by one of
    /// these certificate revocation lists (RFC 5280), in PEM format. Certificates of clients must be
    /// [required](Self::require_client_certificates) or
    /// [requested](Self::request_client_certificates) first.
    ///
    /// There must be a list of each issuer in the chain of a client, signed by that issuer. A client
    /// whose issuer has no list here, or only an expired one, is refused: [`reload`](Self::reload)
    /// new lists before the old ones expire. Lists are not downloaded, and they do not end
    /// connections that exist already.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] if no certificates are requested, if there is no list, or if one of them
    /// is not valid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsServer;
    ///
    /// let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?
    ///     .require_client_certificates(std::fs::read("clients.pem")?)?
    ///     .with_revocation_lists(std::fs::read("revoked.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_revocation_lists(self, pem: impl AsRef<[u8]>) -> Result<Self, TlsConfigError> {
        let revocation_lists = pem::revocation_lists(pem.as_ref())?;
        let clients = self.settings().clients.clone();
        if matches!(clients, ClientVerification::None) {
            return Err(TlsConfigError::NoClientCertificates);
        }
        self.verifying(clients, revocation_lists)
    }

    /// Replaces the whole configuration for later connections of all sockets that share this:
    /// certificate, roots of clients and revocation lists. Existing connections continue.
    ///
    /// Pass a configuration that is created in the same way as the first one, from renewed files. A
    /// configuration that cannot be created replaces nothing.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError::LessStrict`] if the current configuration requires certificates of clients
    /// and the new one does not, if it requests them and the new one does not, or if it has
    /// revocation lists and the new one has none. The current one remains.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::TlsServer;
    ///
    /// fn renew(tls: &TlsServer) -> Result<(), Box<dyn std::error::Error>> {
    ///     let (chain, key) = (std::fs::read("server.pem")?, std::fs::read("server.key")?);
    ///     Ok(tls.reload(TlsServer::new(chain, key)?)?)
    /// }
    /// ```
    pub fn reload(&self, new: Self) -> Result<(), TlsConfigError> {
        let new = new.settings();
        let replaced = {
            let mut current = self.0.lock();
            if new.is_less_strict_than(&current) {
                return Err(TlsConfigError::LessStrict);
            }
            mem::replace(&mut *current, new)
        };
        drop(replaced);
        Ok(())
    }

    fn verifying(
        self,
        clients: ClientVerification,
        revocation_lists: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<Self, TlsConfigError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients.verifier(&revocation_lists)?)
            .with_cert_resolver(Arc::clone(&self.settings().config.cert_resolver));
        forget_sessions(&mut config);
        let config = Arc::new(config);
        Ok(Self::from_settings(ServerSettings { config, clients, revocation_lists }))
    }

    fn from_settings(settings: ServerSettings) -> Self {
        Self(Arc::new(Lock::new(Arc::new(settings))))
    }

    /// Returns whether both share one configuration.
    #[cfg(feature = "ws")]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the settings of a new connection.
    pub(crate) fn settings(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.0.lock())
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsServer").finish_non_exhaustive()
    }
}

impl ServerSettings {
    fn is_less_strict_than(&self, other: &Self) -> bool {
        self.clients.strictness() < other.clients.strictness()
            || self.revocation_lists.is_empty() && !other.revocation_lists.is_empty()
    }
}

impl ClientVerification {
    const fn strictness(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Requested(_) => 1,
            Self::Required(_) => 2,
        }
    }

    fn verifier(
        &self,
        revocation_lists: &[CertificateRevocationListDer<'static>],
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
        let builder = |roots| {
            WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider())
                .with_crls(revocation_lists.iter().cloned())
                .enforce_revocation_expiration()
        };
        Ok(match self {
            Self::None => Arc::new(NoClientAuth),
            Self::Requested(roots) => builder(roots).allow_unauthenticated().build()?,
            Self::Required(roots) => builder(roots).build()?,
        })
    }
}

fn forget_sessions(config: &mut ServerConfig) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
}
