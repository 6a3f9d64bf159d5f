//! The outgoing half of a pipe: from the handles to one connection.

mod latest;
mod oldest;

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};

use zmtp_proto::frame::LONG_LENGTH;

pub(crate) use self::latest::FirstPartHash;
use self::latest::Latest;
use crate::message::Message;
use crate::pipe::connection_waker::ConnectionWaker;
use crate::pipe::delivery::bytes;
use crate::pipe::pack::{Pack, further_messages, unpack_all};
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
    reserved: u32,
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
    /// Present once a message was queued that replaces earlier ones.
    latest: Option<Box<Latest>>,
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
            latest: None,
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
        self.unpark(wakes);
    }

    /// Queues the messages that `next` returns while there is capacity, like [`push`](Self::push).
    /// Wakes the connection once.
    #[inline]
    pub(crate) fn push_all(
        &mut self,
        mut next: impl FnMut() -> Option<Message>,
        wakes: &mut Wakes,
    ) {
        while self.has_room() {
            let Some(message) = next() else { break };
            self.bytes += bytes(&message);
            self.queue.push_back(message);
        }
        self.unpark(wakes);
    }

    /// Wakes the connection if it waits for a queue like this.
    #[inline]
    fn unpark(&mut self, wakes: &mut Wakes) {
        if !self.until_half || self.is_half_full() {
            self.connection.unpark(wakes);
        }
    }

    /// Queues a copy of a short message of several parts, like [`push`](Self::push). Before another
    /// message is queued, or messages are taken, [`seal`](Self::seal) must be called.
    #[inline]
    pub(crate) fn pack(&mut self, message: &[u8], wakes: &mut Wakes) {
        debug_assert!(self.has_room());
        if self.pack.as_ref().is_some_and(|pack| !pack.fits(message)) {
            self.seal();
        }
        self.pack.get_or_insert_default().push(message);
        self.bytes += message.len() + LONG_LENGTH;
        self.packed += 1;
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

    /// Removes all messages. Only those for many remotes are packed.
    pub(crate) fn drain(&mut self) -> VecDeque<Message> {
        self.seal();
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
        if let Some(latest) = &mut self.latest {
            latest.clear();
        }
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
            if let Some(latest) = &mut self.latest {
                latest.remove_first(&message);
            }
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

    /// Ready when the queue is retired. Until then, parks the connection, which takes nothing.
    pub(crate) fn poll_retired(&mut self, connection: &Waker) -> Poll<()> {
        if self.retired {
            return Poll::Ready(());
        }
        self.park(connection, true);
        Poll::Pending
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
            self.latest = None;
        }
    }

    /// Returns all queued messages, after the end of their connection.
    pub(crate) fn into_queue(mut self) -> VecDeque<Message> {
        self.seal();
        if self.packed == 0 { self.queue } else { unpack_all(self.queue) }
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
        self.len() + self.reserved as usize
    }
}

/// The size of one take, in bytes. A connection takes a queue up to this size completely, and this
/// much of a longer queue. A thousand messages of 64 bytes, the default high-water mark and the
/// usual benchmark, are far below it. Long messages of this size fill some writes. Taken messages
/// no longer count against the high-water mark.
const TAKE: usize = 0x4_0000;

#[cfg(test)]
mod tests;
