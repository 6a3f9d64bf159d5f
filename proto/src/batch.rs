//! Messages that were read together.

use bytes::{Buf, Bytes};
use thiserror::Error;

use super::frame::{LONG_LENGTH, LONG_MESSAGE, SHORT_LENGTH, SHORT_MESSAGE};

/// Whole messages in the order in which they came, still framed.
///
/// Invariant: `frames` is exactly `messages` whole message frames without MORE, in each of which
/// `overhead` bytes precede the body. The decoder has found the frames. The code that takes them apart
/// checks them once more, before a message of them is queued.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Bytes,
    messages: usize,
    overhead: usize,
    /// Bytes before the first frame that lie in the same buffers and were passed over.
    passed: usize,
    /// How long the buffer is that the frames lie in.
    buffer: usize,
}

/// Frames that are not the expected complete messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("frames are not the {messages} whole messages that were found in them")]
pub struct BrokenBatch {
    messages: usize,
}

impl Batch {
    /// Takes over `frames`, which contain `messages` whole messages. If they were sealed and have been
    /// opened in place, `overhead` bytes precede the body of each. Before them `passed` bytes were
    /// skipped.
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
            let (header, size) = first_frame(rest, overhead).ok_or(BrokenBatch { messages })?;
            rest = rest
                .get(header..)
                .and_then(|rest| rest.get(size..))
                .ok_or(BrokenBatch { messages })?;
        }
        if !rest.is_empty() {
            return Err(BrokenBatch { messages });
        }
        Ok(Self { frames, messages, overhead, passed, buffer: 0 })
    }

    /// Notes the length of the buffer that the frames are a slice of.
    #[inline]
    pub(super) const fn within(mut self, buffer: usize) -> Self {
        self.buffer = buffer;
        self
    }

    /// Takes the first message.
    #[inline]
    pub fn pop(&mut self) -> Option<Bytes> {
        let (header, size) = first_frame(&self.frames, self.overhead)?;
        self.messages -= 1;
        self.frames.advance(header);
        Some(self.frames.split_to(size))
    }

    /// Takes the first message if its body has at most `N` bytes. Returns a copy and the size of the body; bytes
    /// after the body are not specified.
    #[inline]
    pub fn pop_short<const N: usize>(&mut self) -> Option<([u8; N], usize)> {
        let (header, size) = first_frame(&self.frames, self.overhead)?;
        if size > N {
            return None;
        }
        let rest = self.frames.get(header..)?;
        // A copy of fixed length takes a few instructions; only at the end of a batch there may be
        // too little for it.
        let bytes = match rest.first_chunk() {
            Some(bytes) => *bytes,
            None => {
                let mut bytes = [0; N];
                bytes[..size].copy_from_slice(rest.get(..size)?);
                bytes
            }
        };
        self.messages -= 1;
        self.frames.advance(header + size);
        Some((bytes, size))
    }

    /// Splits off as many messages from the front as are within `messages` and begin within `bytes`.
    #[inline]
    pub fn split_to(&mut self, messages: usize, bytes: usize) -> Self {
        if messages >= self.messages && bytes >= self.bytes() {
            return std::mem::take(self);
        }
        let (mut end, mut count) = (0, 0);
        while count < messages && end < bytes {
            let Some((header, size)) = first_frame(&self.frames[end..], self.overhead) else {
                break;
            };
            end += header + size;
            count += 1;
        }
        self.messages -= count;
        // What was passed over is kept alive by the last that is left of the batch.
        let Self { overhead, buffer, .. } = *self;
        Self { frames: self.frames.split_to(end), messages: count, overhead, passed: 0, buffer }
    }

    /// Returns the number of bytes that the messages keep alive: their frames, and what lies between them and those of
    /// the batch before.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.frames.len() + self.passed
    }

    /// Returns the size of the messages on the wire.
    #[inline]
    pub fn wire_bytes(&self) -> usize {
        self.frames.len()
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

/// What stands before the body of the message frame at the beginning of `frames`, and the length of the
/// body, which may be more than is there. The frame's own size counts the overhead, too.
#[inline]
fn first_frame(frames: &[u8], overhead: usize) -> Option<(usize, usize)> {
    let (header, size) = match *frames {
        [SHORT_MESSAGE, size, ..] => (SHORT_LENGTH, usize::from(size)),
        [LONG_MESSAGE, a, b, c, d, e, f, g, h, ..] => {
            let size = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (LONG_LENGTH, usize::try_from(size).ok()?)
        }
        _ => return None,
    };
    Some((header + overhead, size.checked_sub(overhead)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_off_message_begins_within_the_limit() {
        let mut batch = Batch::new(Bytes::from_static(b"\0\x01a\0\x01b\0\x01c"), 3, 0, 5).unwrap();
        let part = batch.split_to(usize::MAX, 4);
        assert_eq!((part.messages(), part.bytes()), (2, 6));
        // What was passed over is kept alive until the last message has gone.
        assert_eq!((batch.messages(), batch.bytes(), batch.wire_bytes()), (1, 8, 3));
        assert_eq!(batch.split_to(0, usize::MAX).messages(), 0);
        assert_eq!(batch.split_to(1, 1_000).messages(), 1);
    }

    #[test]
    fn frames_that_differ_from_what_was_decoded_are_not_a_batch() {
        let broken: [(&'static [u8], usize); 11] = [
            (b"\0\x01a\x04\x01b", 0),          // a command
            (b"\0\x01a\x01\x01b", 0),          // a part
            (b"\0\x01a\x08\x01b", 0),          // a reserved flag
            (b"\0\x01a\0", 0),                 // a header that is cut off
            (b"\0\x01a\x02\0\0\0\0\0\0\0", 0), // a long header that is cut off
            (b"\0\x01a\0\x02b", 0),            // a body that is cut off
            (b"\0\x01a", 0),                   // fewer
            (b"\0\x01a\0\x01b\0\0", 0),        // more
            (b"\0\x03..a\0\x01b", 2),          // less than the overhead
            (b"\0\x03..a\0\x02.", 2),          // not all of the overhead
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
