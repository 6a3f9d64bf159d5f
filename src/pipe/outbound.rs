//! The outgoing half of a pipe: from the handles to one connection.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use crate::message::Message;
use crate::pipe::HighWaterMark;

/// Messages that wait for one connection.
///
/// Invariant: `queue.len() + reserved <= hwm`.
#[derive(Debug)]
pub(crate) struct Outbound {
    queue: VecDeque<Message>,
    /// What `queue` takes on the wire, at most.
    octets: usize,
    /// Slots promised to senders that have not used them yet.
    reserved: usize,
    hwm: HighWaterMark,
    /// Set while the connection has nothing to do.
    connection: Option<Waker>,
}

impl Outbound {
    pub(crate) const fn new(hwm: HighWaterMark) -> Self {
        Self { queue: VecDeque::new(), octets: 0, reserved: 0, hwm, connection: None }
    }

    /// Queues a message, which is there; there has to be room. Sets `idle` to the connection, if it
    /// was.
    #[inline]
    pub(crate) fn push(&mut self, message: &mut Option<Message>, idle: &mut Option<Waker>) {
        debug_assert!(self.has_room());
        let Some(message) = message.take() else { return };
        self.octets += message.len() + FRAME_HEADER;
        self.queue.push_back(message);
        if self.connection.is_some() {
            *idle = self.connection.take();
        }
    }

    /// Keeps a slot for a sender; there has to be room.
    pub(crate) fn reserve(&mut self) {
        debug_assert!(self.has_room());
        self.reserved += 1;
    }

    /// Gives a kept slot back.
    pub(crate) fn release(&mut self) {
        debug_assert!(self.reserved > 0);
        self.reserved -= 1;
    }

    /// Moves messages into `taken`, which is empty: all of them, or, where they are long, as many as
    /// make one write. Their slots are free from here on.
    pub(crate) fn take(&mut self, taken: &mut VecDeque<Message>) {
        debug_assert!(taken.is_empty());
        if self.octets <= TAKE_WHOLE {
            // A swap keeps both allocations in use and moves no message.
            mem::swap(&mut self.queue, taken);
            self.octets = 0;
            return;
        }
        let mut octets = 0;
        while octets < TAKE_PART {
            let Some(message) = self.queue.pop_front() else { break };
            octets += message.len() + FRAME_HEADER;
            taken.push_back(message);
        }
        self.octets -= octets;
    }

    /// Notes that the connection waits for a message.
    pub(crate) fn park(&mut self, connection: &Waker) {
        match &mut self.connection {
            Some(parked) => parked.clone_from(connection),
            None => self.connection = Some(connection.clone()),
        }
    }

    /// Takes the connection's waker if it waits.
    pub(crate) fn unpark(&mut self) -> Option<Waker> {
        self.connection.take()
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.hwm.room(self.queue.len() + self.reserved) > 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

/// The longest frame header, counted so that empty messages count, too.
const FRAME_HEADER: usize = 9;

/// Up to this many octets a connection takes the whole queue. A thousand messages of 64 octets, the
/// usual mark and the usual benchmark, are below it.
const TAKE_WHOLE: usize = 0x2_0000;

/// Above [`TAKE_WHOLE`] a connection takes messages until they have this many octets. Writes of
/// 64 KiB are as fast as larger ones, and what was taken no longer counts against the mark.
const TAKE_PART: usize = 0x1_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_slots_count_against_the_mark() {
        let mut pipe = Outbound::new(HighWaterMark::new(2));
        pipe.reserve();
        push(&mut pipe, b"a");
        assert!(!pipe.has_room());
        pipe.release();
        assert!(pipe.has_room());
    }

    #[test]
    fn short_messages_are_taken_all_at_once() {
        let mut pipe = Outbound::new(HighWaterMark::new(0));
        for _ in 0..1_000 {
            push(&mut pipe, &[0; 64]);
        }
        let mut taken = VecDeque::new();
        pipe.take(&mut taken);
        assert_eq!(taken.len(), 1_000);
        assert!(pipe.is_empty());
    }

    #[test]
    fn of_long_messages_one_write_is_taken() {
        let mut pipe = Outbound::new(HighWaterMark::new(0));
        for _ in 0..10 {
            push(&mut pipe, &[0; 40_000]);
        }
        let mut taken = VecDeque::new();
        pipe.take(&mut taken);
        assert_eq!((taken.len(), pipe.len()), (2, 8));
    }

    fn push(pipe: &mut Outbound, body: &[u8]) {
        pipe.push(&mut Some(Message::from(body)), &mut None);
    }
}
