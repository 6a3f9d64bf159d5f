//! The incoming half of a pipe: from one connection to the handles.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use crate::message::Message;
use crate::pipe::connection_waker::ConnectionWaker;
use crate::pipe::{DeliveredMessages, Delivery, HighWaterMark, Unmoved};
use crate::remote::Remote;
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// Messages that one connection has read and that are unread.
///
/// They stay in the batches in which they arrived. Receiving a message slices it out.
///
/// Invariants: no arrival is empty; `held` is the sum of their messages and `bytes` of their bytes;
/// `held` does not exceed the high-water mark while there is a connection.
#[derive(Debug)]
pub(crate) struct Inbound {
    arrivals: VecDeque<Delivery>,
    held: usize,
    /// The memory of read buffers that the arrivals keep alive.
    bytes: usize,
    /// The length of the buffer of the last messages.
    last_buffer: usize,
    /// The number of messages queued so far.
    arrived: u64,
    hwm: HighWaterMark,
    routing_id: Option<RoutingId>,
    /// The connection, while it waits for capacity.
    connection: ConnectionWaker,
    waits: Waits,
    /// Empty; the memory of earlier messages, kept for later ones.
    spare: VecDeque<Message>,
}

/// The condition that the connection waits for.
#[derive(Clone, Copy, Debug)]
enum Waits {
    /// At least half of the queue is free.
    ForRoom,
    /// At most this many messages are queued.
    UntilFew(u32),
}

/// The free capacity of an incoming queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    /// Whether nothing is queued, so that receivers may be waiting.
    pub(crate) is_all: bool,
}

impl Waits {
    /// Returns the condition for this many messages or, so that it takes little memory, fewer.
    fn until(few: usize) -> Self {
        Self::UntilFew(u32::try_from(few).unwrap_or(u32::MAX))
    }

    /// Returns whether a queue of this many messages with this many bytes meets the condition.
    #[inline]
    const fn is_met(self, hwm: HighWaterMark, held: usize, bytes: usize) -> bool {
        match self {
            Self::ForRoom => hwm.is_half_free(held, bytes),
            Self::UntilFew(few) => held <= few as usize,
        }
    }
}

impl Inbound {
    pub(crate) const fn new(hwm: HighWaterMark, routing_id: Option<RoutingId>) -> Self {
        Self {
            arrivals: VecDeque::new(),
            held: 0,
            bytes: 0,
            last_buffer: 0,
            arrived: 0,
            hwm,
            routing_id,
            connection: ConnectionWaker::new(),
            waits: Waits::ForRoom,
            spare: VecDeque::new(),
        }
    }

    /// Queues the arrived messages that fit below the high-water mark. If they do not all fit and
    /// less than half of the queue is free, queues none: the connection waits, so that it is not
    /// woken for single messages. Returns the number of queued messages.
    ///
    /// At most one `portion` is queued at a time. The next one is queued after half of it is
    /// received.
    pub(crate) fn push(&mut self, arrival: &mut Delivery, portion: usize) -> usize {
        let few = portion / 2;
        if self.held > few {
            self.waits = Waits::until(few);
            return 0;
        }
        self.waits = Waits::ForRoom;
        let all = &mut arrival.cargo;
        let cargo = if self.hwm.fits((self.held, self.bytes), (all.messages(), all.bytes())) {
            if all.messages() > portion {
                self.waits = Waits::until(few);
            }
            all.split_to(portion, usize::MAX)
        } else if self.hwm.is_half_free(self.held, self.bytes) {
            let room = self.hwm.room(self.held);
            all.split_to(room.min(portion), self.hwm.bytes_left(self.bytes))
        } else {
            return 0;
        };
        self.push_last(Delivery { cargo, remote: arrival.remote.clone() })
    }

    /// Queues arrived messages regardless of the high-water mark, which the caller has checked
    /// unless the connection has ended. Returns the number of messages.
    pub(crate) fn push_last(&mut self, arrival: Delivery) -> usize {
        let messages = arrival.cargo.messages();
        if messages > 0 {
            self.arrived += messages as u64;
            self.held += messages;
            self.bytes += arrival.cargo.bytes();
            self.last_buffer = arrival.cargo.buffer();
            self.arrivals.push_back(arrival);
        }
        messages
    }

