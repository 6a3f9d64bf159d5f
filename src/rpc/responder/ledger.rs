//! The accounts of a responder: requests in progress, and the outcomes of the others.

use std::collections::VecDeque;
use std::sync::Arc;

use super::backlog::{BacklogEntry, NextStep};
use super::budget::Budget;
use super::counters::{Count, ResponderCounters};
use super::jobs::{JobId, Jobs};
use super::limits::Limits;
use crate::routing_id::RoutingId;
use crate::rpc::stats::ResponderStats;
use crate::socket::tracked::PipeKey;
use crate::sync::Lock;

/// The accounts of a responder. They do not keep the server alive, so that background tasks can
/// hold them.
#[derive(Debug)]
pub(super) struct Ledger {
    /// No user code may be called, and no user value dropped, under this lock.
    pub(super) jobs: Lock<Jobs>,
    counters: ResponderCounters,
}

/// What to do next for a remote with waiting messages.
#[derive(Debug)]
pub(super) enum NextMessage {
    Entry(BacklogEntry),
    Nothing,
    /// Receive from it again, because no other task does.
    Resume,
}

impl Ledger {
    pub(super) fn new(limits: Limits) -> Self {
        Self { jobs: Lock::new(Jobs::new(limits)), counters: ResponderCounters::default() }
    }

    #[inline]
    pub(super) fn count(&self, count: Count) {
        self.counters.add(count);
    }

    pub(super) fn stats(&self) -> ResponderStats {
        let jobs = self.jobs.lock();
        let (waiting, running) = (jobs.loads.waiting(), jobs.loads.running());
        self.counters.read(waiting as u64, running as u64)
    }

    /// Ends a job that still exists, and records its outcome.
    pub(super) fn finish(&self, id: JobId, outcome: Count) {
        let job = self.jobs.with(|jobs, wakes| {
            let job = jobs.take(id);
            if job.is_some() {
                jobs.wake_awaiting(wakes);
                self.count(outcome);
            }
            job
        });
        drop(job);
    }

    /// Returns the budget of bytes that may be kept for a remote.
    pub(super) fn budget(&self, pipe: PipeKey) -> Arc<Budget> {
        self.jobs.lock().loads.budget(pipe)
    }

    /// Takes the message to be queued next for a remote. If there is none, the remote must be
    /// resumed.
    pub(super) fn next_to(&self, pipe: PipeKey, to: RoutingId) -> NextMessage {
        let mut passed_over = Vec::new();
        self.jobs.with(|jobs, wakes| {
            while let Some(entry) = jobs.loads.pop(pipe) {
                let is_wanted = match &entry.next_step {
                    NextStep::Answer(_) => jobs.contains(JobId { pipe, call: entry.call }),
                    NextStep::Part(sender) => !sender.is_closed(),
                    NextStep::Notice => true,
                };
                if is_wanted {
                    return NextMessage::Entry(entry);
                }
                passed_over.push(entry);
            }
            let is_served = jobs.emptied(to, wakes);
            if is_served { NextMessage::Nothing } else { NextMessage::Resume }
        })
    }

    pub(super) fn has_backlog(&self, pipe: PipeKey) -> bool {
        self.jobs.lock().loads.has_backlog(pipe)
    }

    /// Ends the waiting messages of a remote that is disconnected, and the message that was
    /// `begun`.
    pub(super) fn abandon(&self, pipe: PipeKey, begun: Option<(u64, NextStep)>) {
        let rest = self.jobs.with(|jobs, wakes| {
            let rest = jobs.loads.drop_backlog(pipe);
            jobs.wake_awaiting(wakes);
            rest
        });
        let rest = rest.into_iter().map(|entry| (entry.call, entry.next_step));
        for (call, next_step) in begun.into_iter().chain(rest) {
            match next_step {
                NextStep::Answer(_) => self.finish(JobId { pipe, call }, Count::Disconnected),
                NextStep::Notice => self.count(Count::Unanswered),
                // The stream detects that its sender is dropped.
                NextStep::Part(_) => {}
            }
        }
    }

    /// Drops the waiting messages of a remote whose connection has ended.
    pub(super) fn clear(&self, pipe: PipeKey) {
        let entries: VecDeque<BacklogEntry> = self.jobs.lock().loads.take_backlog(pipe);
        drop(entries);
    }
}
