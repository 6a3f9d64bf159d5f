//! How much room there is to read into.

use std::collections::VecDeque;
use std::mem;

use bytes::BytesMut;

use super::READ_SIZE;

/// Makes room as there has been use for it: much where much arrives, and little where messages come one
/// by one, or not at all, so that a connection that is idle does not keep a large buffer.
///
/// Memory that the system has to provide anew costs more than the bytes that are read into it. So
/// buffers are kept an eye on, and read into again when all messages in them are gone; and where
/// frames are of one length, buffers end where a frame does, so that no part of one has to be moved.
#[derive(Debug)]
pub(super) struct Room {
    /// What lay in the buffer when room was made, until it is known what was read into it.
    before: Option<usize>,
    /// How many reads in a row have brought little.
    little: u8,
    /// How long the frame was that room was made for.
    awaited: usize,
    /// The longest frame that was awaited and came.
    longest: usize,
    /// The length of the buffer, as far as known.
    buffer: usize,
    /// What was left of it when that was asked last.
    rest: usize,
    /// How long all frames of the last batch were; zero if they were not of one length.
    alike: usize,
    /// Earlier buffers, which messages may still lie in, the oldest first.
    lent: VecDeque<BytesMut>,
}

impl Room {
    /// Begins with little.
    pub(super) const fn new() -> Self {
        Self {
            before: None,
            little: LITTLE_FOR_GOOD,
            awaited: 0,
            longest: 0,
            buffer: 0,
            rest: 0,
            alike: 0,
            lent: VecDeque::new(),
        }
    }

    /// Notes the bytes that were read since room was made, and returns their number.
    #[inline]
    pub(super) fn learn(&mut self, input: &BytesMut) -> usize {
        let Some(before) = self.before else { return 0 };
        let read = input.len().saturating_sub(before);
        if read == 0 {
            return 0;
        }
        self.before = None;
        let is_full = input.len() == input.capacity();
        self.little = if is_full || read > READ_LITTLE { 0 } else { self.little.saturating_add(1) };
        if input.len() >= self.awaited {
            self.longest = self.longest.max(mem::take(&mut self.awaited));
        }
        read
    }

    /// Takes note of the frames of a batch.
    #[inline]
    pub(super) fn learn_frames(&mut self, bytes: usize, frames: usize) {
        self.alike = if bytes % frames == 0 { bytes / frames } else { 0 };
    }

    /// Returns the length of the buffer that is read into. It shrinks as frames are taken out, so that a
    /// longer buffer is another one.
    #[inline]
    pub(super) fn buffer(&mut self, input: &BytesMut) -> usize {
        let rest = input.capacity();
        if rest > self.rest {
            self.buffer = rest;
        }
        self.rest = rest;
        self.buffer
    }

    /// Makes room to read into, where `missing` bytes are known to be needed: room for one read, or, if
    /// more is missing than that, as much as has been read so far, or was read for an earlier frame.
    #[inline]
    pub(super) fn make(&mut self, input: &mut BytesMut, missing: usize) {
        let spare = input.capacity() - input.len();
        if self.little >= LITTLE_FOR_GOOD && missing == 0 {
            if input.is_empty() && spare > 2 * READ_LITTLE || !self.lent.is_empty() {
                self.give_back(input);
            } else if spare < READ_LITTLE / 4 {
                input.reserve(READ_LITTLE);
            }
        } else {
            let completes = missing > 0 && spare >= missing && input.len() >= MOVED_RATHER;
            if spare < READ_AGAIN && !completes {
                self.renew(input, missing);
            }
        }
        self.buffer(input);
        self.before = Some(input.len());
        self.awaited = if missing > 0 { input.len().saturating_add(missing) } else { 0 };
    }

    /// Begins with little again.
    pub(super) fn give_back(&mut self, input: &mut BytesMut) {
        if input.is_empty() {
            *input = BytesMut::with_capacity(READ_LITTLE);
        }
        let Self { awaited, buffer, .. } = *self;
        let rest = input.capacity();
        let buffer = if input.is_empty() { rest } else { buffer };
        *self = Self { before: Some(input.len()), awaited, buffer, rest, ..Self::new() };
    }