    /// Takes the oldest message, like [`pop`](Self::pop), if it is not near the end of an arrival
    /// and the connection need not be woken.
    #[inline(always)]
    pub(crate) fn take_unmoved(&mut self) -> Option<Unmoved<'_>> {
        let held = self.held.checked_sub(1)?;
        if self.connection.is_parked() && self.is_worth_while(held, 0) {
            return None;
        }
        let cargo = &mut self.arrivals.front_mut()?.cargo;
        let (message, bytes) = cargo.take_unmoved(self.routing_id)?;
        self.held = held;
        self.bytes -= bytes;
        Some(message)
    }

    /// Takes up to `most` messages like [`take_unmoved`](Self::take_unmoved), and passes them on.
    /// Returns their number.
    #[inline]
    pub(crate) fn take_many_unmoved(
        &mut self,
        most: usize,
        mut take: impl FnMut(Unmoved<'_>),
    ) -> usize {
        let Some(arrival) = self.arrivals.front_mut() else { return 0 };
        let is_parked = self.connection.is_parked();
        let mut left = most;
        while left > 0 && self.held > 0 {
            if is_parked && self.waits.is_met(self.hwm, self.held - 1, 0) {
                break;
            }
            let Some((message, bytes)) = arrival.cargo.take_unmoved(self.routing_id) else { break };
            self.held -= 1;
            self.bytes -= bytes;
            left -= 1;
            take(message);
        }
        most - left
    }

    /// Takes the oldest message. Wakes the connection if it should continue
    /// reading.
    #[inline]
    pub(crate) fn pop(&mut self, wakes: &mut Wakes) -> Option<Message> {
        let cargo = &mut self.arrivals.front_mut()?.cargo;
        let bytes = cargo.bytes();
        let message = cargo.pop(self.routing_id)?;
        if cargo.messages() == 0 {
            self.bytes -= bytes;
            if let Some(Delivery { cargo: DeliveredMessages::Whole(list), .. }) =
                self.arrivals.pop_front()
            {
                let memory = list.into_memory();
                if memory.capacity() <= SPARE_MAX {
                    self.spare = memory;
                }
            }
        } else {
            self.bytes -= bytes - cargo.bytes();
        }
        self.held -= 1;
        if self.connection.is_parked() && self.is_worth_while(self.held, self.bytes) {
            self.connection.unpark(wakes);
        }
        Some(message)
    }

    /// Returns the oldest message.
    pub(crate) fn first(&self) -> Option<&[u8]> {
        self.arrivals.front()?.cargo.first()
    }

    /// Returns the frames of the oldest message, and possibly later ones, if messages have several
    /// parts.
    pub(crate) fn first_frames(&self) -> &[u8] {
        self.arrivals.front().map_or(&[], |arrival| arrival.cargo.first_frames())
    }

    /// Returns the remote of the oldest message.
    pub(crate) fn remote(&self) -> Option<&Remote> {
        self.arrivals.front().map(|arrival| &arrival.remote)
    }

    /// Sets the high-water mark. Wakes the connection if it waits and half of the queue is free
    /// now.
    pub(crate) fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes) {
        self.hwm = hwm;
        if hwm.is_half_free(self.held, self.bytes) {
            self.unpark(wakes);
        }
    }

    /// Records that the connection waits to [`push`](Self::push) more.
    pub(crate) fn park(&mut self, connection: &Waker) {
        self.connection.park(connection);
    }

    /// Returns the free capacity. If messages are queued, parks the connection until all are
    /// received or, if there is no free capacity, until half of the queue is free.
    ///
    /// If `memory` has no capacity, swaps it with the memory of earlier messages.
    pub(crate) fn room(&mut self, connection: &Waker, memory: &mut VecDeque<Message>) -> Room {
        if memory.capacity() == 0 {
            mem::swap(memory, &mut self.spare);
        }
        let (messages, bytes) = (self.hwm.room(self.held), self.hwm.bytes_left(self.bytes));
        let room = Room { messages, bytes, is_all: self.held == 0 };
        if !room.is_all {
            self.connection.park(connection);
            self.waits = if room.is_none() { Waits::ForRoom } else { Waits::UntilFew(0) };
        }
        room
    }

    /// Queues messages that fit the capacity returned by [`room`](Self::room), and parks the
    /// connection as `room` does. Returns the number of messages.
    pub(crate) fn push_within(&mut self, arrival: Delivery, connection: &Waker) -> usize {
        let messages = self.push_last(arrival);
        self.connection.park(connection);
        let room = self.hwm.has_room(self.held, self.bytes);
        self.waits = if room { Waits::UntilFew(0) } else { Waits::ForRoom };
        messages
    }

    /// Wakes the connection if it waits.
    pub(crate) fn unpark(&mut self, wakes: &mut Wakes) {
        self.connection.unpark(wakes);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Returns the number of queued messages.
    pub(crate) fn len(&self) -> usize {
        self.held
    }

    /// Returns an upper bound, close to the actual value, of the number of bytes that the pipe
    /// keeps alive; zero if no message is queued. A message that is a slice of a buffer keeps all
    /// of the buffer. Buffers between the first and the last are included in `bytes`.
    pub(crate) fn kept(&self) -> usize {
        let Some(Delivery { cargo, remote }) = self.arrivals.front() else { return 0 };
        let messages = match self.arrivals.len() {
            1 => self.bytes.max(self.last_buffer),
            _ => self.bytes + cargo.buffer() + self.last_buffer,
        };
        messages + self.held * cargo.overhead() + remote.kept() + PIPE_KEPT
    }

    /// Returns the number of messages queued so far.
    pub(crate) const fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Returns whether the waiting connection should continue when this many messages with this
    /// many bytes are queued.
    #[inline]
    const fn is_worth_while(&self, held: usize, bytes: usize) -> bool {
        self.waits.is_met(self.hwm, held, bytes)
    }
}

