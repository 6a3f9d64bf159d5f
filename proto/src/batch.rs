//! Batches of messages that were read together.

use std::mem;

use bytes::{Buf, Bytes};
use thiserror::Error;

use super::frame::{LONG_LENGTH, LONG_MESSAGE, SHORT_LENGTH, SHORT_MESSAGE};
use super::message_shape::message_len;

/// Complete messages in the order of their arrival, still framed.
///
/// A message is returned as its body, or as its frames if messages may have several parts.
///
/// Invariant: the rest of `frames` is exactly `messages` complete messages. Either each is one
/// frame without MORE, in which `overhead` bytes precede the body, or each has any number of parts,
/// and `overhead` is `WITH_HEADERS`. The decoder finds the frames, and the constructor checks them
/// again before a message is queued.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Bytes,
    /// The number of bytes of `frames` that were removed.
    removed: usize,
    messages: usize,
    overhead: usize,
    /// Bytes that were skipped before the first frame and are stored in the same buffer.
    passed: usize,
    /// The length of the buffer in which the frames are stored.
    buffer: usize,
}

/// A short message that was removed from a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct ShortMessage<'a, const N: usize> {
    /// The message, and bytes that follow it in the batch.
    pub bytes: &'a [u8; N],
    /// The length of the message.
    pub len: usize,
    /// The size of the message on the wire.
    pub wire_len: usize,
}

/// The error of frames that are not the expected complete messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("frames differ from the {messages} messages that the decoder found")]
pub struct BrokenBatch {
    messages: usize,
}

impl Batch {
    /// Creates a batch of `frames`, which contain `messages` complete messages. In frames that were
    /// decrypted in place, `overhead` bytes precede each body. The decoder has skipped `passed`
    /// bytes before the frames.
    ///
    /// # Errors
    ///
    /// The frames are not these messages.
    #[inline]
    pub(super) fn new(
        frames: Bytes,
        messages: usize,
        overhead: usize,
        passed: usize,
    ) -> Result<Self, BrokenBatch> {
        let mut rest = &frames[..];
        for _ in 0..messages {
            let frame = first_frame(rest, overhead, |_| None);
            let (header, size) = frame.ok_or(BrokenBatch { messages })?;
            rest = rest
                .get(header..)
                .and_then(|rest| rest.get(size..))
                .ok_or(BrokenBatch { messages })?;
        }
        if !rest.is_empty() {
            return Err(BrokenBatch { messages });
        }
        Ok(Self { frames, removed: 0, messages, overhead, passed, buffer: 0 })
    }

    /// Creates a batch of unencrypted `frames`, which contain `messages` complete messages of any
    /// number of parts. Each is returned as its frames. The decoder has skipped `passed` bytes
    /// before the frames.
    ///
    /// # Errors
    ///
    /// The frames are not these messages.
    pub(super) fn of_parts(
        frames: Bytes,
        messages: usize,
        passed: usize,
    ) -> Result<Self, BrokenBatch> {
        let mut rest = &frames[..];
        for _ in 0..messages {
            let len = message_len(rest).ok_or(BrokenBatch { messages })?;
            rest = rest.get(len..).ok_or(BrokenBatch { messages })?;
        }
        if !rest.is_empty() {
            return Err(BrokenBatch { messages });
        }
        Ok(Self { frames, removed: 0, messages, overhead: WITH_HEADERS, passed, buffer: 0 })
    }

    /// Sets the length of the buffer of which the frames are a slice.
    #[inline]
    pub(super) const fn within(mut self, buffer: usize) -> Self {
        self.buffer = buffer;
        self
    }

    /// Returns the first message.
    #[inline]
    pub fn first(&self) -> Option<&[u8]> {
        let (header, size) = self.first_message()?;
        self.frames().get(header..)?.get(..size)
    }

    /// Removes and returns the first message.
    #[inline]
    pub fn pop(&mut self) -> Option<Bytes> {
        let (header, size) = self.first_message()?;
        self.messages -= 1;
        self.frames.advance(mem::take(&mut self.removed) + header);
        Some(self.frames.split_to(size))
    }

