//! The accounts of a responder: requests in progress, and the outcomes of the others.

use std::collections::VecDeque;
use std::sync::Arc;

use super::backlog::{BacklogEntry, NextStep};
use super::budget::Budget;
use super::counters::{Count, ResponderCounters};
use super::job_id::JobId;
use super::jobs::Jobs;
use super::limits::Limits;
use crate::rpc::responding_socket::SendsReplies;
use crate::rpc::return_path::ReturnPath;
use crate::rpc::stats::ResponderStats;
use crate::socket::tracked::PipeKey;
use crate::sync::Lock;

/// The accounts of a responder. They do not keep the server alive, so that background tasks can
/// hold them.
#[derive(Debug)]
pub(super) struct Ledger<P: ReturnPath> {
    /// No user code may be called, and no user value dropped, under this lock.
    pub(super) jobs: Lock<Jobs<P>>,
    /// Statistics can be read after the end of the ledger.
    pub(super) counters: Arc<ResponderCounters>,
}

/// The ledger of a responder over a socket.
pub(super) type LedgerOf<S> = Ledger<<S as SendsReplies>::Path>;

/// What to do next for a remote with waiting messages.
#[derive(Debug)]
pub(super) enum NextMessage {
    Entry(BacklogEntry),
    Nothing,
    /// Receive from it again, because no other task does.
    Resume,
}

impl<P: ReturnPath> Ledger<P> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { jobs: Lock::new(Jobs::new(limits)), counters: Arc::default() }
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

    /// Takes the message to be queued next, from the backlog of a remote with this number. If there
    /// is none, the remote must be resumed.
    pub(super) fn next_to(&self, pipe: PipeKey, to: P::Key, number: u64) -> NextMessage {
        let mut passed_over = Vec::new();
        self.jobs.with(|jobs, wakes| {
            if !jobs.loads.is_current(pipe, number) {
                return NextMessage::Nothing;
            }
            while let Some(entry) = jobs.loads.pop(pipe) {
                let is_wanted = match &entry.next_step {
                    NextStep::Answer(_) => jobs.contains(entry.id),
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

    /// Ends the waiting messages of a remote that is disconnected, if they are those of the backlog
    /// with this number, and the message that was `begun`.
    pub(super) fn abandon(&self, pipe: PipeKey, number: u64, begun: Option<(JobId, NextStep)>) {
        let rest = self.jobs.with(|jobs, wakes| {
            let is_current = jobs.loads.is_current(pipe, number);
            let rest = if is_current { jobs.loads.drop_backlog(pipe) } else { VecDeque::new() };
            jobs.wake_awaiting(wakes);
            rest
        });
        self.end_all(begun, rest);
    }

    /// Drops the waiting messages of a remote whose connection has ended. If another connection can
    /// continue its backlog, the empty backlog stays.
    pub(super) fn clear(&self, pipe: PipeKey, can_continue: bool) {
        if can_continue {
            let entries = self.jobs.lock().loads.take_backlog(pipe);
            return drop(entries);
        }
        let entries = self.jobs.with(|jobs, wakes| {
            let entries = jobs.loads.drop_backlog(pipe);
            jobs.wake_awaiting(wakes);
            entries
        });
        self.end_all(None, entries);
    }

    fn end_all(&self, begun: Option<(JobId, NextStep)>, rest: VecDeque<BacklogEntry>) {
        let rest = rest.into_iter().map(|entry| (entry.id, entry.next_step));
        for (id, next_step) in begun.into_iter().chain(rest) {
            match next_step {
                NextStep::Answer(_) => self.finish(id, Count::Disconnected),
                NextStep::Notice => self.count(Count::Unanswered),
                // The stream detects that its sender is dropped.
                NextStep::Part(_) => {}
            }
        }
    }
}
