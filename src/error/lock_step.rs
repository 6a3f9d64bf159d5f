//! The error of sending and receiving in turn.

use std::fmt;

use thiserror::Error;

/// The error of a [`LockStep`](crate::LockStep). `E` is the error of the operation itself, and
/// `T` the message of an operation that sends.
///
/// `OutOfTurn` corresponds to `EFSM` of libzmq.
#[derive(Clone, PartialEq, Eq, Error)]
pub enum LockStepError<E, T = ()> {
    /// It is the turn of the other operation. Holds the message, if this one sends.
    #[error("it is the turn of the other operation")]
    OutOfTurn(T),
    /// The operation failed.
    #[error(transparent)]
    Failed(E),
}

impl<E: fmt::Debug, T> fmt::Debug for LockStepError<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfTurn(_) => f.write_str("OutOfTurn(..)"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}
