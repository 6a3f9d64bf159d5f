//! The status codes of an authenticator (RFC 27, Message Format).

use std::error::Error;
use std::fmt;

/// The reason why an authenticator refuses a remote. The numbers are those of ZAP (RFC 27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusCode {
    /// 300: temporarily refused. No ERROR is sent, and the remote may try again.
    TemporaryError,
    /// 400: refused with these credentials. The remote receives an ERROR.
    Denied,
    /// 500: the authenticator has failed. The remote receives an ERROR.
    InternalError,
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::StatusCode; } }
/// use tokio_zmtp::auth::StatusCode;
///
/// assert_eq!(StatusCode::from_reason("400"), Some(StatusCode::Denied));
/// assert_eq!(StatusCode::Denied.as_u16(), 400);
/// assert!(!StatusCode::Denied.is_temporary());
/// ```
impl StatusCode {
    /// Returns the code that the reason of an ERROR command consists of, such as `400`.
    #[must_use]
    pub fn from_reason(reason: &str) -> Option<Self> {
        match reason {
            "300" => Some(Self::TemporaryError),
            "400" => Some(Self::Denied),
            "500" => Some(Self::InternalError),
            _ => None,
        }
    }

    /// Returns the number of the code.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        match self {
            Self::TemporaryError => 300,
            Self::Denied => 400,
            Self::InternalError => 500,
        }
    }

    /// Returns whether the refusal is temporary, so that the remote may try again.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::TemporaryError)
    }

    /// Returns the reason that the remote receives, if any.
    pub(crate) const fn reason(self) -> Option<&'static [u8]> {
        match self {
            Self::TemporaryError => None,
            Self::Denied => Some(b"400"),
            Self::InternalError => Some(b"500"),
        }
    }
}

impl Error for StatusCode {}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TemporaryError => "300 temporary error",
            Self::Denied => "400 denied",
            Self::InternalError => "500 internal error",
        })
    }
}
