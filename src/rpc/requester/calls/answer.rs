//! Answers of servers to calls.

use crate::message::Message;
use crate::rpc::Failure;

/// An answer of a server to a call.
#[derive(Debug)]
pub(in crate::rpc::requester) enum Answer {
    Reply(Message),
    Part(Message),
    End,
    Error(Failure),
    /// An answer that is not valid.
    Unreadable,
}
