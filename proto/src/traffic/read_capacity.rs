//! The spare capacity of a connection's read buffer.

use std::collections::VecDeque;
use std::mem;

use bytes::BytesMut;

use super::READ_SIZE;

/// Adapts the spare capacity of a read buffer to the traffic: large for sustained traffic, small
/// for single messages and for idle connections.
///
/// Newly mapped memory costs more than reading bytes into it. Earlier buffers are therefore kept,
/// and reused when all messages in them are dropped. If all frames have the same length, the length
/// of a buffer is a multiple of it, so that no partial frame needs to be copied to the next buffer.
#[derive(Debug)]
pub(super) struct ReadCapacity {
    /// The length of the input at the last [`reserve`](Self::reserve), until the read after it is
    /// recorded.
    before: Option<usize>,
    /// The number of consecutive small reads.
    small_reads: u8,
    /// The length of the input that completes the incomplete frame; zero if it is unknown.
    awaited: usize,
    /// The largest `awaited` that was reached.
    longest: usize,
    /// The length of the current buffer, as far as it is known.
    buffer: usize,
    /// The capacity that the current buffer had left at the last [`buffer_len`](Self::buffer_len).
    rest: usize,
    /// The length of each frame of the last batch; zero if the lengths differ.
    frame_len: usize,
    /// Earlier buffers in which messages may still be stored, the oldest first.
    earlier: VecDeque<BytesMut>,
}

impl ReadCapacity {
    /// Starts with a small capacity.
    pub(super) const fn new() -> Self {
        Self {
            before: None,
            small_reads: SMALL_READS_MAX,
            awaited: 0,
            longest: 0,
            buffer: 0,
            rest: 0,
            frame_len: 0,
            earlier: VecDeque::new(),
        }
    }

    /// Records the bytes that were read since the last [`reserve`](Self::reserve), and returns
    /// their number.
    #[inline]
    pub(super) fn record_read(&mut self, input: &BytesMut) -> usize {
        let Some(before) = self.before else { return 0 };
        let read = input.len().saturating_sub(before);
        if read == 0 {
            return 0;
        }
        self.before = None;
        let is_full = input.len() == input.capacity();
        let is_large = is_full || read > SMALL_READ;
        self.small_reads = if is_large { 0 } else { self.small_reads.saturating_add(1) };
        if input.len() >= self.awaited {
            self.longest = self.longest.max(mem::take(&mut self.awaited));
        }
        read
    }

    /// Records the length of the frames of a batch.
    #[inline]
    pub(super) fn record_frames(&mut self, bytes: usize, frames: usize) {
        self.frame_len = if bytes % frames == 0 { bytes / frames } else { 0 };
    }

    /// Returns the length of the current buffer.
    ///
    /// The remaining capacity shrinks as frames are removed. A larger one therefore belongs to
    /// another buffer.
    #[inline]
    pub(super) fn buffer_len(&mut self, input: &BytesMut) -> usize {
        let rest = input.capacity();
        if rest > self.rest {
            self.buffer = rest;
        }
        self.rest = rest;
        self.buffer
    }

    /// Reserves capacity for the next read. `missing` is the number of bytes that are known to be
    /// needed.
    ///
    /// The capacity suffices for one read. If more bytes are missing, it grows up to the number of
    /// bytes that have arrived so far, or that arrived for an earlier frame.
    #[inline]
    pub(super) fn reserve(&mut self, input: &mut BytesMut, missing: usize) {
        let spare = input.capacity() - input.len();
        if self.small_reads >= SMALL_READS_MAX && missing == 0 {
            if input.is_empty() && spare > 2 * SMALL_READ || !self.earlier.is_empty() {
                self.release(input);
            } else if spare < SMALL_READ / 4 {
                input.reserve(SMALL_READ);
            }
        } else {
            let completes = missing > 0 && spare >= missing && input.len() >= COPIED_MAX;
            if spare < SPARE_MIN && !completes {
                self.replace(input, missing);
            }
        }
        self.buffer_len(input);
        self.before = Some(input.len());
        self.awaited = if missing > 0 { input.len().saturating_add(missing) } else { 0 };
    }

