//! The error of a call.

use std::mem;
use std::sync::Arc;

use thiserror::Error;

use crate::monitor::DialFailure;
use crate::rpc::Failure;

/// The error of a call.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The reply violates the protocol: it is malformed, it is a stream that the call did not
    /// request, or it has more parts than credit was granted for.
    #[error("the reply violates the protocol")]
    BadReply,
    /// The client has been closed.
    #[error("the client is closed")]
    Closed,
    /// The request was written to a connection that was lost before the reply arrived. It may have
    /// been carried out.
    #[error("the connection was lost before the reply arrived")]
    ConnectionLost,
    /// The deadline passed after the request was queued for a server, and before the reply arrived.
    /// The request may have been carried out.
    #[error("the deadline passed before the reply arrived")]
    DeadlineExceeded,
    /// The responder returned an error.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// No server is connected and no endpoint is left, because the last one was abandoned: the server
    /// refuses this client, for example because it does not admit its key, or the options permit no
    /// further attempt. Holds the reason. The request was certainly not carried out, and a retry
    /// fails until the client is [connected](crate::Client::connect) again.
    ///
    /// Two of these errors are equal if they report the same failure.
    #[error("no endpoint is left")]
    NoEndpoint(#[source] Arc<DialFailure>),
    /// The deadline passed before the request was sent: no server was connected, or their queues or
    /// [`max_outstanding`](super::RequesterBuilder::max_outstanding) left no room. The request was
    /// certainly not carried out. It is not retryable, because its deadline has passed; the
    /// application can make the call again with a later one.
    #[error("the deadline passed before the request was sent")]
    NotSent,
    /// Two servers, or one server twice, ended the connection while the request was being written.
    /// A server does so if a request exceeds its limit. The request was certainly not carried out.
    /// It is not retryable, because a server with the same limit refuses it again. See
    /// [`Dropped::refused`](crate::stats::Dropped::refused).
    #[error("servers ended the connection while the request was being written")]
    Refused,
    /// The request was not written before its server was abandoned, and no other server was
    /// connected. It was certainly not carried out. See
    /// [`Requester`](super::Requester#lost-connections).
    #[error("the request was not written before its server was abandoned")]
    Undelivered,
}

impl CallError {
    /// Returns whether the request was certainly not started, so that a retry is safe and may
    /// succeed: it was not sent, or the responder reports that it is overloaded or shutting down.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::rpc::{CallError, ErrorCode, Failure};
    ///
    /// assert!(CallError::Undelivered.is_retryable());
    /// assert!(CallError::Failed(Failure::new(ErrorCode::OVERLOADED, "")).is_retryable());
    /// assert!(!CallError::ConnectionLost.is_retryable());
    /// ```
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Undelivered => true,
            Self::Failed(failure) => failure.code().is_not_started(),
            _ => false,
        }
    }

    /// Returns whether the request may have been carried out. If not, it was certainly not started,
    /// and can be sent elsewhere. Unlike [`is_retryable`](Self::is_retryable), this does not state
    /// whether the same call is likely to succeed.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::rpc::CallError;
    ///
    /// assert!(CallError::DeadlineExceeded.may_be_carried_out());
    /// assert!(!CallError::NotSent.may_be_carried_out());
    /// ```
    #[must_use]
    pub const fn may_be_carried_out(&self) -> bool {
        match self {
            Self::NoEndpoint(_) | Self::NotSent | Self::Refused | Self::Undelivered => false,
            Self::Failed(failure) => !failure.code().is_not_started(),
            Self::BadReply | Self::Closed | Self::ConnectionLost | Self::DeadlineExceeded => true,
        }
    }

    /// Returns whether a retry is useful for a request that may safely be carried out twice: if
    /// [`is_retryable`](Self::is_retryable) returns `true`, or if the connection was lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(requester: tokio_zmtp::rpc::Requester)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let reply = match requester.call("read 7").await {
    ///     Err(error) if error.is_retryable_if_idempotent() => requester.call("read 7").await?,
    ///     reply => reply?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn is_retryable_if_idempotent(&self) -> bool {
        self.is_retryable() || matches!(self, Self::ConnectionLost)
    }
}

impl PartialEq for CallError {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Failed(one), Self::Failed(other)) => one == other,
            (Self::NoEndpoint(one), Self::NoEndpoint(other)) => Arc::ptr_eq(one, other),
            (one, other) => mem::discriminant(one) == mem::discriminant(other),
        }
    }
}

impl Eq for CallError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use zmtp_proto::rpc::ErrorCode;

    #[test]
    fn a_request_that_was_certainly_not_started_is_retryable() {
        let failed = |code| CallError::Failed(Failure::new(code, ""));
        assert!(failed(ErrorCode::OVERLOADED).is_retryable());
        assert!(failed(ErrorCode::SHUTTING_DOWN).is_retryable());
        assert!(CallError::Undelivered.is_retryable());
        assert!(!CallError::ConnectionLost.is_retryable());
        assert!(CallError::ConnectionLost.is_retryable_if_idempotent());
        for error in [
            CallError::DeadlineExceeded,
            CallError::Closed,
            CallError::NoEndpoint(Arc::new(DialFailure::TimedOut { limit: Duration::ZERO })),
            CallError::BadReply,
            CallError::NotSent,
            CallError::Refused,
        ] {
            assert!(!error.is_retryable_if_idempotent());
        }
        assert!(!failed(ErrorCode::APPLICATION).is_retryable_if_idempotent());
        assert!(failed(ErrorCode::APPLICATION).may_be_carried_out());
        assert!(!failed(ErrorCode::OVERLOADED).may_be_carried_out());
    }
}
