//! How much room there is to read into.

use bytes::BytesMut;

use super::READ_SIZE;

/// Makes room as there has been use for it: much where much arrives, and little where messages come one
/// by one, or not at all, so that a connection that is idle does not keep a large buffer.
#[derive(Debug)]
pub(super) struct Room {
    /// What lay in the buffer when room was made, until it is known what was read into it.
    before: Option<usize>,
    /// How many reads in a row have brought little.
    little: u8,
}

impl Room {
    /// Begins with little.
    pub(super) const fn new() -> Self {
        Self { before: None, little: LITTLE_FOR_GOOD }
    }

    /// Takes note of what was read since room was made.
    #[inline]
    pub(super) fn learn(&mut self, input: &BytesMut) {
        let Some(before) = self.before.take() else { return };
        let read = input.len().saturating_sub(before);
        let is_full = input.len() == input.capacity();
        self.little = if is_full || read > READ_LITTLE { 0 } else { self.little.saturating_add(1) };
    }

    /// Makes room to read into, where `missing` octets are known to be needed: room for one read, or as
    /// much as has been read so far if more is missing than that.
    #[inline]
    pub(super) fn make(&mut self, input: &mut BytesMut, missing: usize) {
        let spare = input.capacity() - input.len();
        if self.little >= LITTLE_FOR_GOOD && missing == 0 {
            if input.is_empty() && spare > 2 * READ_LITTLE {
                *input = BytesMut::with_capacity(READ_LITTLE);
            } else if spare < READ_LITTLE / 4 {
                input.reserve(READ_LITTLE);
            }
        } else {
            let nearly_there = spare >= missing && input.len() >= READ_SIZE;
            if spare < READ_AGAIN && !nearly_there {
                input.reserve(missing.min(input.len()).max(READ_SIZE));
            }
        }
        self.before = Some(input.len());
    }
}

/// How much is read at once where little arrives.
const READ_LITTLE: usize = 0x800;

/// After so many reads that have brought little, more is not expected.
const LITTLE_FOR_GOOD: u8 = 16;

/// Room below which a read buffer is renewed, so that a read is never only the tail of a buffer.
const READ_AGAIN: usize = 0x4000;

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

    /// Reads octets that are taken at once.
    fn read(room: &mut Room, input: &mut BytesMut, octets: usize) {
        input.extend_from_slice(&vec![0; octets]);
        room.learn(input);
        input.clear();
        room.make(input, 0);
    }
}