    /// Releases large and earlier buffers, and starts again with a small capacity.
    pub(super) fn release(&mut self, input: &mut BytesMut) {
        if input.is_empty() {
            *input = BytesMut::with_capacity(SMALL_READ);
        }
        let Self { awaited, buffer, .. } = *self;
        let rest = input.capacity();
        let buffer = if input.is_empty() { rest } else { buffer };
        *self = Self { before: Some(input.len()), awaited, buffer, rest, ..Self::new() };
    }

    /// Moves the content of `input` to a buffer with more spare capacity.
    fn replace(&mut self, input: &mut BytesMut, missing: usize) {
        let more = match missing {
            0 => SPARE_MIN,
            _ => missing.min(input.len().max(self.longest)),
        };
        if input.len() >= REMAPPED_MIN {
            input.reserve(more);
            return;
        }
        let capacity = match self.frame_len {
            length @ COPIED_MAX..=ALIGNED_FRAME_MAX => READ_SIZE.next_multiple_of(length),
            _ => READ_SIZE,
        };
        let capacity = capacity.max(input.len() + more);
        if input.try_reclaim(capacity - input.len()) {
            return;
        }
        let free = self.earlier.iter_mut().position(|earlier| earlier.try_reclaim(capacity));
        let mut buffer = free
            .and_then(|at| self.earlier.remove(at))
            .unwrap_or_else(|| BytesMut::with_capacity(capacity));
        buffer.extend_from_slice(input);
        let mut earlier = mem::replace(input, buffer);
        earlier.clear();
        if self.earlier.len() >= (EARLIER_BYTES_MAX / capacity).max(EARLIER_COUNT_MIN) {
            self.earlier.pop_front();
        }
        self.earlier.push_back(earlier);
    }
}

/// The largest small read, and the capacity that is reserved for one.
const SMALL_READ: usize = 0x800;

/// The number of consecutive small reads after which the capacity is reduced.
const SMALL_READS_MAX: u8 = 16;

/// The spare capacity below which a buffer is replaced, so that reads do not become short at its
/// end.
const SPARE_MIN: usize = 0x4000;

/// A shorter incomplete frame is copied to a new buffer instead of being completed by a separate
/// read.
const COPIED_MAX: usize = 0x1000;

/// The length from which the system moves memory without copying it. Copying a long message each
/// time its buffer doubles would delay other connections.
const REMAPPED_MIN: usize = 0x10_0000;

/// The longest frame length to which the length of a buffer is aligned.
const ALIGNED_FRAME_MAX: usize = 0x20_0000;

/// The total length of the earlier buffers that are kept: twice the amount that is read before
/// receivers run.
const EARLIER_BYTES_MAX: usize = 0x8_0000;

/// The number of earlier buffers that are kept regardless of their length.
const EARLIER_COUNT_MIN: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_starts_small_and_grows_when_a_read_fills_it() {
        let (mut capacity, mut input) = (ReadCapacity::new(), BytesMut::new());
        capacity.reserve(&mut input, 0);
        assert!((SMALL_READ..2 * SMALL_READ).contains(&input.capacity()));
        read(&mut capacity, &mut input, 10);
        assert!(input.capacity() < 2 * SMALL_READ);
        let spare = input.capacity();
        read(&mut capacity, &mut input, spare);
        assert!(input.capacity() >= READ_SIZE);
    }

    #[test]
    fn the_capacity_shrinks_only_after_many_small_reads() {
        let (mut capacity, mut input) = (ReadCapacity::new(), BytesMut::new());
        input.reserve(READ_SIZE);
        capacity.reserve(&mut input, 1);
        read(&mut capacity, &mut input, SMALL_READ + 1);
        for _ in 1..SMALL_READS_MAX {
            read(&mut capacity, &mut input, 1);
            assert!(input.capacity() > 2 * SMALL_READ);
        }
        read(&mut capacity, &mut input, 1);
        assert!(input.capacity() < 2 * SMALL_READ);
    }

    #[test]
    fn capacity_is_reserved_for_missing_bytes() {
        let (mut capacity, mut input) = (ReadCapacity::new(), BytesMut::from(&[0; 9][..]));
        capacity.reserve(&mut input, 10_000);
        assert!(input.capacity() >= 10_009);
    }

    /// Reads bytes that are removed immediately.
    fn read(capacity: &mut ReadCapacity, input: &mut BytesMut, bytes: usize) {
        input.extend_from_slice(&vec![0; bytes]);
        capacity.record_read(input);
        input.clear();
        capacity.reserve(input, 0);
    }
}
