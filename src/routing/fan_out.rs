//! The state of a socket that sends a message to many remotes: the copies for these, and the
//! senders that wait for them.

use crate::remote::Remote;
use crate::routing::held_senders::HeldSenders;

/// The state of a socket that sends a message to many remotes.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    pub(super) copies: Copies,
    pub(super) held: HeldSenders,
}

/// The copies of messages for many remotes.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// The number of copies that were queued.
    pub(crate) queued: usize,
    /// The number of copies that slow remotes have missed.
    pub(crate) missed: u64,
    /// The remotes that have begun to miss messages.
    pub(crate) missing: Vec<Remote>,
}
