//! What a responder answers when it has no reply.

use std::error::Error;
use std::fmt;

use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use crate::rpc::{CallError, ErrorCode};

/// Any error of a service.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// An answer that is an error: a code, for an application error also a number of its own, and a text.
///
/// A service returns one to say exactly what its requester is told. Of other errors of a service
/// the first in the chain of sources that is known decides:
///
/// | Error | Code |
/// |---|---|
/// | `Failure` | its own |
/// | [`CallError`], of a request that was passed on | the same; `OVERLOADED` if it was not sent, `CANCELLED` if it was lost |
/// | `Overloaded` of tower's `LoadShed` | `OVERLOADED` |
/// | `Elapsed` of tower's `Timeout` | `DEADLINE_EXCEEDED` |
/// | anything else | `FAILED`, with what the error displays |
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
    /// Makes an answer of one of the protocol's codes.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    /// Makes an answer of the application's own.
    pub fn application(detail: u32, text: impl Into<String>) -> Self {
        Self { code: ErrorCode::APPLICATION, detail, text: text.into() }
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the application's own number; zero for every other code.
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

    /// What a requester is told of an error of a service.
    #[cold]
    pub(super) fn from_error(error: BoxError) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(known) = cause {
            if let Some(failure) = known.downcast_ref::<Self>() {
                return failure.clone();
            }
            if let Some(call) = known.downcast_ref::<CallError>() {
                return Self::passed_on(call);
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

    /// What a requester is told whose request was passed on.
    fn passed_on(error: &CallError) -> Self {
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
    fn the_first_known_error_in_the_chain_decides() {
        let own = Failure::application(7, "seven");
        let wrapped = io::Error::other(own.clone());
        assert_eq!(Failure::from_error(Box::new(own.clone())), own);
        let code = |error: BoxError| Failure::from_error(error).code();
        // What `io::Error` wraps is not its source, but that one's source is.
        assert_eq!(code(Box::new(wrapped)), ErrorCode::FAILED);
        assert_eq!(code(Box::new(Overloaded::new())), ErrorCode::OVERLOADED);
        assert_eq!(code(Box::new(Elapsed::new())), ErrorCode::DEADLINE_EXCEEDED);
        assert_eq!(code(Box::new(CallError::Failed(own))), ErrorCode::APPLICATION);
        assert_eq!(code(Box::new(CallError::Undelivered)), ErrorCode::OVERLOADED);
        assert_eq!(code("out of paper".into()), ErrorCode::FAILED);
    }
}