    /// Removes the first message if it has at most `N` bytes, and another message and at least `N`
    /// bytes follow its header. Returns a slice that begins with it.
    #[inline(always)]
    pub fn remove_short<const N: usize>(&mut self) -> Option<ShortMessage<'_, N>> {
        if self.messages < 2 {
            return None;
        }
        let (header, len) = self.first_message()?;
        let start = self.removed + header;
        if len > N || self.frames.len().checked_sub(start)? < N {
            return None;
        }
        self.messages -= 1;
        self.removed = start + len;
        let bytes = self.frames.get(start..)?.first_chunk()?;
        Some(ShortMessage { bytes, len, wire_len: header + len })
    }

    /// Removes the first message if it has at most `N` bytes. Returns a copy and its size; bytes
    /// after it are not specified.
    #[inline]
    pub fn pop_short<const N: usize>(&mut self) -> Option<([u8; N], usize)> {
        let (header, size) = self.first_message()?;
        if size > N {
            return None;
        }
        let rest = self.frames().get(header..)?;
        // A copy of fixed length takes a few instructions. Only at the end of a batch are there
        // fewer than `N` bytes left.
        let bytes = match rest.first_chunk() {
            Some(bytes) => *bytes,
            None => {
                let mut bytes = [0; N];
                bytes[..size].copy_from_slice(rest.get(..size)?);
                bytes
            }
        };
        self.messages -= 1;
        self.removed += header + size;
        Some((bytes, size))
    }

    /// Returns the number of bytes before the first message, and its length, which may exceed the
    /// frames.
    #[inline(always)]
    fn first_message(&self) -> Option<(usize, usize)> {
        first_frame(self.frames(), self.overhead, |frames| match self.messages {
            1 => Some((0, frames.len())),
            _ => first_with_headers(frames),
        })
    }

    /// Returns the frames, which begin with those of the first message.
    #[inline]
    pub fn frames(&self) -> &[u8] {
        &self.frames[self.removed..]
    }

    /// Splits off messages from the front: at most `messages`, all of which begin within the first
    /// `bytes`.
    #[inline]
    pub fn split_to(&mut self, messages: usize, bytes: usize) -> Self {
        if messages >= self.messages && bytes >= self.bytes() {
            return mem::take(self);
        }
        self.frames.advance(mem::take(&mut self.removed));
        let (mut end, mut count) = (0, 0);
        while count < messages && end < bytes {
            let first = first_frame(&self.frames[end..], self.overhead, first_with_headers);
            let Some((header, size)) = first else { break };
            end += header + size;
            count += 1;
        }
        self.messages -= count;
        // The last message of the batch keeps the skipped bytes alive.
        let Self { overhead, buffer, .. } = *self;
        let frames = self.frames.split_to(end);
        Self { frames, removed: 0, messages: count, overhead, passed: 0, buffer }
    }

    /// Returns the number of bytes that the messages keep alive: their frames, and the bytes
    /// between this batch and the previous one.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.wire_bytes() + self.passed
    }

    /// Returns the size of the messages on the wire.
    #[inline]
    pub fn wire_bytes(&self) -> usize {
        self.frames.len() - self.removed
    }

    /// Returns the number of messages.
    #[inline]
    pub const fn messages(&self) -> usize {
        self.messages
    }

    /// Returns the length of the buffer that the messages are a slice of and keep alive.
    #[inline]
    pub const fn buffer(&self) -> usize {
        self.buffer
    }
}

/// The overhead in a batch whose messages are returned with their headers: minus the length of a
/// short header. A message of one short part then takes the same path as its body in other batches.
const WITH_HEADERS: usize = 0_usize.wrapping_sub(SHORT_LENGTH);

/// Returns zero, and the length of a message that is returned with its headers. It is a separate
/// function to keep it out of the path of messages of one part.
#[inline(never)]
fn first_with_headers(frames: &[u8]) -> Option<(usize, usize)> {
    Some((0, message_len(frames)?))
}

