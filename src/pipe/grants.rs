//! A line whose tasks are granted what they wait for.

use std::collections::BTreeMap;
use std::task::Waker;

use super::{Ticket, Waiters};
use crate::sync::Wakes;

/// Keeps what becomes free for the tasks that wait for it, in the order of their tickets, so that no later
/// task overtakes them.
#[derive(Debug)]
pub(crate) struct Grants<T> {
    waiters: Waiters,
    /// What is kept for tasks that have been woken and have not claimed it yet.
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

    /// Takes what a task has been granted, and with it the ticket.
    pub(crate) fn claim(&mut self, ticket: &mut Option<Ticket>) -> Option<T> {
        let granted = self.granted.remove(&(*ticket)?)?;
        *ticket = None;
        Some(granted)
    }

    /// Grants something to the task that has waited longest; false if none waits.
    #[inline]
    pub(crate) fn grant(&mut self, what: T, wakes: &mut Wakes) -> bool {
        let Some((ticket, waker)) = self.waiters.pop() else { return false };
        self.granted.insert(ticket, what);
        wakes.add(waker);
        true
    }

    /// Removes a task from the line. Returns what it had been granted.
    pub(crate) fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        if self.waiters.remove(ticket) { None } else { self.granted.remove(&ticket) }
    }

    /// Takes something back from the tasks that have not claimed it: they return to their places in line.
    /// Returns how many they were.
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
