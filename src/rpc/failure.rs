//! The error that a responder sends instead of a reply.

use std::error::Error;
use std::fmt;

use zmtp_proto::rpc::ErrorCode;

/// The error that a responder sends instead of a reply: a code, a text, and for an application
/// error a number of its own.
///
/// A service returns a `Failure` to determine exactly what its requester receives. For other errors
/// of a service, the first known error in the chain of sources determines it:
///
/// | Error | Code |
/// |---|---|
/// | `Failure` | its own |
/// | [`CallError::Failed`], of a forwarded request | that of the failure |
/// | [`CallError::Undelivered`] | `OVERLOADED` |
/// | [`CallError::DeadlineExceeded`], [`CallError::NotSent`] | `DEADLINE_EXCEEDED` |
/// | [`CallError::Closed`], [`CallError::ConnectionLost`] | `CANCELLED` |
/// | any other [`CallError`] | `FAILED` |
/// | `Overloaded` of tower's `LoadShed` | `OVERLOADED` |
/// | `Elapsed` of tower's `Timeout` | `DEADLINE_EXCEEDED` |
/// | any other error | `FAILED`, with its text |
///
/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::{ErrorCode, Failure};
///
/// let failure = Failure::application(404, "no such thing");
/// assert_eq!(failure.code(), ErrorCode::APPLICATION);
/// assert_eq!(failure.to_string(), "application error 404: no such thing");
/// ```
///
/// [`CallError`]: super::CallError
/// [`CallError::Closed`]: super::CallError::Closed
/// [`CallError::ConnectionLost`]: super::CallError::ConnectionLost
/// [`CallError::DeadlineExceeded`]: super::CallError::DeadlineExceeded
/// [`CallError::Failed`]: super::CallError::Failed
/// [`CallError::NotSent`]: super::CallError::NotSent
/// [`CallError::Undelivered`]: super::CallError::Undelivered
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: ErrorCode,
    detail: u32,
    text: String,
}

/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::{ErrorCode, Failure};
///
/// let failure = Failure::application(404, "no such thing");
/// assert_eq!((failure.detail(), failure.text()), (404, "no such thing"));
/// let failure = Failure::new(ErrorCode::OVERLOADED, "try another server");
/// assert_eq!(failure.code(), ErrorCode::OVERLOADED);
/// ```
impl Failure {
    /// Creates a failure with one of the protocol's codes.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    /// Creates an application error, with a number that the application defines.
    pub fn application(detail: u32, text: impl Into<String>) -> Self {
        Self { code: ErrorCode::APPLICATION, detail, text: text.into() }
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the number of an application error; zero for every other code.
    #[must_use]
    pub const fn detail(&self) -> u32 {
        self.detail
    }

    /// Returns the text, which may be empty.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn received(code: ErrorCode, detail: u32, text: &str) -> Self {
        Self { code, detail, text: text.to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if self.code == ErrorCode::APPLICATION {
            write!(f, " {}", self.detail)?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

impl Error for Failure {}
