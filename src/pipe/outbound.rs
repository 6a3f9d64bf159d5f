//! The outgoing half of a pipe: from the handles to one connection.

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};

use zmtp_proto::frame::LONG_LENGTH;

use crate::message::Message;
use crate::pipe::connection_waker::ConnectionWaker;
use crate::pipe::delivery::bytes;
use crate::pipe::pack::{Pack, further_messages, unpack};
use crate::pipe::{HighWaterMark, Take, Want};
use crate::sync::Wakes;

/// Messages that wait for one connection.
///
/// Messages are queued and slots are reserved only below the high-water mark. The queue exceeds the
/// mark only after the mark was lowered on a live socket, or by an acknowledgement of a requester.
#[derive(Debug)]
pub(crate) struct Outbound {
    queue: VecDeque<Message>,
    /// An upper bound of the size of `queue` on the wire. Reserved slots have no size yet.
    bytes: usize,
    /// The number of messages taken so far.
    taken: u64,
    /// The number of slots that are reserved for senders and not used yet.
    reserved: usize,
    /// The number of queued messages beyond the elements of `queue`: those in `pack`, and all but
    /// one of each sealed buffer.
    packed: usize,
    hwm: HighWaterMark,
    /// Whether the queue accepts no more messages.
    retired: bool,
    /// The connection, while it waits for messages.
    connection: ConnectionWaker,
    /// Whether the connection waits until the queue is half full, rather than for the first
    /// message.
    until_half: bool,
    /// Messages at the end of `queue`. Present once there were any.
    pack: Option<Box<Pack>>,
}

