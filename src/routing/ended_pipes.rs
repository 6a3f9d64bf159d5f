//! Unread messages of ended remotes.

use std::task::{Poll, Waker};

use crate::pipe::{Ticket, Waiters};
use crate::stats::EndedRemotes;
use crate::sync::Wakes;

/// Counts the memory of ended remotes, and pauses tasks that add remotes while it exceeds the limit.
///
/// The high-water mark of its queue limits a live remote, but not one that has ended: while the
/// application receives nothing, another remote can take its place and leave as much. Above the limit no
/// remote is therefore added until half of the limit is free.
///
/// Invariant: all waiting tasks have seen the current `is_full`, or one of them has been woken and wakes
/// the others.
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
    /// Zero means no limit.
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
        if !self.is_full && self.held.bytes > self.limit {
            self.is_full = true;
            wakes.extend(self.waiters.drain());
        }
    }

    /// Records that a message was received from a remote, which kept `before` bytes and now keeps
    /// `after` bytes. Wakes one of the waiting tasks, which wakes the others.
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

    /// Sets another limit.
    pub(super) fn set_limit(&mut self, limit: usize, wakes: &mut Wakes) {
        self.limit = or_none(limit);
        let is_full =
            if self.is_full { !self.is_half_free() } else { self.held.bytes > self.limit };
        if is_full != self.is_full {
            self.is_full = is_full;
            wakes.extend(self.waiters.drain());
        }
    }

    /// Ready with the current value when `is_full` differs from `was_full`. Wakes all other
    /// tasks that wait for it.
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

    /// Resumes all tasks, permanently.
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
    fn it_is_full_above_the_limit_and_until_half_of_it_is_free() {
        let mut remains = EndedPipes::new(10);
        remains.add(2, 10, &mut Wakes::None);
        assert!(!remains.is_full);
        remains.add(1, 1, &mut Wakes::None);
        assert!(remains.is_full);
        assert_eq!(remains.held, EndedRemotes { remotes: 2, messages: 3, bytes: 11 });
        remains.take(10, 5, &mut Wakes::None);
        assert!(remains.is_full);
        remains.take(1, 0, &mut Wakes::None);
        assert!(!remains.is_full);
        assert_eq!(remains.held, EndedRemotes { remotes: 1, messages: 1, bytes: 5 });
        remains.take(5, 7, &mut Wakes::None);
        assert_eq!(remains.held.bytes, 7, "its next message lies in a longer buffer");
    }

    #[test]
    fn one_is_woken_and_hands_out_the_others() {
        let mut remains = EndedPipes::new(1);
        remains.add(1, 2, &mut Wakes::None);
        let mut tickets = [None; 3];
        for ticket in &mut tickets {
            assert!(poll(&mut remains, true, ticket).0.is_pending());
        }
        let mut wakes = Wakes::None;
        remains.take(2, 0, &mut wakes);
        assert!(wakes.len() == 1);
        assert_eq!(poll(&mut remains, true, &mut tickets[0]), (Poll::Ready(false), 2));
    }

    #[test]
    fn one_that_is_dropped_after_it_was_woken_has_the_others_woken() {
        let mut remains = EndedPipes::new(1);
        remains.add(1, 2, &mut Wakes::None);
        let mut tickets = [None; 2];
        for ticket in &mut tickets {
            assert!(poll(&mut remains, true, ticket).0.is_pending());
        }
        remains.take(2, 0, &mut Wakes::None);
        let mut wakes = Wakes::None;
        remains.cancel(tickets[0].unwrap(), &mut wakes);
        assert_eq!(wakes.len(), 1);
    }

    #[test]
    fn another_limit_wakes_only_the_waiters_that_it_affects() {
        let mut remains = EndedPipes::new(0);
        remains.add(1, 100, &mut Wakes::None);
        assert!(poll(&mut remains, false, &mut None).0.is_pending());
        let mut wakes = Wakes::None;
        remains.set_limit(99, &mut wakes);
        assert_eq!((remains.is_full, wakes.len()), (true, 1));
        remains.set_limit(199, &mut wakes);
        assert!(remains.is_full, "half of it is not free");
        assert!(poll(&mut remains, true, &mut None).0.is_pending());
        remains.set_limit(200, &mut wakes);
        assert_eq!((remains.is_full, wakes.len()), (false, 2));
    }

    fn poll(
        remains: &mut EndedPipes,
        was_full: bool,
        ticket: &mut Option<Ticket>,
    ) -> (Poll<bool>, usize) {
        let mut wakes = Wakes::None;
        let polled = remains.poll_change(was_full, ticket, Waker::noop(), &mut wakes);
        (polled, wakes.len())
    }
}
