//! Unread messages of ended remotes.

use std::task::{Poll, Waker};

use crate::pipe::{Ticket, Waiters};
use crate::stats::EndedRemotes;
use crate::sync::Wakes;

/// Counts the memory of ended remotes, and pauses tasks that add remotes while it exceeds the
/// limit.
///
/// A high-water mark limits each live remote, but not the sum of ended ones: while the application
/// receives nothing, one remote after another can connect, fill its queue and end. Above the
/// limit, no remote is therefore added until half of the limit is free.
///
/// Invariant: all waiting tasks have seen the current `is_full`, or one of them has been woken and
/// wakes the others.
#[derive(Debug)]
pub(super) struct EndedPipes {
    /// The limit in bytes; `usize::MAX` for no limit.
    limit: usize,
    held: EndedRemotes,
    is_full: bool,
    /// The tasks that wait for `is_full` to change.
    waiters: Waiters,
}

impl EndedPipes {
    /// Creates empty counters. A `limit` of zero means no limit.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: or_none(limit),
            held: EndedRemotes::default(),
            is_full: false,
            waiters: Waiters::default(),
        }
    }

    /// Adds the messages that one more remote has left.
    pub(super) fn add(&mut self, messages: usize, bytes: usize, wakes: &mut Wakes) {
        self.held.remotes += 1;
        self.held.messages += messages;
        self.held.bytes += bytes;
        self.fill(wakes);
    }

    /// Records that an ended remote, which kept `before` bytes, has left one more message, and now
    /// keeps `after` bytes.
    pub(super) fn grow(&mut self, before: usize, after: usize, wakes: &mut Wakes) {
        self.held.remotes += usize::from(before == 0);
        self.held.messages += 1;
        self.held.bytes += after - before;
        self.fill(wakes);
    }

    fn fill(&mut self, wakes: &mut Wakes) {
        if !self.is_full && self.held.bytes > self.limit {
            self.is_full = true;
            wakes.extend(self.waiters.drain());
        }
    }

    /// Records that a message was received from a remote, which kept `before` bytes and now keeps
    /// `after` bytes. If half of the limit is free again, wakes one of the waiting tasks, which
    /// wakes the others.
    #[cold]
    pub(super) fn take(&mut self, before: usize, after: usize, wakes: &mut Wakes) {
        self.held.remotes -= usize::from(after == 0);
        self.held.messages -= 1;
        self.held.bytes -= before;
        self.held.bytes += after;
        if self.is_full && self.is_half_free() {
            self.is_full = false;
            if let Some((_, waker)) = self.waiters.pop() {
                wakes.add(waker);
            }
        }
    }

    /// Sets the limit in bytes; zero means no limit.
    pub(super) fn set_limit(&mut self, limit: usize, wakes: &mut Wakes) {
        self.limit = or_none(limit);
        let is_full =
            if self.is_full { !self.is_half_free() } else { self.held.bytes > self.limit };
        if is_full != self.is_full {
            self.is_full = is_full;
            wakes.extend(self.waiters.drain());
        }
    }

    /// Waits until `is_full` differs from `was_full`. Returns the current value, and wakes all
    /// other waiting tasks.
    pub(super) fn poll_change(
        &mut self,
        was_full: bool,
        ticket: &mut Option<Ticket>,
        waiter: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<bool> {
        if was_full == self.is_full {
            self.waiters.register(ticket, waiter);
            return Poll::Pending;
        }
        if let Some(ticket) = ticket.take() {
            self.waiters.remove(ticket);
        }
        wakes.extend(self.waiters.drain());
        Poll::Ready(self.is_full)
    }

    /// Removes a task that no longer waits. If it had been woken, wakes the others.
    pub(super) fn cancel(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        if !self.waiters.remove(ticket) {
            wakes.extend(self.waiters.drain());
        }
    }

    /// Removes the limit, and resumes all tasks.
    pub(super) fn close(&mut self, wakes: &mut Wakes) {
        self.set_limit(0, wakes);
    }

    pub(super) const fn held(&self) -> EndedRemotes {
        self.held
    }

    /// Returns the limit in bytes; zero for no limit.
    pub(super) const fn limit(&self) -> usize {
        if self.limit == usize::MAX { 0 } else { self.limit }
    }

    const fn is_half_free(&self) -> bool {
        self.held.bytes <= self.limit / 2
    }
}

const fn or_none(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exceeded_until_half_of_it_is_free() {
        let mut pipes = EndedPipes::new(10);
        pipes.add(2, 10, &mut Wakes::None);
        assert!(!pipes.is_full);
        pipes.add(1, 1, &mut Wakes::None);
        assert!(pipes.is_full);
        assert_eq!(pipes.held, EndedRemotes { remotes: 2, messages: 3, bytes: 11 });
        pipes.take(10, 5, &mut Wakes::None);
        assert!(pipes.is_full);
        pipes.take(1, 0, &mut Wakes::None);
        assert!(!pipes.is_full);
        assert_eq!(pipes.held, EndedRemotes { remotes: 1, messages: 1, bytes: 5 });
        pipes.take(5, 7, &mut Wakes::None);
        assert_eq!(pipes.held.bytes, 7, "the next message is a slice of a longer buffer");
    }

    #[test]
    fn one_waiter_is_woken_and_wakes_the_others() {
        let mut pipes = EndedPipes::new(1);
        pipes.add(1, 2, &mut Wakes::None);
        let mut tickets = [None; 3];
        for ticket in &mut tickets {
            assert!(poll(&mut pipes, true, ticket).0.is_pending());
        }
        let mut wakes = Wakes::None;
        pipes.take(2, 0, &mut wakes);
        assert!(wakes.len() == 1);
        assert_eq!(poll(&mut pipes, true, &mut tickets[0]), (Poll::Ready(false), 2));
    }

    #[test]
    fn a_woken_waiter_that_is_dropped_wakes_the_others() {
        let mut pipes = EndedPipes::new(1);
        pipes.add(1, 2, &mut Wakes::None);
        let mut tickets = [None; 2];
        for ticket in &mut tickets {
            assert!(poll(&mut pipes, true, ticket).0.is_pending());
        }
        pipes.take(2, 0, &mut Wakes::None);
        let mut wakes = Wakes::None;
        pipes.cancel(tickets[0].unwrap(), &mut wakes);
        assert_eq!(wakes.len(), 1);
    }

    #[test]
    fn another_limit_wakes_only_the_waiters_that_it_affects() {
        let mut pipes = EndedPipes::new(0);
        pipes.add(1, 100, &mut Wakes::None);
        assert!(poll(&mut pipes, false, &mut None).0.is_pending());
        let mut wakes = Wakes::None;
        pipes.set_limit(99, &mut wakes);
        assert_eq!((pipes.is_full, wakes.len()), (true, 1));
        pipes.set_limit(199, &mut wakes);
        assert!(pipes.is_full, "half of the limit is not free");
        assert!(poll(&mut pipes, true, &mut None).0.is_pending());
        pipes.set_limit(200, &mut wakes);
        assert_eq!((pipes.is_full, wakes.len()), (false, 2));
    }

    fn poll(
        pipes: &mut EndedPipes,
        was_full: bool,
        ticket: &mut Option<Ticket>,
    ) -> (Poll<bool>, usize) {
        let mut wakes = Wakes::None;
        let polled = pipes.poll_change(was_full, ticket, Waker::noop(), &mut wakes);
        (polled, wakes.len())
    }
}
