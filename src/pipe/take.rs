//! Taking messages from the outgoing half of a pipe.

use zmtp_proto::command::Command;

use crate::pipe::Room;

/// The number of messages that a connection takes at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    /// As many as the receiver in this process has capacity for. While it has other messages, new
    /// ones stay here until this queue is half full.
    Room(Room),
    /// All messages or, if they are long, as many as fill a few writes.
    Write,
}

impl Want {
    /// Returns whether the receiver still has messages, so that taking more can wait.
    pub(super) const fn can_wait(self) -> bool {
        matches!(self, Self::Room(Room { is_all: false, .. }))
    }
}

/// The result of taking messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// There are commands for the remote. No message was taken.
    Commands(Vec<Command>),
    /// The queue is empty and stays empty.
    End,
    Messages,
    /// The last messages: the queue is now empty and stays so. Without this, the end would be
    /// detected only when the receiver takes a message. Only for [`Want::Room`].
    Last,
}