impl Outbound {
    pub(crate) const fn new(hwm: HighWaterMark) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            taken: 0,
            reserved: 0,
            packed: 0,
            hwm,
            retired: false,
            connection: ConnectionWaker::new(),
            until_half: false,
            pack: None,
        }
    }

    /// Takes `message`, which must be present, and queues it. There must be capacity. Wakes the
    /// connection if it waits for this.
    #[inline]
    pub(crate) fn push(&mut self, message: &mut Option<Message>, wakes: &mut Wakes) {
        debug_assert!(self.has_room());
        self.push_unchecked(message, wakes);
    }

    #[inline]
    fn push_unchecked(&mut self, message: &mut Option<Message>, wakes: &mut Wakes) {
        let Some(message) = message.take() else { return };
        self.bytes += bytes(&message);
        self.queue.push_back(message);
        if !self.until_half || self.is_half_full() {
            self.connection.unpark(wakes);
        }
    }

    /// Queues a copy of a short message of several parts, like [`push`](Self::push). Before another
    /// message is queued, or messages are taken, [`seal`](Self::seal) must be called.
    #[inline]
    pub(crate) fn pack(&mut self, message: &[u8], wakes: &mut Wakes) {
        debug_assert!(self.has_room());
        let pack = self.pack.get_or_insert_default();
        self.bytes += message.len() + LONG_LENGTH;
        self.packed += 1;
        if let Some(full) = pack.push(message) {
            self.queue.push_back(full);
            self.packed -= 1;
        }
        self.connection.unpark(wakes);
    }

    /// Makes the packed messages an element of the queue.
    pub(crate) fn seal(&mut self) {
        if let Some(full) = self.pack.as_mut().and_then(|pack| pack.seal()) {
            self.queue.push_back(full);
            self.packed -= 1;
        }
    }

    /// Queues a message regardless of the high-water mark, unless the queue is retired. Wakes the
    /// connection if it waits.
    pub(crate) fn push_beyond(&mut self, message: Message, wakes: &mut Wakes) {
        if !self.retired {
            self.bytes += bytes(&message);
            self.queue.push_back(message);
            self.connection.unpark(wakes);
        }
    }

    /// Removes all messages, to be routed again. None is packed.
    pub(crate) fn drain(&mut self) -> VecDeque<Message> {
        debug_assert!(self.pack.is_none());
        let mut queue = VecDeque::new();
        self.take_all(&mut queue);
        queue
    }

    /// Wakes the connection if it was idle: there are commands to take.
    pub(crate) fn wake_connection(&mut self, wakes: &mut Wakes) {
        self.connection.unpark(wakes);
    }

    /// Reserves a slot for a sender. There must be capacity.
    pub(crate) fn reserve(&mut self) {
        debug_assert!(self.has_room());
        self.reserved += 1;
    }

    /// Releases a reserved slot.
    pub(crate) fn release(&mut self) {
        debug_assert!(self.reserved > 0);
        self.reserved -= 1;
    }

    /// Returns whether a slot is reserved.
    pub(crate) const fn has_reserved(&self) -> bool {
        self.reserved > 0
    }

    /// Queues a message in a reserved slot, like [`push`](Self::push). If the slot is void, returns
    /// `false` and leaves `message` unchanged.
    pub(crate) fn push_reserved(
        &mut self,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> bool {
        self.release();
        if !self.retired {
            // The high-water mark may have been lowered since the slot was reserved, or reached in
            // bytes.
            self.push_unchecked(message, wakes);
        }
        !self.retired
    }

    /// Moves as many messages as wanted into `taken`, which must be empty, and frees their slots.
    /// If there are none, parks the connection.
    pub(crate) fn poll_take(
        &mut self,
        want: Want,
        taken: &mut VecDeque<Message>,
        connection: &Waker,
    ) -> Poll<Take> {
        debug_assert!(taken.is_empty());
        if self.queue.is_empty() {
            if self.retired {
                return Poll::Ready(Take::End);
            }
            self.park(connection, want.can_wait());
            return Poll::Pending;
        }
        match want {
            // A swap keeps both allocations in use and moves no message.
            Want::Write if self.bytes <= TAKE => self.take_all(taken),
            Want::Write => self.take_part(taken, usize::MAX, TAKE),
            Want::Room(room) if room.is_none() => {
                // Only the receiver can free capacity, and wakes the connection then.
                self.connection.clear();
                return Poll::Pending;
            }
            Want::Room(room) => {
                // A link immediately delivers the messages that it takes, so its receiver is busy
                // from now on.
                self.park(connection, true);
                if want.can_wait() && !self.is_half_full() && !self.retired {
                    return Poll::Pending;
                }
                if self.queue.len() <= room.messages && self.bytes <= room.bytes {
                    self.take_all(taken);
                } else {
                    self.take_part(taken, room.messages, room.bytes);
                }
                if self.retired && self.queue.is_empty() {
                    return Poll::Ready(Take::Last);
                }
            }
        }
        Poll::Ready(Take::Messages)
    }

    fn take_all(&mut self, taken: &mut VecDeque<Message>) {
        self.count_taken(self.len());
        mem::swap(&mut self.queue, taken);
        self.bytes = 0;
        self.packed = 0;
    }

    /// Takes messages from the front: at most `messages`, and only those that begin within `most`
    /// bytes.
    fn take_part(&mut self, taken: &mut VecDeque<Message>, messages: usize, most: usize) {
        let mut took = 0;
        while took < most && taken.len() < messages {
            let Some(message) = self.queue.pop_front() else { break };
            took += bytes(&message);
            if self.packed > 0 {
                let further = further_messages(&message);
                took += further * LONG_LENGTH;
                self.packed -= further;
                self.count_taken(further);
            }
            taken.push_back(message);
        }
        self.bytes -= took;
        self.count_taken(taken.len());
    }

    /// Counts once per take, so that a message costs nothing.
    fn count_taken(&mut self, messages: usize) {
        self.taken += messages as u64;
    }

    fn park(&mut self, connection: &Waker, until_half: bool) {
        self.connection.park(connection);
        self.until_half = until_half;
    }

    #[inline]
    fn is_half_full(&self) -> bool {
        self.hwm.is_half_full(self.queue.len(), self.bytes)
    }

    /// Makes all slots void, including reserved ones. Queued messages can still be taken. Wakes the
    /// connection if it waits.
    pub(crate) fn retire(&mut self, wakes: &mut Wakes) {
        self.retired = true;
        self.connection.unpark(wakes);
    }

    /// Sets the high-water mark for messages that are queued from now on.
    pub(crate) fn set_hwm(&mut self, hwm: HighWaterMark) {
        self.hwm = hwm;
    }

    /// Frees the memory of the queue, if it is empty.
    pub(crate) fn free_memory(&mut self) {
        if self.len() == 0 {
            self.queue = VecDeque::new();
            self.pack = None;
        }
    }

    /// Returns all queued messages, after the end of their connection.
    pub(crate) fn into_queue(mut self) -> VecDeque<Message> {
        self.seal();
        if self.packed == 0 {
            return self.queue;
        }
        let mut messages = VecDeque::with_capacity(self.len());
        self.queue.drain(..).for_each(|packed| unpack(packed, &mut messages));
        messages
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        !self.retired && self.hwm.has_room(self.used_slots(), self.bytes)
    }

    /// Returns the number of messages for which there is certainly room. A limit in bytes
    /// guarantees room for one.
    #[inline]
    pub(crate) fn free_slots(&self) -> usize {
        if self.retired {
            return 0;
        }
        self.hwm.free_slots(self.used_slots(), self.bytes)
    }

    pub(crate) const fn is_retired(&self) -> bool {
        self.retired
    }

    /// Returns the number of messages taken so far.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns the position of the next message in the pipe, counted from zero.
    pub(crate) fn next_position(&self) -> u64 {
        self.taken + self.queue.len() as u64
    }

    /// Returns the number of queued messages.
    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.packed
    }

    /// Returns the number of queued messages and of reserved slots.
    #[inline]
    pub(crate) fn used_slots(&self) -> usize {
        self.len() + self.reserved
    }
}

