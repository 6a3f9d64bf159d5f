//! Why a call has failed.

use thiserror::Error;

use crate::rpc::Failure;

/// The error of a call.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The reply breaks the protocol: it cannot be read, it is a stream and the call does not want one,
    /// or it has more parts than it was given credit for.
    #[error("the reply breaks the protocol")]
    BadReply,
    /// The client has been closed.
    #[error("the client is closed")]
    Closed,
    /// The request was written to a connection that was lost before there was a reply; it may have been
    /// carried out.
    #[error("the connection was lost before there was a reply")]
    ConnectionLost,
    /// The time was over before there was a reply; the request may have been carried out.
    #[error("there was no reply in time")]
    DeadlineExceeded,
    /// The responder has answered with an error.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Servers, or one server twice, ended the connection while the request was being written. They do
    /// so if a request is too long for them. The request was certainly not carried out. It is not
    /// retryable, because a server with the same limit refuses it again. See
    /// [`Dropped::refused`](crate::stats::Dropped::refused).
    #[error("servers ended the connection while the request was being written")]
    Refused,
    /// The request was not written before its server was abandoned, and no other server was connected.
    /// It was certainly not carried out. See [`Requester`](super::Requester#lost-connections).
    #[error("the request was not written before its server was abandoned")]
    Undelivered,
}

impl CallError {
    /// Whether the request was certainly not begun, so that a retry is safe and may succeed: it was not
    /// sent, or the responder reports that it is overloaded or about to end.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Undelivered => true,
            Self::Failed(failure) => failure.code().is_not_started(),
            _ => false,
        }
    }

    /// Whether it makes sense to make a request again that may be carried out twice: if
    /// [`is_retryable`](Self::is_retryable), and if the connection was lost.
    #[must_use]
    pub const fn is_retryable_if_idempotent(&self) -> bool {
        self.is_retryable() || matches!(self, Self::ConnectionLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::ErrorCode;

    #[test]
    fn what_was_certainly_not_begun_is_retryable() {
        let failed = |code| CallError::Failed(Failure::new(code, ""));
        assert!(failed(ErrorCode::OVERLOADED).is_retryable());
        assert!(failed(ErrorCode::SHUTTING_DOWN).is_retryable());
        assert!(CallError::Undelivered.is_retryable());
        assert!(!CallError::ConnectionLost.is_retryable());
        assert!(CallError::ConnectionLost.is_retryable_if_idempotent());
        for error in [
            CallError::DeadlineExceeded,
            CallError::Closed,
            CallError::BadReply,
            CallError::Refused,
        ] {
            assert!(!error.is_retryable_if_idempotent());
        }
        assert!(!failed(ErrorCode::APPLICATION).is_retryable_if_idempotent());
    }
}
