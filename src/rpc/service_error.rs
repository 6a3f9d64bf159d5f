//! Converts errors of services to failures.

use std::error::Error;

use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use zmtp_proto::rpc::ErrorCode;

use crate::rpc::{CallError, Failure};

/// Any error of a service.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

impl Failure {
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
            CallError::DeadlineExceeded | CallError::NotSent => ErrorCode::DEADLINE_EXCEEDED,
            CallError::Closed | CallError::ConnectionLost => ErrorCode::CANCELLED,
            CallError::BadReply | CallError::NoEndpoint(_) | CallError::Refused => {
                ErrorCode::FAILED
            }
        };
        Self::new(code, error.to_string())
    }
}

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