/// The size of one take, in bytes. A connection takes a queue up to this size completely, and this
/// much of a longer queue. A thousand messages of 64 bytes, the default high-water mark and the
/// usual benchmark, are far below it. Long messages of this size fill some writes. Taken messages
/// no longer count against the high-water mark.
const TAKE: usize = 0x4_0000;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use zmtp_proto::group::Group;

    use super::*;
    use crate::message::GroupMessage;
    use crate::pipe::{PACKED_MAX, Room};

    #[test]
    fn reserved_slots_count_against_the_high_water_mark() {
        let mut pipe = Outbound::new(HighWaterMark::new(2, 0));
        pipe.reserve();
        push(&mut pipe, b"a");
        assert!(!pipe.has_room());
        pipe.release();
        assert!(pipe.has_room());
    }

    #[test]
    fn a_reserved_slot_can_be_used_after_the_high_water_mark_was_lowered() {
        let mut pipe = Outbound::new(HighWaterMark::new(3, 0));
        pipe.reserve();
        push(&mut pipe, b"a");
        push(&mut pipe, b"b");
        pipe.set_hwm(HighWaterMark::new(1, 0));
        assert!(pipe.push_reserved(&mut Some(Message::from("c")), &mut Wakes::None));
        assert_eq!((pipe.len(), pipe.has_room()), (3, false));
    }

    #[test]
    fn a_reserved_slot_can_be_used_after_the_high_water_mark_in_bytes_was_reached() {
        let mut pipe = Outbound::new(HighWaterMark::new(0, 100));
        pipe.reserve();
        push(&mut pipe, &[0; 1_000]);
        assert!(pipe.push_reserved(&mut Some(Message::from("c")), &mut Wakes::None));
        assert_eq!((pipe.len(), pipe.has_room()), (2, false));
    }

    #[test]
    fn short_messages_are_taken_in_one_batch() {
        let mut pipe = Outbound::new(HighWaterMark::new(0, 0));
        for _ in 0..1_000 {
            push(&mut pipe, &[0; 64]);
        }
        let mut taken = VecDeque::new();
        assert_eq!(
            pipe.poll_take(Want::Write, &mut taken, Waker::noop()),
            Poll::Ready(Take::Messages)
        );
        assert_eq!(taken.len(), 1_000);
        assert_eq!(pipe.len(), 0);
    }

    #[test]
    fn long_messages_are_taken_in_parts() {
        let mut pipe = Outbound::new(HighWaterMark::new(0, 0));
        for _ in 0..10 {
            push(&mut pipe, &[0; 40_000]);
        }
        let mut taken = VecDeque::new();
        assert_eq!(
            pipe.poll_take(Want::Write, &mut taken, Waker::noop()),
            Poll::Ready(Take::Messages)
        );
        assert_eq!((taken.len(), pipe.len()), (7, 3));
    }

    #[test]
    fn the_message_that_reaches_the_limit_in_bytes_is_still_queued() {
        let mut pipe = Outbound::new(HighWaterMark::new(0, 100));
        push(&mut pipe, &[0; 50]);
        assert!(pipe.has_room());
        push(&mut pipe, &[0; 1_000]);
        assert!(!pipe.has_room());
        pipe.set_hwm(HighWaterMark::new(0, 2_000));
        assert!(pipe.has_room());
    }

    #[test]
    fn no_more_messages_are_taken_than_fit_the_receiver() {
        let mut pipe = Outbound::new(HighWaterMark::new(0, 0));
        for _ in 0..5 {
            push(&mut pipe, &[0; 91]);
        }
        let mut taken = VecDeque::new();
        for (messages, bytes, expected) in [(2, 1_000, 2), (5, 101, 2), (5, 1_000, 1)] {
            let room = Room { messages, bytes, is_all: true };
            let took = pipe.poll_take(Want::Room(room), &mut taken, Waker::noop());
            assert_eq!(took, Poll::Ready(Take::Messages));
            assert_eq!(taken.drain(..).len(), expected);
        }
        assert_eq!(pipe.bytes, 0);
    }

    #[test]
    fn a_connection_whose_receiver_is_busy_is_woken_when_the_queue_is_half_full() {
        let mut pipe = Outbound::new(HighWaterMark::new(4, 0));
        let busy = Room { messages: 10, bytes: 1_000, is_all: false };
        let mut taken = VecDeque::new();
        assert!(pipe.poll_take(Want::Room(busy), &mut taken, Waker::noop()).is_pending());
        let woken = [(); 2].map(|()| {
            let mut wakes = Wakes::None;
            pipe.push(&mut Some(Message::from("x")), &mut wakes);
            wakes.len() == 1
        });
        assert_eq!(woken, [false, true]);
        assert!(pipe.poll_take(Want::Room(busy), &mut taken, Waker::noop()).is_ready());
    }

    proptest! {
        #[test]
        fn packed_messages_are_counted_and_taken_as_single_ones(
            steps in vec((prop_oneof![0..PACKED_MAX, 0..40_000_usize], any::<(u8, bool)>()), 0..60),
        ) {
            let mut pipe = Outbound::new(HighWaterMark::new(30, 0));
            let (mut expected, mut bytes, mut taken) = (VecDeque::new(), 0, 0);
            for (len, (group, takes)) in steps {
                if pipe.has_room() {
                    let group = Group::try_from(&[group | 1; 7][..]).unwrap();
                    let message = GroupMessage::new(&group, vec![7; len]).into_frames();
                    bytes += super::bytes(&message);
                    expected.push_back(message.clone());
                    if message.len() <= PACKED_MAX {
                        pipe.pack(&message, &mut Wakes::None);
                    } else {
                        pipe.seal();
                        pipe.push(&mut Some(message), &mut Wakes::None);
                    }
                }
                prop_assert_eq!((pipe.len(), pipe.bytes), (expected.len(), bytes));
                prop_assert_eq!(pipe.has_room(), expected.len() < 30);
                if takes {
                    let mut packed = VecDeque::new();
                    pipe.seal();
                    let _ = pipe.poll_take(Want::Write, &mut packed, Waker::noop());
                    for message in unpacked(packed) {
                        bytes -= super::bytes(&message);
                        taken += 1;
                        prop_assert_eq!(Some(message), expected.pop_front());
                    }
                    prop_assert_eq!((pipe.taken(), pipe.bytes), (taken, bytes));
                }
            }
            prop_assert!(pipe.into_queue() == expected);
        }
    }

    fn unpacked(packed: VecDeque<Message>) -> VecDeque<Message> {
        let mut messages = VecDeque::new();
        packed.into_iter().for_each(|packed| unpack(packed, &mut messages));
        messages
    }

    fn push(pipe: &mut Outbound, body: &[u8]) {
        pipe.push(&mut Some(Message::from(body)), &mut Wakes::None);
    }
}
