//! The reasons why an upgrade to a WebSocket fails.

use std::error::Error;
use std::io;
use std::sync::Arc;

use thiserror::Error;

use super::protocol_error::ProtocolError;

/// The reason why a stream is not upgraded to a WebSocket.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The stream failed, or ended during the upgrade.
    #[error("the stream failed during the upgrade")]
    Io(#[source] Arc<io::Error>),
    /// The request or the response is not that of a WebSocket. The remote receives the status 400,
    /// or 426 if it requests another version.
    #[error("the remote sent an invalid upgrade request or response")]
    Invalid(#[source] ProtocolError),
    /// The request or the response is longer than 8 KiB. The remote receives the status 431.
    #[error("the header of the remote is longer than {limit} bytes")]
    HeaderTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The remote requests another path. It receives the status 404.
    #[error("the remote requests the path {path}")]
    Path {
        /// The requested path.
        path: String,
    },
    /// The request comes from a web page whose origin is not allowed. The remote receives the status
    /// 403.
    #[error("the origin {origin} is not allowed")]
    Origin {
        /// The origin of the page.
        origin: String,
    },
    /// The remote does not offer or accept the subprotocol of the mechanism. It receives the status
    /// 400.
    #[error("the remote does not use the subprotocol {expected}")]
    Subprotocol {
        /// The subprotocol of this end.
        expected: String,
    },
    /// The server refuses the upgrade.
    #[error("the server answers with the status {status}")]
    Refused {
        /// The status of its response.
        status: u16,
    },
}

impl UpgradeError {
    pub(crate) fn invalid(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Invalid(ProtocolError::new(error))
    }

    /// Returns the error that a stream or a dialer reports, if it is one of the upgrade and not of the
    /// stream.
    pub(crate) fn find_in(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<Self>()?;
        (!matches!(error, Self::Io(_))).then(|| error.clone())
    }

    /// Returns whether a later attempt may succeed although nothing is configured otherwise.
    pub(crate) const fn is_temporary(&self) -> bool {
        match self {
            Self::Io(_) => true,
            // Request Timeout, Too Early, Too Many Requests (RFC 9110, RFC 8470, RFC 6585).
            Self::Refused { status } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Invalid(_)
            | Self::HeaderTooLong { .. }
            | Self::Path { .. }
            | Self::Origin { .. }
            | Self::Subprotocol { .. } => false,
        }
    }
}

impl From<io::Error> for UpgradeError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<UpgradeError> for io::Error {
    fn from(error: UpgradeError) -> Self {
        match error {
            UpgradeError::Io(error) => Self::new(error.kind(), error),
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
