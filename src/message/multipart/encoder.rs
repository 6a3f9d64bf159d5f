//! Encodes the parts of a message as frames.

use bytes::{BufMut, BytesMut};
use zmtp_proto::frame::{frame_len, mark_as_last, put_part_header, write_header};

use crate::message::Message;

/// Encodes the frames of a message, without an allocation while they are short.
pub(super) struct Encoder {
    short: [u8; Message::SHORT],
    /// The length of the frames in `short`.
    len: usize,
    /// All frames, if they are too long for `short`.
    long: BytesMut,
    /// The position of the last frame.
    last: usize,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { short: [0; Message::SHORT], len: 0, long: BytesMut::new(), last: 0 }
    }

    /// Creates an encoder for frames of this total length.
    pub(super) fn with_capacity(len: usize) -> Self {
        let mut encoder = Self::new();
        if len > Message::SHORT {
            encoder.long.reserve(len);
        }
        encoder
    }

    /// Appends a part. Others may follow.
    #[inline]
    pub(super) fn put(&mut self, part: &[u8]) {
        let end = self.len + frame_len(part.len());
        if end <= Message::SHORT {
            self.last = self.len;
            let frame = &mut self.short[self.len..end];
            let header = write_header(frame, true, part.len());
            frame[header..].copy_from_slice(part);
            self.len = end;
        } else {
            self.put_long(part);
        }
    }

    /// Appends a part with which the frames do not fit in `short`.
    fn put_long(&mut self, part: &[u8]) {
        if self.long.is_empty() {
            self.long.reserve(self.len + frame_len(part.len()));
            self.long.put_slice(&self.short[..self.len]);
        }
        // No later part goes into `short`.
        self.len = Message::SHORT;
        self.last = self.long.len();
        put_part_header(&mut self.long, part.len());
        self.long.put_slice(part);
    }

    /// Returns the frames of the message. If no part was appended, it has an empty one.
    #[inline]
    pub(super) fn finish(mut self) -> Message {
        if self.long.is_empty() {
            if self.len == 0 {
                self.put(&[]);
            }
            mark_as_last(&mut self.short[self.last..]);
            return Message::short(self.short, self.len, None);
        }
        mark_as_last(&mut self.long[self.last..]);
        Message::long(self.long.freeze(), None)
    }
}
