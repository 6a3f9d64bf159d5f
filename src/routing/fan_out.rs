//! The state of a socket that sends a message to many remotes: the copies for these, and the
//! senders that wait for them.

use std::mem;

use crate::remote::Remote;
use crate::routing::held_senders::HeldSenders;
use crate::routing::outgoing_pipe::OutgoingPipe;

/// The state of a socket that sends a message to many remotes.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    pub(super) copies: Copies,
    pub(super) reports: Vec<(Remote, SlowReport)>,
    pub(super) held: HeldSenders,
}

/// The copies of messages for many remotes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copies {
    /// The number of copies that were queued.
    pub(crate) queued: usize,
    /// The number of copies that slow remotes have missed.
    pub(crate) missed: u64,
    /// The number of queued copies that later messages have replaced.
    pub(crate) replaced: u64,
    /// Whether there are [`SlowReport`]s to take.
    pub(crate) has_reports: bool,
}

/// An event of a slow remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlowReport {
    /// It has begun to miss messages.
    Misses,
    /// Messages that are queued for it have begun to be replaced.
    Replaces,
    /// It has missed this number of messages in a row, and is to be disconnected.
    TooSlow(u32),
}

impl FanOut {
    /// Counts messages that the remote of a pipe misses.
    #[inline]
    pub(super) fn count_missed(&mut self, pipe: &mut OutgoingPipe, messages: u64) {
        self.copies.missed += messages;
        let Some(remote) = &pipe.remote else { return };
        remote.counters().count_missed(messages);
        if pipe.missed == 0 {
            self.report(pipe, SlowReport::Misses);
        }
        pipe.missed = pipe.missed.saturating_add(u32::try_from(messages).unwrap_or(u32::MAX));
    }

    /// Counts messages in the queue of a pipe that later ones have replaced.
    pub(super) fn count_replaced(&mut self, pipe: &mut OutgoingPipe, messages: u64) {
        self.copies.replaced += messages;
        let Some(remote) = &pipe.remote else { return };
        remote.counters().count_replaced(messages);
        if !mem::replace(&mut pipe.replaces, true) {
            self.report(pipe, SlowReport::Replaces);
        }
    }

    #[cold]
    pub(super) fn report(&mut self, pipe: &OutgoingPipe, report: SlowReport) {
        self.copies.has_reports = true;
        self.reports.extend(pipe.remote.clone().map(|remote| (remote, report)));
    }
}
