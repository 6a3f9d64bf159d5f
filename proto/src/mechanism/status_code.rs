//! The answers of an authenticator (RFC 27, Message Format).

use std::error::Error;
use std::fmt;

/// Why an authenticator does not let a remote in. The numbers are those of ZAP (RFC 27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusCode {
    /// 300: not now. The remote is not told, and may try again.
    TemporaryError,
    /// 400: not with these credentials. The remote is told.
    Denied,
    /// 500: the authenticator has failed. The remote is told.
    InternalError,
}

impl StatusCode {
    /// Returns the number.
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

    /// What the remote is told, if it is told anything.
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
