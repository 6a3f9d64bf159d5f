//! The errors of receiving messages that remotes have left.

use thiserror::Error;

/// The error of `recv_returned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecvReturnedError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The socket returns no messages: its option [`undelivered`](crate::Builder::undelivered)
    /// is not [`Undelivered::Return`](crate::Undelivered::Return).
    #[error("the socket does not return undelivered messages")]
    NotReturned,
}

/// The error of `try_recv_returned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryRecvReturnedError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// No message is available now.
    #[error("no message is available")]
    Empty,
    /// The socket returns no messages: its option [`undelivered`](crate::Builder::undelivered)
    /// is not [`Undelivered::Return`](crate::Undelivered::Return).
    #[error("the socket does not return undelivered messages")]
    NotReturned,
}
