//! The error that a responder sends instead of a reply.

use std::error::Error;
use std::fmt;

use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use crate::rpc::{CallError, ErrorCode};

/// Any error of a service.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The error that a responder sends instead of a reply: a code, a text, and for an application error a number
/// of its own.
///
/// A service returns a `Failure` to determine exactly what its requester receives. For other errors of a
/// service, the first known error in the chain of sources determines it:
///
/// | Error | Code |
/// |---|---|
/// | `Failure` | its own |
/// | [`CallError::Failed`], of a forwarded request | that of the failure |
/// | [`CallError::Undelivered`] | `OVERLOADED` |
/// | [`CallError::DeadlineExceeded`] | `DEADLINE_EXCEEDED` |
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: ErrorCode,
    detail: u32,
    text: String,
}

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

    /// Creates the failure that reports an error of a service.
    #[cold]
    pub(super) fn from_error(error: BoxError) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(known) = cause {
            if let Some(failure) = known.downcast_ref::<Self>() {
                return failure.clone();
            }
            if let Some(call) = known.downcast_ref::<CallError>() {
                return Self::from_forwarded(call);
            }
            if known.is::<Overloaded>() {
                return Self::new(ErrorCode::OVERLOADED, "");
            }
            if known.is::<Elapsed>() {
                return Self::new(ErrorCode::DEADLINE_EXCEEDED, "");
            }
            cause = known.source();
        }
        Self::new(ErrorCode::FAILED, error.to_string())
    }

    /// Creates the failure that reports the error of a forwarded request.
    fn from_forwarded(error: &CallError) -> Self {
        let code = match error {
            CallError::Failed(failure) => return failure.clone(),
            CallError::Undelivered => ErrorCode::OVERLOADED,
            CallError::DeadlineExceeded => ErrorCode::DEADLINE_EXCEEDED,
            CallError::Closed | CallError::ConnectionLost => ErrorCode::CANCELLED,
            CallError::BadReply | CallError::Refused => ErrorCode::FAILED,
        };
        Self::new(code, error.to_string())
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_first_known_error_in_the_chain_determines_the_code() {
        let own = Failure::application(7, "seven");
        let wrapped = io::Error::other(own.clone());
        assert_eq!(Failure::from_error(Box::new(own.clone())), own);
        let code = |error: BoxError| Failure::from_error(error).code();
        // The source of `io::Error` is not the wrapped error but the source of the wrapped error.
        assert_eq!(code(Box::new(wrapped)), ErrorCode::FAILED);
        assert_eq!(code(Box::new(Overloaded::new())), ErrorCode::OVERLOADED);
        assert_eq!(code(Box::new(Elapsed::new())), ErrorCode::DEADLINE_EXCEEDED);
        assert_eq!(code(Box::new(CallError::Failed(own))), ErrorCode::APPLICATION);
        assert_eq!(code(Box::new(CallError::Undelivered)), ErrorCode::OVERLOADED);
        assert_eq!(code("out of paper".into()), ErrorCode::FAILED);
    }
}