/// Returns the number of bytes before the body of the first frame, and the length of the body,
/// which may exceed `frames`, or the result of `other` if the frame is not a message of one part.
/// The size in the header includes the overhead. If it is smaller, the length exceeds all frames.
#[inline(always)]
fn first_frame(
    frames: &[u8],
    overhead: usize,
    other: impl FnOnce(&[u8]) -> Option<(usize, usize)>,
) -> Option<(usize, usize)> {
    let (header, size) = match *frames {
        [SHORT_MESSAGE, size, ..] => (SHORT_LENGTH, usize::from(size)),
        [LONG_MESSAGE, a, b, c, d, e, f, g, h, ..] if overhead != WITH_HEADERS => {
            let size = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (LONG_LENGTH, usize::try_from(size).ok()?)
        }
        _ => return other(frames),
    };
    Some((header.wrapping_add(overhead), size.wrapping_sub(overhead)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_off_message_begins_within_the_limit() {
        let mut batch = Batch::new(Bytes::from_static(b"\0\x01a\0\x01b\0\x01c"), 3, 0, 5).unwrap();
        let part = batch.split_to(usize::MAX, 4);
        assert_eq!((part.messages(), part.bytes()), (2, 6));
        // The skipped bytes are kept alive by the last message.
        assert_eq!((batch.messages(), batch.bytes(), batch.wire_bytes()), (1, 8, 3));
        assert_eq!(batch.split_to(0, usize::MAX).messages(), 0);
        assert_eq!(batch.split_to(1, 1_000).messages(), 1);
    }

    #[test]
    fn a_short_message_is_removed_in_place_unless_it_is_near_the_end() {
        let mut batch = Batch::new(Bytes::from_static(b"\0\x01a\0\x02bc\0\x01d"), 3, 0, 0).unwrap();
        assert!(batch.remove_short::<9>().is_none());
        let short = batch.remove_short::<8>().unwrap();
        assert_eq!((short.bytes, short.len, short.wire_len), (b"a\0\x02bc\0\x01d", 1, 3));
        assert_eq!((batch.messages(), batch.wire_bytes(), batch.first()), (2, 7, Some(&b"bc"[..])));
        assert!(batch.remove_short::<1>().is_none());
        assert_eq!(batch.remove_short::<2>().unwrap().bytes, b"bc");
        assert!(batch.remove_short::<1>().is_none());
        assert_eq!(batch.split_to(1, 1).frames(), b"\0\x01d");
    }

    #[test]
    fn frames_that_differ_from_the_decoded_ones_are_not_a_batch() {
        let broken: [(&'static [u8], usize); 11] = [
            (b"\0\x01a\x04\x01b", 0),          // a command
            (b"\0\x01a\x01\x01b", 0),          // a part
            (b"\0\x01a\x08\x01b", 0),          // a reserved flag
            (b"\0\x01a\0", 0),                 // a truncated header
            (b"\0\x01a\x02\0\0\0\0\0\0\0", 0), // a truncated long header
            (b"\0\x01a\0\x02b", 0),            // a truncated body
            (b"\0\x01a", 0),                   // one message
            (b"\0\x01a\0\x01b\0\0", 0),        // three messages
            (b"\0\x03..a\0\x01b", 2),          // shorter than the overhead
            (b"\0\x03..a\0\x02.", 2),          // shorter than the overhead, at the end
            (b"\0\x01a\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFb", 0),
        ];
        for (frames, overhead) in broken {
            let batch = Batch::new(Bytes::from_static(frames), 2, overhead, 0);
            assert_eq!(batch.unwrap_err(), BrokenBatch { messages: 2 }, "{frames:?}");
        }
        let frames = Bytes::from_static(b"\0\x03..a\x02\0\0\0\0\0\0\0\x02..");
        let mut batch = Batch::new(frames, 2, 2, 0).unwrap();
        assert_eq!((batch.pop().unwrap(), batch.pop().unwrap()), ("a".into(), Bytes::new()));
        assert_eq!((batch.pop(), batch.pop_short::<1>()), (None, None));
    }
}
