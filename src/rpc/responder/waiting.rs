//! Accepted requests that have not been started.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;

use super::job_id::JobId;
use crate::rpc::Request;
use crate::rpc::return_path::ReturnPath;
use crate::socket::tracked::PipeKey;

/// A request that was accepted.
#[derive(Debug)]
pub(super) struct Accepted<P> {
    pub(super) id: JobId,
    pub(super) path: P,
    pub(super) request: Request,
    pub(super) credit: Option<u32>,
}

/// The waiting requests, indexed by remote (oldest first), by id and by deadline.
#[derive(Debug)]
pub(super) struct WaitingRequests<P> {
    requests: BTreeMap<WaitingKey, Accepted<P>>,
    spots: HashMap<JobId, WaitingKey>,
    deadlines: BTreeSet<(Instant, WaitingKey)>,
    /// The number of requests added so far.
    number: u64,
}

/// The key of a waiting request: its remote, and a number that increases with each request.
type WaitingKey = (PipeKey, u64);

impl<P: ReturnPath> Accepted<P> {
    /// Returns whether the deadline has passed.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.request.due().is_some_and(|deadline| deadline <= now)
    }

    /// Returns the bytes that it takes: the body, and the path back.
    pub(super) fn bytes(&self) -> usize {
        self.request.body().len() + self.path.len()
    }
}

impl<P: ReturnPath> WaitingRequests<P> {
    pub(super) fn new() -> Self {
        Self {
            requests: BTreeMap::new(),
            spots: HashMap::new(),
            deadlines: BTreeSet::new(),
            number: 0,
        }
    }

    pub(super) fn push(&mut self, accepted: Accepted<P>) {
        self.number += 1;
        let spot = (accepted.id.pipe, self.number);
        self.spots.insert(accepted.id, spot);
        self.deadlines.extend(accepted.request.due().map(|deadline| (deadline, spot)));
        self.requests.insert(spot, accepted);
    }

    /// Takes the oldest request of a remote.
    pub(super) fn pop(&mut self, pipe: PipeKey) -> Option<Accepted<P>> {
        let (&spot, _) = self.requests.range((pipe, 0)..=(pipe, u64::MAX)).next()?;
        self.take_at(spot)
    }

    pub(super) fn take(&mut self, id: JobId) -> Option<Accepted<P>> {
        let spot = *self.spots.get(&id)?;
        self.take_at(spot)
    }

    /// Takes a request whose deadline has passed.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<Accepted<P>> {
        let &(deadline, spot) = self.deadlines.first()?;
        if deadline <= now { self.take_at(spot) } else { None }
    }

    /// Takes any request.
    pub(super) fn pop_any(&mut self) -> Option<Accepted<P>> {
        let (&spot, _) = self.requests.first_key_value()?;
        self.take_at(spot)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    pub(super) fn contains(&self, id: JobId) -> bool {
        self.spots.contains_key(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    fn take_at(&mut self, spot: WaitingKey) -> Option<Accepted<P>> {
        let accepted = self.requests.remove(&spot)?;
        self.spots.remove(&accepted.id);
        if let Some(deadline) = accepted.request.due() {
            self.deadlines.remove(&(deadline, spot));
        }
        Some(accepted)
    }
}