    /// Moves what lies in `input` to where there is room after it.
    fn renew(&mut self, input: &mut BytesMut, missing: usize) {
        let more = match missing {
            0 => READ_AGAIN,
            _ => missing.min(input.len().max(self.longest)),
        };
        if input.len() >= MOVED_BY_PAGES {
            input.reserve(more);
            return;
        }
        let room = match self.alike {
            length @ MOVED_RATHER..=ALIKE_MAX => READ_SIZE.next_multiple_of(length),
            _ => READ_SIZE,
        };
        let room = room.max(input.len() + more);
        if input.try_reclaim(room - input.len()) {
            return;
        }
        let free = self.lent.iter_mut().position(|earlier| earlier.try_reclaim(room));
        let mut buffer = free
            .and_then(|at| self.lent.remove(at))
            .unwrap_or_else(|| BytesMut::with_capacity(room));
        buffer.extend_from_slice(input);
        let mut earlier = mem::replace(input, buffer);
        earlier.clear();
        if self.lent.len() >= (LENT_MAX / room).max(LENT_LEAST) {
            self.lent.pop_front();
        }
        self.lent.push_back(earlier);
    }
}

/// How much is read at once where little arrives.
const READ_LITTLE: usize = 0x800;

/// After so many reads that have brought little, more is not expected.
const LITTLE_FOR_GOOD: u8 = 16;

/// Room below which a read buffer is renewed, so that a read is never only the tail of a buffer.
const READ_AGAIN: usize = 0x4000;

/// Less than this is moved to a new buffer rather than completed by a read of its own.
const MOVED_RATHER: usize = 0x1000;

/// From this length on the system moves memory without copying it. Copying a long message whenever its
/// buffer doubles would delay other connections.
const MOVED_BY_PAGES: usize = 0x10_0000;

/// Up to this length of frames whole ones are expected to follow.
const ALIKE_MAX: usize = 0x20_0000;

/// How many bytes of earlier buffers are kept an eye on: as much as is read before receivers get
/// their turn, and as much again.
const LENT_MAX: usize = 0x8_0000;

/// How many earlier buffers at least, however long they are.
const LENT_LEAST: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_little_and_becomes_much_when_that_was_filled() {
        let (mut room, mut input) = (Room::new(), BytesMut::new());
        room.make(&mut input, 0);
        assert!((READ_LITTLE..2 * READ_LITTLE).contains(&input.capacity()));
        read(&mut room, &mut input, 10);
        assert!(input.capacity() < 2 * READ_LITTLE);
        let spare = input.capacity();
        read(&mut room, &mut input, spare);
        assert!(input.capacity() >= READ_SIZE);
    }

    #[test]
    fn it_becomes_little_again_only_after_many_reads_that_brought_little() {
        let (mut room, mut input) = (Room::new(), BytesMut::new());
        input.reserve(READ_SIZE);
        room.make(&mut input, 1);
        read(&mut room, &mut input, READ_LITTLE + 1);
        for _ in 1..LITTLE_FOR_GOOD {
            read(&mut room, &mut input, 1);
            assert!(input.capacity() > 2 * READ_LITTLE);
        }
        read(&mut room, &mut input, 1);
        assert!(input.capacity() < 2 * READ_LITTLE);
    }

    #[test]
    fn what_is_known_to_come_has_room() {
        let (mut room, mut input) = (Room::new(), BytesMut::from(&[0; 9][..]));
        room.make(&mut input, 10_000);
        assert!(input.capacity() >= 10_009);
    }

    /// Reads bytes that are taken at once.
    fn read(room: &mut Room, input: &mut BytesMut, bytes: usize) {
        input.extend_from_slice(&vec![0; bytes]);
        room.learn(input);
        input.clear();
        room.make(input, 0);
    }
}
