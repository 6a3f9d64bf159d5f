//! TLS: certificates, trusted roots, and the configurations of `rustls` that consist of them.

mod client;
mod pem;
mod server;

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::Error as PemError;
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

/// The error of a [`TlsClient`] or [`TlsServer`] that cannot be created. With the feature `tls`
/// only.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// The private key does not belong to the first certificate of the chain.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The text contains no certificate in PEM format.
    #[error("the PEM text has no certificate")]
    NoCertificate,
    /// The text contains no private key in PEM format.
    #[error("the PEM text has no private key")]
    NoPrivateKey,
    /// The system has no trusted root certificates, or they cannot be read.
    #[error("the system has no trusted root certificates")]
    NoSystemRoots,
    /// The name is neither a host name nor an IP address.
    #[error("`{}` is neither a host name nor an IP address", .name.escape_debug())]
    ServerName {
        /// The name.
        name: String,
    },
    /// The text is not valid PEM, or a certificate or key in it cannot be used.
    #[error("a certificate or private key cannot be used")]
    Unusable(#[source] UnusableCertificate),
}

/// A description of the reason why a certificate or private key cannot be used.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub struct UnusableCertificate(Arc<str>);

impl TlsConfigError {
    fn unusable(error: impl fmt::Display) -> Self {
        Self::Unusable(UnusableCertificate(error.to_string().into()))
    }
}

impl From<PemError> for TlsConfigError {
    fn from(error: PemError) -> Self {
        Self::unusable(error)
    }
}

impl From<RustlsError> for TlsConfigError {
    fn from(error: RustlsError) -> Self {
        match error {
            RustlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => Self::KeyMismatch,
            error => Self::unusable(error),
        }
    }
}

impl From<VerifierBuilderError> for TlsConfigError {
    fn from(error: VerifierBuilderError) -> Self {
        Self::unusable(error)
    }
}

/// Returns the cryptography of all configurations. It does not depend on a default of the process,
/// which the application may set for other purposes.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