impl Room {
    /// The capacity of a closed queue: messages for it are counted and dropped.
    pub(crate) const UNLIMITED: Self =
        Self { messages: usize::MAX, bytes: usize::MAX, is_all: true };

    pub(crate) const fn is_none(self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

/// The memory of a pipe and its remote, without messages and properties: about 900 bytes.
pub(crate) const PIPE_KEPT: usize = 0x400;

/// The largest memory that is kept for reuse, in messages: enough for the default high-water mark.
/// An idle pipe keeps at most 160 KiB.
const SPARE_MAX: usize = 2_048;

#[cfg(test)]
pub(crate) mod tests {
    use bytes::BytesMut;
    use zmtp_proto::batch::Batch;
    use zmtp_proto::frame::put_message_header;
    use zmtp_proto::traffic::{Traffic, TrafficDecoder};

    use super::*;
    use crate::remote::tests::any_remote;

    #[test]
    fn never_holds_more_than_the_high_water_mark() {
        let mut pipe = Inbound::new(HighWaterMark::new(3, 0), None);
        let mut arrival = arrival_of(&["a", "b", "c", "d", "e"]);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 3);
        assert_eq!(arrival.cargo.messages(), 2);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 0);
        let received: Vec<_> = std::iter::from_fn(|| pipe.pop(&mut Wakes::None)).collect();
        assert_eq!(received, ["a", "b", "c"]);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 2);
    }

    #[test]
    fn the_connection_is_woken_once_half_the_queue_is_free() {
        let mut pipe = Inbound::new(HighWaterMark::new(4, 0), None);
        pipe.push(&mut arrival_of(&["a", "b", "c", "d"]), usize::MAX);
        pipe.park(Waker::noop());
        assert_eq!(pop(&mut pipe), [false, true, false, false]);
    }

    #[test]
    fn the_next_portion_is_queued_when_half_of_the_previous_one_is_received() {
        let mut pipe = Inbound::new(HighWaterMark::new(10, 0), None);
        let mut arrival = arrival_of(&["a", "b", "c", "d", "e"]);
        assert_eq!(pipe.push(&mut arrival, 3), 3);
        pipe.park(Waker::noop());
        assert_eq!(pipe.push(&mut arrival, 3), 0);
        assert_eq!(pop(&mut pipe), [false, true, false]);
        assert_eq!(pipe.push(&mut arrival, 3), 2);
        assert_eq!(arrival.cargo.messages(), 0);
    }

    #[test]
    fn the_high_water_mark_takes_precedence_over_the_portion() {
        let mut pipe = Inbound::new(HighWaterMark::new(2, 0), None);
        let mut arrival = arrival_of(&["a", "b", "c", "d", "e"]);
        assert_eq!(pipe.push(&mut arrival, 4), 2);
        pipe.park(Waker::noop());
        assert_eq!(pipe.push(&mut arrival, 4), 0);
        assert_eq!(pop(&mut pipe), [true]);
        assert_eq!(pipe.push(&mut arrival, 4), 1);
    }

    #[test]
    fn a_high_water_mark_of_one_passes_messages_one_by_one() {
        let mut pipe = Inbound::new(HighWaterMark::new(1, 0), None);
        let mut arrival = arrival_of(&["a", "b"]);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 1);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 0);
        pipe.park(Waker::noop());
        let mut wakes = Wakes::None;
        assert_eq!(pipe.pop(&mut wakes).unwrap(), "a");
        assert!(wakes.len() == 1);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 1);
    }

    #[test]
    fn the_message_that_reaches_the_limit_in_bytes_is_still_queued() {
        // Each of these is a frame of 12 bytes.
        let mut pipe = Inbound::new(HighWaterMark::new(0, 30), None);
        let mut arrival = arrival_of(&["0123456789"; 5]);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 3);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 0);
        pipe.park(Waker::noop());
        assert_eq!(pop(&mut pipe), [false, true, false]);
        assert_eq!(pipe.bytes, 0);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 2);
    }

    #[test]
    fn a_raised_hwm_resumes_the_connection() {
        let mut pipe = Inbound::new(HighWaterMark::new(1, 0), None);
        let mut arrival = arrival_of(&["a", "b", "c"]);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 1);
        pipe.park(Waker::noop());
        let mut wakes = Wakes::None;
        pipe.set_hwm(HighWaterMark::new(1, 0), &mut wakes);
        assert_eq!(wakes.len(), 0);
        pipe.set_hwm(HighWaterMark::new(4, 0), &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(pipe.push(&mut arrival, usize::MAX), 2);
    }

    #[test]
    fn a_connection_that_waits_until_all_is_received_is_woken_by_the_last_message() {
        let mut pipe = Inbound::new(HighWaterMark::new(4, 0), None);
        assert!(pipe.room(Waker::noop(), &mut VecDeque::new()).is_all);
        pipe.push(&mut arrival_of(&["a", "b", "c"]), usize::MAX);
        let room = pipe.room(Waker::noop(), &mut VecDeque::new());
        assert_eq!((room.messages, room.is_all), (1, false));
        assert_eq!(pop(&mut pipe), [false, false, true]);
    }

    #[test]
    fn a_connection_that_waits_for_any_capacity_is_woken_once_half_the_queue_is_free() {
        let mut pipe = Inbound::new(HighWaterMark::new(2, 0), None);
        pipe.push(&mut arrival_of(&["a", "b"]), usize::MAX);
        assert_eq!(pipe.room(Waker::noop(), &mut VecDeque::new()).messages, 0);
        assert_eq!(pop(&mut pipe), [true]);
    }

    /// Takes messages. Returns for each of them whether it wakes the connection.
    fn pop<const MESSAGES: usize>(pipe: &mut Inbound) -> [bool; MESSAGES] {
        [(); MESSAGES].map(|()| {
            let mut wakes = Wakes::None;
            pipe.pop(&mut wakes).unwrap();
            wakes.len() == 1
        })
    }

    /// Decodes a batch of messages with these bodies.
    fn batch_of(bodies: &[&str]) -> Batch {
        let mut input = BytesMut::new();
        for body in bodies {
            put_message_header(&mut input, body.len());
            input.extend_from_slice(body.as_bytes());
        }
        match TrafficDecoder::new(None, None).decode(&mut input) {
            Ok(Some(Traffic::Messages(batch))) => batch,
            other => panic!("not a batch: {other:?}"),
        }
    }

    /// Creates a delivery of these messages from an arbitrary remote.
    pub(crate) fn arrival_of(bodies: &[&str]) -> Delivery {
        Delivery { cargo: DeliveredMessages::Framed(batch_of(bodies)), remote: any_remote() }
    }
}
