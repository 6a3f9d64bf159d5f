//! Information about requests and replies that connections and strategies exchange.

use std::collections::VecDeque;

use crate::message::Message;
use crate::pipe::PipeKey;

/// The end of the connection of a remote, and the requests that it left.
#[derive(Debug)]
pub(crate) struct RequestEnd {
    pub(crate) pipe: PipeKey,
    /// The number of messages of the pipe that were written completely, on this or an earlier
    /// connection.
    pub(crate) written: u64,
    /// The messages that follow these. None of them will be sent by another connection of the pipe.
    pub(crate) unwritten: VecDeque<Message>,
    /// Whether the remote ended the connection when part of the first of these was written.
    pub(crate) is_interrupted: bool,
    /// Whether no other connection will follow.
    pub(crate) gone: bool,
}

/// Received messages that were discarded, because no request waits for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DiscardedReplies {
    /// Messages that do not have the form of a reply.
    pub(crate) malformed: u64,
    /// Replies to requests that no longer wait, that were sent to another remote, or that do not
    /// exist.
    pub(crate) stray: u64,
    /// Whether the first of them begins a series of the remote.
    pub(crate) begins: bool,
}
