//! TLS: certificates, trusted roots, and the configurations of `rustls` that consist of them.

mod client;
mod pem;
mod server;

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::VerifierBuilderError;
use tokio_rustls::rustls::{Error as RustlsError, InconsistentKeys};

pub use self::client::TlsClient;
pub use self::server::TlsServer;

/// The options of one socket for `tls` endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    /// libzmq has no TLS over TCP.
    pub(crate) client: Option<TlsClient>,
    pub(crate) server: Option<TlsServer>,
}

/// The error of a [`TlsClient`] or [`TlsServer`] that cannot be created or replaced. With the
/// feature `tls` only.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// The private key does not belong to the first certificate of the chain.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The new configuration verifies the other end less strictly than the one that it would replace:
    /// it does not require certificates of clients, or has no revocation lists.
    #[error("the new configuration verifies the remote less strictly")]
    LessStrict,
    /// The text contains no certificate in PEM format.
    #[error("the PEM text has no certificate")]
    NoCertificate,
    /// Revocation lists are set on a server that requests no certificates of clients.
    #[error("revocation lists are set, but no certificates of clients are requested")]
    NoClientCertificates,
    /// The text contains no private key in PEM format.
    #[error("the PEM text has no private key")]
    NoPrivateKey,
    /// The text contains no certificate revocation list in PEM format.
    #[error("the PEM text has no certificate revocation list")]
    NoRevocationList,
    /// The system has no trusted root certificates, or they cannot be read.
    #[error("the system has no trusted root certificates")]
    NoSystemRoots,
    /// The name is neither a host name nor an IP address.
    #[error("`{}` is neither a host name nor an IP address", .name.escape_debug())]
    ServerName {
        /// The name.
        name: String,
    },
    /// The text is not valid PEM, or a certificate in it cannot be used.
    #[error("a certificate cannot be used")]
    Unusable(#[source] UnusableCertificate),
    /// The text is not valid PEM, or the private key in it cannot be used.
    #[error("the private key cannot be used")]
    UnusableKey(#[source] UnusableCertificate),
    /// The text is not valid PEM, or a certificate revocation list in it cannot be used.
    #[error("a certificate revocation list cannot be used")]
    UnusableRevocationList(#[source] UnusableCertificate),
}

/// A description of the reason why a certificate, a private key or a revocation list cannot be used.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub struct UnusableCertificate(Arc<str>);

impl TlsConfigError {
    fn unusable(error: impl fmt::Display) -> Self {
        Self::Unusable(UnusableCertificate::new(error))
    }

    fn unusable_key(error: impl fmt::Display) -> Self {
        Self::UnusableKey(UnusableCertificate::new(error))
    }

    fn unusable_revocation_list(error: impl fmt::Display) -> Self {
        Self::UnusableRevocationList(UnusableCertificate::new(error))
    }

    /// Converts the error of a certificate with its private key.
    fn of_certified_chain(error: RustlsError) -> Self {
        match error {
            RustlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => Self::KeyMismatch,
            RustlsError::InvalidCertificate(_) => Self::unusable(error),
            error => Self::unusable_key(error),
        }
    }
}

impl UnusableCertificate {
    fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string().into())
    }
}

impl From<RustlsError> for TlsConfigError {
    fn from(error: RustlsError) -> Self {
        Self::unusable(error)
    }
}

impl From<VerifierBuilderError> for TlsConfigError {
    fn from(error: VerifierBuilderError) -> Self {
        match error {
            VerifierBuilderError::InvalidCrl(error) => {
                Self::unusable_revocation_list(RustlsError::from(error))
            }
            error => Self::unusable(error),
        }
    }
}

/// Returns the cryptography of all configurations. It does not depend on a default of the process,
/// which the application may set for other purposes.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
