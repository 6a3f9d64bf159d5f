//! The limit of outstanding calls.

use std::task::{Poll, Waker};

use crate::socket::tracked::{Grants, Ticket};
use crate::sync::Wakes;

/// Counts the slots of outstanding calls, and queues the callers that wait for one.
///
/// Invariant: while a caller waits, no slot is free, because a free slot is granted to the caller
/// that has waited the longest.
#[derive(Debug)]
pub(super) struct CallLimit {
    max: usize,
    /// The slots in use, including granted ones.
    taken: usize,
    callers: Grants<()>,
}

impl CallLimit {
    pub(super) fn new(max: usize) -> Self {
        Self { max, taken: 0, callers: Grants::new() }
    }

    /// Acquires a slot, or waits in line for one.
    #[inline]
    pub(super) fn poll_enter(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<()> {
        if ticket.is_none() && self.taken < self.max {
            self.taken += 1;
            return Poll::Ready(());
        }
        self.poll_turn(ticket, waker)
    }

    #[cold]
    fn poll_turn(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<()> {
        if self.callers.claim(ticket).is_some() {
            return Poll::Ready(());
        }
        self.callers.register(ticket, waker);
        Poll::Pending
    }

    /// Releases a slot, to the caller that has waited the longest.
    #[inline]
    pub(super) fn leave(&mut self, wakes: &mut Wakes) {
        self.taken -= 1;
        self.grant(wakes);
    }

    /// Stops waiting, and releases the slot if one has been granted.
    pub(super) fn cancel(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        if self.callers.cancel(ticket).is_some() {
            self.leave(wakes);
        }
    }

    /// Collects the wakers of all waiting callers, because the client is closed.
    pub(super) fn close(&mut self, wakes: &mut Wakes) {
        self.callers.wake_all(wakes);
    }

    #[inline]
    fn grant(&mut self, wakes: &mut Wakes) {
        if self.taken < self.max && self.callers.grant((), wakes) {
            self.taken += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_slot_goes_to_the_caller_that_waited_longest() {
        let mut admission = CallLimit::new(1);
        let [mut a, mut b, mut c] = [None; 3];
        assert!(admission.poll_enter(&mut a, Waker::noop()).is_ready());
        assert!(admission.poll_enter(&mut b, Waker::noop()).is_pending());
        assert!(admission.poll_enter(&mut c, Waker::noop()).is_pending());
        assert_eq!(leave(&mut admission), 1);
        assert!(admission.poll_enter(&mut a, Waker::noop()).is_pending(), "b is next");
        assert!(admission.poll_enter(&mut b, Waker::noop()).is_ready());
        assert_eq!(leave(&mut admission), 1);
        let mut wakes = Wakes::None;
        admission.cancel(c.unwrap(), &mut wakes);
        assert_eq!(wakes.len(), 1, "a is after c");
        assert!(admission.poll_enter(&mut a, Waker::noop()).is_ready());
        assert_eq!(leave(&mut admission), 0);
    }

    fn leave(admission: &mut CallLimit) -> usize {
        let mut wakes = Wakes::None;
        admission.leave(&mut wakes);
        wakes.len()
    }
}
