//! The incoming half of a pipe: from one connection to the handles.

use std::collections::VecDeque;
use std::task::Waker;

use crate::message::Message;
use crate::pipe::HighWaterMark;
use crate::pipe::parked::Parked;
use crate::proto::traffic::Batch;
use crate::routing_id::RoutingId;

/// Messages that one connection has read and nobody has received yet.
///
/// They stay in the batches in which they were read; whoever receives one slices it out.
///
/// Invariants: no batch is empty; `held` is the sum of their messages; `held <= hwm` while there is
/// a connection.
#[derive(Debug)]
pub(crate) struct Inbound {
    batches: VecDeque<Batch>,
    held: usize,
    hwm: HighWaterMark,
    routing_id: Option<RoutingId>,
    /// Waits for room for a batch that it holds.
    connection: Parked,
}

impl Inbound {
    pub(crate) const fn new(hwm: HighWaterMark, routing_id: Option<RoutingId>) -> Self {
        Self { batches: VecDeque::new(), held: 0, hwm, routing_id, connection: Parked::new() }
    }

    /// Queues as much of `batch` as there is room for, unless that is less than half the mark: then
    /// the connection waits, so that a slow receiver is not fed by single messages. Returns how many
    /// messages were queued.
    pub(crate) fn push(&mut self, batch: &mut Batch) -> usize {
        let room = self.hwm.room(self.held);
        let messages = batch.messages();
        if room < messages && room < self.hwm.half() {
            return 0;
        }
        let part = batch.split_to(room);
        let queued = part.messages();
        self.held += queued;
        self.batches.push_back(part);
        queued
    }

    /// Queues a batch whether or not there is room, when its connection has ended. Returns how many
    /// messages it has.
    pub(crate) fn push_last(&mut self, batch: Batch) -> usize {
        let messages = batch.messages();
        if messages > 0 {
            self.held += messages;
            self.batches.push_back(batch);
        }
        messages
    }

    /// Takes the oldest message. Sets `resumed` to the connection if it is time for it to go on
    /// reading.
    #[inline]
    pub(crate) fn pop(&mut self, resumed: &mut Option<Waker>) -> Option<Message> {
        let batch = self.batches.front_mut()?;
        let message = match batch.pop_short() {
            Some((octets, len)) => Message::short(octets, len, self.routing_id),
            None => Message::long(batch.pop()?, self.routing_id),
        };
        if batch.messages() == 0 {
            self.batches.pop_front();
        }
        self.held -= 1;
        if self.connection.is_parked() && self.hwm.room(self.held) >= self.hwm.half() {
            self.connection.unpark(resumed);
        }
        Some(message)
    }

    /// Notes that the connection waits for room.
    pub(crate) fn park(&mut self, connection: &Waker) {
        self.connection.park(connection);
    }

    /// Hands out the connection, if it waits.
    pub(crate) fn unpark(&mut self) -> Option<Waker> {
        let mut waiting = None;
        self.connection.unpark(&mut waiting);
        waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::traffic::tests::batch_of;

    #[test]
    fn never_holds_more_than_the_mark() {
        let mut pipe = Inbound::new(HighWaterMark::new(3), None);
        let mut batch = batch_of(&["a", "b", "c", "d", "e"]);
        assert_eq!(pipe.push(&mut batch), 3);
        assert_eq!(batch.messages(), 2);
        assert_eq!(pipe.push(&mut batch), 0);
        let received: Vec<_> = std::iter::from_fn(|| pipe.pop(&mut None)).collect();
        assert_eq!(received, ["a", "b", "c"]);
        assert_eq!(pipe.push(&mut batch), 2);
    }

    #[test]
    fn the_connection_is_woken_once_half_the_queue_is_free() {
        let mut pipe = Inbound::new(HighWaterMark::new(4), None);
        pipe.push(&mut batch_of(&["a", "b", "c", "d"]));
        pipe.park(Waker::noop());
        let woken = [(); 4].map(|()| {
            let mut resumed = None;
            pipe.pop(&mut resumed).unwrap();
            resumed.is_some()
        });
        assert_eq!(woken, [false, true, false, false]);
    }

    #[test]
    fn a_mark_of_one_passes_messages_one_by_one() {
        let mut pipe = Inbound::new(HighWaterMark::new(1), None);
        let mut batch = batch_of(&["a", "b"]);
        assert_eq!(pipe.push(&mut batch), 1);
        assert_eq!(pipe.push(&mut batch), 0);
        pipe.park(Waker::noop());
        let mut resumed = None;
        assert_eq!(pipe.pop(&mut resumed).unwrap(), "a");
        assert!(resumed.is_some());
        assert_eq!(pipe.push(&mut batch), 1);
    }
}
