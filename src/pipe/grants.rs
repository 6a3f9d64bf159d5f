//! A line of tasks that are granted slots in order.

use std::collections::BTreeMap;
use std::task::Waker;

use super::{Ticket, Waiters};
use crate::sync::Wakes;

/// Reserves free slots for waiting tasks in the order of their tickets, so that no later
/// task overtakes them.
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

    /// Adds a task to the line, or renews its waker.
    pub(crate) fn register(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) {
        self.waiters.register(ticket, waker);
    }

    /// Takes the slot that a task was granted, together with its ticket.
    pub(crate) fn claim(&mut self, ticket: &mut Option<Ticket>) -> Option<T> {
        let granted = self.granted.remove(&(*ticket)?)?;
        *ticket = None;
        Some(granted)
    }

    /// Grants a slot to the task that has waited longest; false if none waits.
    #[inline]
    pub(crate) fn grant(&mut self, what: T, wakes: &mut Wakes) -> bool {
        let Some((ticket, waker)) = self.waiters.pop() else { return false };
        self.granted.insert(ticket, what);
        wakes.add(waker);
        true
    }

    /// Removes a task from the line. Returns the slot that it was granted.
    pub(crate) fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        if self.waiters.remove(ticket) { None } else { self.granted.remove(&ticket) }
    }

    /// Revokes slots that were not claimed: their tasks return to their places in line.
    /// Returns their number.
    pub(crate) fn revoke(&mut self, what: T) -> usize {
        let granted = self.granted.len();
        self.granted.retain(|_, other| *other != what);
        granted - self.granted.len()
    }

    /// Wakes all tasks of the line.
    pub(crate) fn wake_all(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.waiters.drain());
    }
}
