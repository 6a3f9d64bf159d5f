//! What a server sends about a call.

use crate::message::Message;
use crate::rpc::Failure;

/// What a server sends about a call.
#[derive(Debug)]
pub(in crate::rpc::requester) enum Answer {
    Reply(Message),
    Part(Message),
    End,
    Error(Failure),
    /// An answer that is not valid.
    Unreadable,
}
