//! The requests that a service is handling.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::job_id::JobId;
use super::limits::Limits;
use super::loads::Loads;
use crate::rpc::return_path::ReturnPath;
use crate::socket::tracked::PipeKey;
use crate::sync::Wakes;

/// Requests whose handlers were not ready immediately, and requests whose reply waits for queue
/// capacity.
///
/// The caller that removes a request records its outcome, so that each request has exactly one. No
/// method calls, polls, spawns or drops user code.
#[derive(Debug)]
pub(super) struct Jobs<P: ReturnPath> {
    running: BTreeMap<JobId, Job<P>>,
    /// The deadlines of requests without an answer.
    deadlines: BTreeSet<(Instant, JobId)>,
    pub(super) loads: Loads,
    /// Remotes with an empty backlog that the serving task has not handled yet.
    emptied: Vec<P::Key>,
    /// The waker of the serving task.
    serving: Option<Waker>,
    is_served: bool,
    /// Whether the serving task waits until no request is left.
    is_ending: bool,
}

#[derive(Debug)]
pub(super) struct Job<P> {
    pub(super) path: P,
    pub(super) deadline: Option<Instant>,
    /// The credit for parts, if the reply may be a stream.
    pub(super) credit: Option<Arc<Semaphore>>,
    /// The task of the handler, once spawned.
    task: Option<AbortHandle>,
    /// Whether the answer exists and waits for queue capacity.
    is_answered: bool,
}

/// The decision on a request that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobAdmission {
    Start,
    Wait,
    /// Another request has its id.
    Duplicate,
}

impl<P> Job<P> {
    pub(super) const fn new(
        path: P,
        deadline: Option<Instant>,
        credit: Option<Arc<Semaphore>>,
    ) -> Self {
        Self { path, deadline, credit, task: None, is_answered: false }
    }

    /// Aborts the task, which drops the handler.
    pub(super) fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl<P: ReturnPath> Jobs<P> {
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

    /// Decides on a request by the limits of running requests. The ids of waiting requests are not
    /// checked here.
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
    pub(super) fn add(&mut self, id: JobId, job: Job<P>) {
        debug_assert!(!self.running.contains_key(&id));
        self.deadlines.extend(job.deadline.map(|deadline| (deadline, id)));
        self.running.insert(id, job);
        self.loads.start(id.pipe);
    }

    /// Records the task of a request, unless the request has ended or has its answer.
    pub(super) fn attach(&mut self, id: JobId, task: &AbortHandle) {
        if let Some(job) = self.running.get_mut(&id).filter(|job| !job.is_answered) {
            job.task = Some(task.clone());
        }
    }

    /// Records that a request has its answer, so that it no longer ends at its deadline. Returns
    /// false if the request has already ended.
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

    /// Removes a request, if it still exists.
    pub(super) fn take(&mut self, id: JobId) -> Option<Job<P>> {
        let job = self.running.remove(&id)?;
        if let Some(deadline) = job.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        self.loads.end(id.pipe);
        Some(job)
    }

    /// Returns whether no request is in progress, no message waits for queue capacity, and no
    /// remote waits to be resumed.
    pub(super) fn is_idle(&self) -> bool {
        self.loads.is_empty() && self.emptied.is_empty()
    }

    /// Wakes the serving task, if it waits for requests to end.
    pub(super) fn wake_awaiting(&mut self, wakes: &mut Wakes) {
        if self.is_ending || self.loads.is_anything_next() {
            wakes.extend(self.serving.take());
        }
    }

    /// Removes the requests of a connection that has ended.
    pub(super) fn take_of(&mut self, pipe: PipeKey) -> Vec<Job<P>> {
        let all = JobId { pipe, tag: 0, call: 0 }..=JobId { pipe, tag: u64::MAX, call: u64::MAX };
        let ids: Vec<_> = self.running.range(all).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// Removes the requests whose deadline has passed.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<(JobId, Job<P>)> {
        let mut expired = Vec::new();
        while let Some(&(_, id)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now) {
            expired.extend(self.take(id).map(|job| (id, job)));
        }
        expired
    }

    /// Removes the requests without an answer, or all requests.
    pub(super) fn take_rest(&mut self, with_answered: bool) -> Vec<(JobId, Job<P>)> {
        let is_meant = |job: &Job<P>| with_answered || !job.is_answered;
        let ids: Vec<_> =
            self.running.iter().filter(|(_, job)| is_meant(job)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| Some((id, self.take(id)?))).collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the credit of a stream.
    pub(super) fn credit(&self, id: JobId) -> Option<Arc<Semaphore>> {
        self.running.get(&id)?.credit.clone()
    }

    /// Registers the serving task to be woken when needed. Returns the remotes with an empty
    /// backlog.
    pub(super) fn serve(&mut self, serving: &Waker, is_ending: bool) -> Vec<P::Key> {
        (self.is_served, self.is_ending) = (true, is_ending);
        match &mut self.serving {
            Some(waker) => waker.clone_from(serving),
            None => self.serving = Some(serving.clone()),
        }
        std::mem::take(&mut self.emptied)
    }

    /// Records that no task serves anymore. Returns the remotes with an empty backlog.
    pub(super) fn stop(&mut self) -> (Option<Waker>, Vec<P::Key>) {
        (self.is_served, self.is_ending) = (false, false);
        (self.serving.take(), std::mem::take(&mut self.emptied))
    }

    /// Records that all messages of the backlog of a remote are queued. Wakes the serving task,
    /// which resumes the remote; returns false if there is no such task.
    pub(super) fn emptied(&mut self, to: P::Key, wakes: &mut Wakes) -> bool {
        if self.is_served {
            self.emptied.push(to);
            wakes.extend(self.serving.take());
        }
        self.is_served
    }
}
