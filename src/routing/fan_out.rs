//! The state of a socket that sends a message to many remotes: what these have missed, and the
//! senders that wait for them.

use crate::remote::Remote;
use crate::routing::held_senders::HeldSenders;

/// The state of a socket that sends a message to many remotes.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    pub(super) missed: MissedMessages,
    pub(super) held: HeldSenders,
}

/// Messages that full pipes have missed.
#[derive(Debug, Default)]
pub(crate) struct MissedMessages {
    /// Their number, each counted for each pipe.
    pub(crate) messages: u64,
    /// The remotes that have begun to miss messages.
    pub(crate) remotes: Vec<Remote>,
}
