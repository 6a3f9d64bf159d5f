//! A line of tasks that are granted slots in order.

use std::collections::BTreeMap;
use std::task::Waker;

use super::{Ticket, Waiters};
use crate::sync::Wakes;

/// Grants free slots to waiting tasks in the order of their tickets, so that no later task
/// overtakes an earlier one.
#[derive(Debug)]
pub(crate) struct Grants<T> {
    waiters: Waiters,
    /// The slots of tasks that have been woken and have not claimed them yet.
    granted: BTreeMap<Ticket, T>,
}

impl<T: Copy + PartialEq> Grants<T> {
    pub(crate) fn new() -> Self {
        Self { waiters: Waiters::default(), granted: BTreeMap::new() }
    }

    /// Returns a new ticket, for this line or for one that shares its order.
    pub(crate) const fn issue(&mut self) -> Ticket {
        self.waiters.issue()
    }

    /// Adds a task to the line, or updates its waker.
    pub(crate) fn register(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) {
        self.waiters.register(ticket, waker);
    }

    /// Takes the slot that a task was granted, together with its ticket.
    pub(crate) fn claim(&mut self, ticket: &mut Option<Ticket>) -> Option<T> {
        let granted = self.granted.remove(&(*ticket)?)?;
        *ticket = None;
        Some(granted)
    }

    /// Grants a slot to the task that has waited longest. Returns `false` if no task waits.
    #[inline]
    pub(crate) fn grant(&mut self, slot: T, wakes: &mut Wakes) -> bool {
        let Some((ticket, waker)) = self.waiters.pop() else { return false };
        self.granted.insert(ticket, slot);
        wakes.add(waker);
        true
    }

    /// Removes a task from the line. Returns the slot that it was granted.
    pub(crate) fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        if self.waiters.remove(ticket) { None } else { self.granted.remove(&ticket) }
    }

    /// Revokes the grants of a slot that were not claimed: their tasks return to their positions in
    /// the line. Returns the number of revoked grants.
    pub(crate) fn revoke(&mut self, slot: T) -> usize {
        let granted = self.granted.len();
        self.granted.retain(|_, other| *other != slot);
        granted - self.granted.len()
    }

    /// Wakes all tasks in the line.
    pub(crate) fn wake_all(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.waiters.drain());
    }
}
