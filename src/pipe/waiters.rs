//! Waiting tasks, in the order of their arrival.

use std::collections::VecDeque;
use std::task::Waker;

/// The position of a task in the queue. It does not change while the task waits, regardless of how
/// often it is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// Returns the ticket of the place behind this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A queue of waiting tasks, which are served in the order of their arrival.
///
/// The queue is sorted by ticket, so a task that has to wait again returns to its position.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    queue: VecDeque<(Ticket, Waker)>,
    next: u64,
}

impl Waiters {
    /// Queues a task, or updates its waker if it is already queued. Assigns a `ticket` to a task
    /// without one.
    pub(crate) fn register(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let ticket = *ticket.get_or_insert_with(|| self.issue());
        match self.position(ticket) {
            Ok(at) => self.queue[at].1.clone_from(waker),
            Err(at) => self.queue.insert(at, (ticket, waker.clone())),
        }
    }

    /// Returns a new ticket, for this queue or for one that shares its order.
    pub(crate) const fn issue(&mut self) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }

    /// Removes a task from the queue. Returns `false` if it is no longer queued, because it has
    /// been woken.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> bool {
        match self.position(ticket) {
            Ok(at) => self.queue.remove(at).is_some(),
            Err(_) => false,
        }
    }

    /// Removes and returns the task that has waited longest.
    pub(crate) fn pop(&mut self) -> Option<(Ticket, Waker)> {
        self.queue.pop_front()
    }

    /// Removes and returns all tasks.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Waker> {
        self.queue.drain(..).map(|(_, waker)| waker)
    }

    fn position(&self, ticket: Ticket) -> Result<usize, usize> {
        self.queue.binary_search_by_key(&ticket, |(queued, _)| *queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_task_is_served_first() {
        let mut waiters = Waiters::default();
        let (mut a, mut b) = (None, None);
        waiters.register(&mut a, Waker::noop());
        waiters.register(&mut b, Waker::noop());
        waiters.register(&mut a, Waker::noop());
        assert_eq!(waiters.pop().map(|(ticket, _)| ticket), a);
        assert_eq!(waiters.pop().map(|(ticket, _)| ticket), b);
        assert!(waiters.pop().is_none());
    }

    #[test]
    fn a_task_that_waits_again_returns_to_its_old_position() {
        let mut waiters = Waiters::default();
        let (mut a, mut b) = (None, None);
        waiters.register(&mut a, Waker::noop());
        waiters.register(&mut b, Waker::noop());
        waiters.pop();
        waiters.register(&mut a, Waker::noop());
        assert_eq!(waiters.pop().map(|(ticket, _)| ticket), a);
    }

    #[test]
    fn removing_returns_whether_the_task_was_still_queued() {
        let mut waiters = Waiters::default();
        let (mut a, mut b) = (None, None);
        waiters.register(&mut a, Waker::noop());
        waiters.register(&mut b, Waker::noop());
        waiters.pop();
        assert!(!waiters.remove(a.unwrap()));
        assert!(waiters.remove(b.unwrap()));
    }
}
