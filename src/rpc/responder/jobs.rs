//! The requests that a service is at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::limits::Limits;
use super::loads::Loads;
use crate::routing_id::RoutingId;
use crate::socket::tracked::PipeKey;
use crate::sync::Wakes;

/// Requests whose handlers were not ready immediately, and those whose reply waits for room.
///
/// Whoever takes one out, be it finished, cancelled or late, says what has become of it: so it becomes
/// one thing. No user code is called, polled, spawned or dropped in here.
#[derive(Debug)]
pub(super) struct Jobs {
    running: BTreeMap<JobId, Job>,
    /// Of those that are not over yet.
    deadlines: BTreeSet<(Instant, JobId)>,
    pub(super) loads: Loads,
    /// Remotes with an empty backlog that the serving task has not handled yet.
    emptied: Vec<RoutingId>,
    /// The task that serves.
    serving: Option<Waker>,
    is_served: bool,
    /// It waits until no request is left.
    is_ending: bool,
}

/// A request: whose it is, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobId {
    pub(super) pipe: PipeKey,
    pub(super) call: u64,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) routing_id: RoutingId,
    pub(super) deadline: Option<Instant>,
    /// Of parts, if the reply may be a stream.
    pub(super) credit: Option<Arc<Semaphore>>,
    /// Has the handler, from when it was spawned.
    task: Option<AbortHandle>,
    /// The answer is there, and waits for room.
    is_answered: bool,
}

/// What to do with a request that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobAdmission {
    Start,
    Wait,
    /// Another request has its id.
    Duplicate,
}

impl Job {
    pub(super) const fn new(
        routing_id: RoutingId,
        deadline: Option<Instant>,
        credit: Option<Arc<Semaphore>>,
    ) -> Self {
        Self { routing_id, deadline, credit, task: None, is_answered: false }
    }

    /// Has the handler dropped.
    pub(super) fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Jobs {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            running: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            loads: Loads::new(limits),
            emptied: Vec::new(),
            serving: None,
            is_served: false,
            is_ending: false,
        }
    }

    /// Whether a request can be started if only its share limits it. Waiting requests are not known
    /// here.
    #[inline]
    pub(super) fn admit(&self, id: JobId) -> JobAdmission {
        if self.loads.is_empty() {
            JobAdmission::Start
        } else if self.running.contains_key(&id) {
            JobAdmission::Duplicate
        } else if self.loads.may_start(id.pipe) {
            JobAdmission::Start
        } else {
            JobAdmission::Wait
        }
    }

    /// Adds a request, whose id is not in use.
    pub(super) fn add(&mut self, id: JobId, job: Job) {
        debug_assert!(!self.running.contains_key(&id));
        self.deadlines.extend(job.deadline.map(|deadline| (deadline, id)));
        self.running.insert(id, job);
        self.loads.start(id.pipe);
    }

    /// Notes the task of a request, unless it has come to its end already.
    pub(super) fn attach(&mut self, id: JobId, task: &AbortHandle) {
        if let Some(job) = self.running.get_mut(&id).filter(|job| !job.is_answered) {
            job.task = Some(task.clone());
        }
    }

    /// Notes that the answer to a request is there, which now no longer ends at its deadline; false if the
    /// request has gone.
    pub(super) fn answered(&mut self, id: JobId) -> bool {
        let Some(job) = self.running.get_mut(&id) else { return false };
        job.is_answered = true;
        if let Some(deadline) = job.deadline.take() {
            self.deadlines.remove(&(deadline, id));
        }
        true
    }

    pub(super) fn contains(&self, id: JobId) -> bool {
        self.running.contains_key(&id)
    }

    /// Takes a request out, if it still is there.
    pub(super) fn take(&mut self, id: JobId) -> Option<Job> {
        let job = self.running.remove(&id)?;
        if let Some(deadline) = job.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        self.loads.end(id.pipe);
        Some(job)
    }

    /// Returns whether no request is in progress, no message waits for queue capacity, and no remote waits
    /// to be resumed.
    pub(super) fn is_idle(&self) -> bool {
        self.loads.is_empty() && self.emptied.is_empty()
    }

    /// Wakes the serving task, if it waits for requests to end.
    pub(super) fn wake_awaiting(&mut self, wakes: &mut Wakes) {
        if self.is_ending || self.loads.is_anything_next() {
            wakes.extend(self.serving.take());
        }
    }

    /// Takes out those of a connection that has ended.
    pub(super) fn take_of(&mut self, pipe: PipeKey) -> Vec<Job> {
        let all = JobId { pipe, call: 0 }..=JobId { pipe, call: u64::MAX };
        let ids: Vec<_> = self.running.range(all).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// Takes out those whose time is over.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<(JobId, Job)> {
        let mut expired = Vec::new();
        while let Some(&(_, id)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now) {
            expired.extend(self.take(id).map(|job| (id, job)));
        }
        expired
    }

    /// Takes out those that have no answer yet, or all.
    pub(super) fn take_rest(&mut self, with_answered: bool) -> Vec<(JobId, Job)> {
        let is_meant = |job: &Job| with_answered || !job.is_answered;
        let ids: Vec<_> =
            self.running.iter().filter(|(_, job)| is_meant(job)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| Some((id, self.take(id)?))).collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The credit of a stream.
    pub(super) fn credit(&self, id: JobId) -> Option<Arc<Semaphore>> {
        self.running.get(&id)?.credit.clone()
    }

    /// Registers the serving task to be woken when needed. Returns the remotes with an empty backlog.
    pub(super) fn serve(&mut self, serving: &Waker, is_ending: bool) -> Vec<RoutingId> {
        (self.is_served, self.is_ending) = (true, is_ending);
        match &mut self.serving {
            Some(waker) => waker.clone_from(serving),
            None => self.serving = Some(serving.clone()),
        }
        std::mem::take(&mut self.emptied)
    }

    /// Notes that no task serves any more. Returns the remotes with an empty backlog.
    pub(super) fn stop(&mut self) -> (Option<Waker>, Vec<RoutingId>) {
        (self.is_served, self.is_ending) = (false, false);
        (self.serving.take(), std::mem::take(&mut self.emptied))
    }

    /// Notes that all messages that waited for room in the queue of a remote are queued. Wakes the serving
    /// task, which resumes the remote; false if there is none.
    pub(super) fn emptied(&mut self, to: RoutingId, wakes: &mut Wakes) -> bool {
        if self.is_served {
            self.emptied.push(to);
            wakes.extend(self.serving.take());
        }
        self.is_served
    }
}
