//! The messages that an ended connection has not written.

use std::collections::VecDeque;

use crate::message::Message;

/// Messages that a connection took from the queue and did not write.
#[derive(Debug, Default)]
pub(crate) struct Remainder {
    pub(crate) messages: VecDeque<Message>,
    /// Whether the remote ended the connection when part of the first of these was written.
    pub(crate) is_interrupted: bool,
    /// Whether the connection wrote no message completely.
    pub(crate) is_first: bool,
}
