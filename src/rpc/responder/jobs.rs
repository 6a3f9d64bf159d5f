//! The requests that a service is at.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::pipe::PipeKey;
use crate::routing_id::RoutingId;
use crate::rpc::clock::Clock;

/// Requests whose handlers were not ready at once, each with a task of its own.
///
/// Whoever takes one out, be it finished, cancelled or late, says what has become of it: so it becomes
/// one thing.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    running: HashMap<JobId, Job>,
    pub(super) clock: Clock,
    /// Waits for one to end.
    waiting: Option<Waker>,
}

/// A request: whose it is, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct JobId {
    pub(super) pipe: PipeKey,
    pub(super) call: u64,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) task: AbortHandle,
    pub(super) routing_id: RoutingId,
    pub(super) deadline: Option<Instant>,
    /// Of parts, if the reply may be a stream.
    pub(super) credit: Option<Arc<Semaphore>>,
}

impl Jobs {
    /// Adds a request, unless its id is in use.
    pub(super) fn add(&mut self, id: JobId, start: impl FnOnce() -> Job) -> bool {
        match self.running.entry(id) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                let job = vacant.insert(start());
                self.clock.add(job.deadline);
                true
            }
        }
    }

    /// Takes a request out, if it still is there. Hands out who waits for that.
    pub(super) fn take(&mut self, id: JobId) -> Option<(Job, Option<Waker>)> {
        let job = self.running.remove(&id)?;
        Some((job, self.waiting.take()))
    }

    /// Takes out those of a connection that has ended.
    pub(super) fn take_of(&mut self, pipe: PipeKey) -> Vec<Job> {
        self.extract(|id, _| id.pipe == pipe).into_iter().map(|(_, job)| job).collect()
    }

    /// Takes out those whose time is over, if it is time to look.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<(JobId, Job)> {
        if !self.clock.is_due(now) {
            return Vec::new();
        }
        let is_over = |job: &Job| job.deadline.is_some_and(|deadline| deadline <= now);
        let expired = self.extract(|_, job| is_over(job));
        let next = self.running.values().filter_map(|job| job.deadline).min();
        self.clock.set(now, next, self.running.len());
        expired
    }

    pub(super) fn take_all(&mut self) -> Vec<(JobId, Job)> {
        self.running.drain().collect()
    }

    /// Lets the server of a stream send more parts; false if there is no such stream.
    pub(super) fn give_credit(&self, id: JobId, parts: u32) -> bool {
        let credit = self.running.get(&id).and_then(|job| job.credit.as_ref());
        let Some(credit) = credit else { return false };
        // As many as a semaphore holds are as good as any number.
        let room = Semaphore::MAX_PERMITS - credit.available_permits();
        credit.add_permits(usize::try_from(parts).unwrap_or(usize::MAX).min(room));
        true
    }

    /// Has a task woken when a request ends.
    pub(super) fn wait(&mut self, waker: &Waker) {
        match &mut self.waiting {
            Some(waiting) => waiting.clone_from(waker),
            None => self.waiting = Some(waker.clone()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    fn extract(&mut self, is_meant: impl Fn(&JobId, &Job) -> bool) -> Vec<(JobId, Job)> {
        let meant = self.running.iter().filter(|(id, job)| is_meant(id, job)).map(|(id, _)| *id);
        let meant: Vec<_> = meant.collect();
        meant.into_iter().filter_map(|id| Some((id, self.running.remove(&id)?))).collect()
    }
}
