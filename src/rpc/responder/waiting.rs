//! Requests that were accepted and are not started yet.

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

/// Waiting requests, found by their remote, oldest first, by their id and by their deadline.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    requests: BTreeMap<WaitingKey, Accepted>,
    spots: HashMap<JobId, WaitingKey>,
    deadlines: BTreeSet<(Instant, WaitingKey)>,
    /// How many have waited, ever.
    number: u64,
}

/// A remote, and a number that is greater for a request that came later.
type WaitingKey = (PipeKey, u64);

impl Accepted {
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.request.due().is_some_and(|deadline| deadline <= now)
    }

    /// What the request takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.request.body().len()
    }
}

impl Waiting {
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

    /// Takes a request whose time is over.
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
