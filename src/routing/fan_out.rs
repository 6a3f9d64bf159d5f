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
    /// The number of queued copies that later messages have replaced.
    pub(crate) replaced: u64,
    pub(crate) reports: Vec<(Remote, SlowReport)>,
}

/// An event of a slow remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlowReport {
    /// It has begun to miss messages.
    Misses,
    /// Messages that are queued for it have begun to be replaced.
    Replaces,
    /// It has missed this number of messages in a row, and is to be disconnected.
    TooSlow(u64),
}
