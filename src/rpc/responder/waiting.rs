//! Accepted requests that have not been started.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;

use super::jobs::JobId;
use crate::routing_id::RoutingId;
use crate::rpc::Request;
use crate::socket::tracked::PipeKey;

/// A request that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) id: JobId,
    pub(super) routing_id: RoutingId,
    pub(super) request: Request,
    pub(super) credit: Option<u32>,
}

/// The waiting requests, indexed by remote (oldest first), by id and by deadline.
#[derive(Debug, Default)]
pub(super) struct WaitingRequests {
    requests: BTreeMap<WaitingKey, Accepted>,
    spots: HashMap<JobId, WaitingKey>,
    deadlines: BTreeSet<(Instant, WaitingKey)>,
    /// The number of requests added so far.
    number: u64,
}

/// The key of a waiting request: its remote, and a number that increases with each request.
type WaitingKey = (PipeKey, u64);

impl Accepted {
    /// Returns whether the deadline has passed.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.request.due().is_some_and(|deadline| deadline <= now)
    }

    /// Returns the length of the body, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.request.body().len()
    }
}

impl WaitingRequests {
    pub(super) fn push(&mut self, accepted: Accepted) {
        self.number += 1;
        let spot = (accepted.id.pipe, self.number);
        self.spots.insert(accepted.id, spot);
        self.deadlines.extend(accepted.request.due().map(|deadline| (deadline, spot)));
        self.requests.insert(spot, accepted);
    }

    /// Takes the oldest request of a remote.
    pub(super) fn pop(&mut self, pipe: PipeKey) -> Option<Accepted> {
        let (&spot, _) = self.requests.range((pipe, 0)..=(pipe, u64::MAX)).next()?;
        self.take_at(spot)
    }

    pub(super) fn take(&mut self, id: JobId) -> Option<Accepted> {
        let spot = *self.spots.get(&id)?;
        self.take_at(spot)
    }

    /// Takes a request whose deadline has passed.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<Accepted> {
        let &(deadline, spot) = self.deadlines.first()?;
        if deadline <= now { self.take_at(spot) } else { None }
    }

    /// Takes any request.
    pub(super) fn pop_any(&mut self) -> Option<Accepted> {
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

    fn take_at(&mut self, spot: WaitingKey) -> Option<Accepted> {
        let accepted = self.requests.remove(&spot)?;
        self.spots.remove(&accepted.id);
        if let Some(deadline) = accepted.request.due() {
            self.deadlines.remove(&(deadline, spot));
        }
        Some(accepted)
    }
}
