#[cfg(feature = "tls")]
use std::io;
#[cfg(feature = "tls")]
use std::path::PathBuf;

use thiserror::Error;

use crate::error::{BindError, ConnectError, PropertyError};
#[cfg(feature = "tls")]
use crate::options::TlsConfigError;

/// The reason why a socket cannot be started from its description.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An endpoint cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An endpoint cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A property cannot be announced.
    #[error("the property `{}` is refused", name.escape_debug())]
    #[non_exhaustive]
    Property {
        /// The name of the property.
        name: String,
        /// The reason.
        source: PropertyError,
    },
    /// A certificate, a private key, a list or a name for TLS cannot be used.
    #[cfg(feature = "tls")]
    #[error("`{key}` is refused")]
    #[non_exhaustive]
    Tls {
        /// The path of the key, such as `tls_server.certificate`.
        key: &'static str,
        /// The reason.
        source: TlsConfigError,
    },
    /// A file for TLS cannot be read.
    #[cfg(feature = "tls")]
    #[error("cannot read the file `{}` of `{key}`", path.display())]
    #[non_exhaustive]
    TlsFile {
        /// The path of the key, such as `tls_server.certificate`.
        key: &'static str,
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A key that another one needs is absent.
    #[cfg(feature = "tls")]
    #[error("`{key}` is missing")]
    #[non_exhaustive]
    TlsMissing {
        /// The path of the absent key: `tls_client.certificate` or `tls_client.key`.
        key: &'static str,
    },
}
