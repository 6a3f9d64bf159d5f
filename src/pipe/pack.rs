//! Short messages of several parts, packed into one buffer.

use std::collections::VecDeque;
use std::mem;

use bytes::BytesMut;
use zmtp_proto::message_shape::split_messages;

use crate::message::Message;

/// Short messages at the end of a queue, packed into one buffer.
///
/// A message for many remotes is in many queues. A short message is copied into each, which costs
/// less than a reference count that several threads change. The connection writes the buffer
/// unchanged. A message of several parts is its frames, so packed messages can be
/// [unpacked](unpack).
///
/// A sealed buffer is one element of the queue. When it is written, its memory is used again: newly
/// mapped memory costs more than copying messages into it.
#[derive(Debug, Default)]
pub(super) struct Pack {
    frames: BytesMut,
    /// The memory of an earlier buffer, from which the connection may still be writing.
    earlier: BytesMut,
    /// The capacity of the buffer that was sealed last.
    size: usize,
    /// The length of the buffer that was sealed last. A connection that keeps up needs about as
    /// much the next time.
    last: usize,
}

impl Pack {
    /// Returns whether a message fits into the buffer.
    #[inline]
    pub(super) fn fits(&self, frames: &[u8]) -> bool {
        self.frames.len() + frames.len() <= PACK_SIZE
    }

    /// Appends a message that fits and is not empty.
    #[inline]
    pub(super) fn push(&mut self, frames: &[u8]) {
        debug_assert!(!frames.is_empty() && self.fits(frames));
        if self.frames.is_empty() {
            self.renew();
        }
        self.frames.extend_from_slice(frames);
    }

    /// Removes the buffer, if it contains messages.
    pub(super) fn seal(&mut self) -> Option<Message> {
        if self.frames.is_empty() {
            return None;
        }
        self.last = self.frames.len();
        let full = self.frames.split();
        self.size = full.len() + self.frames.capacity();
        Some(full.into())
    }

    /// Uses the memory of an earlier buffer from its beginning, if the connection has written it.
    fn renew(&mut self) {
        if self.frames.try_reclaim(self.size) {
            return;
        }
        mem::swap(&mut self.frames, &mut self.earlier);
        if !self.frames.try_reclaim(self.size) {
            self.frames = BytesMut::with_capacity(self.last);
        }
    }
}

/// Returns the number of messages of an element of a queue beyond the first.
pub(super) fn further_messages(packed: &[u8]) -> usize {
    split_messages(packed).skip(1).count()
}

/// Returns an element of a queue without its first message, or `None` if it has no other one.
pub(super) fn without_first(packed: &Message) -> Option<Message> {
    let first = split_messages(packed).next()?;
    (first.len() < packed.len()).then(|| packed.tail(first.len()))
}

/// Splits an element of a queue into its messages.
pub(crate) fn unpack(packed: Message, messages: &mut VecDeque<Message>) {
    if split_messages(&packed).nth(1).is_none() {
        return messages.push_back(packed);
    }
    messages.extend(split_messages(&packed).map(Message::from));
}

/// Splits the elements of a queue into their messages.
pub(crate) fn unpack_all(packed: VecDeque<Message>) -> VecDeque<Message> {
    let mut messages = VecDeque::with_capacity(packed.len());
    packed.into_iter().for_each(|packed| unpack(packed, &mut messages));
    messages
}

/// The longest message that is packed, in bytes with its headers. Above about 400 bytes, a
/// reference count costs no more than a copy for each of a hundred members.
pub(crate) const PACKED_MAX: usize = 0x100;

/// The size at which a buffer is sealed: that of one write.
const PACK_SIZE: usize = 0x1_0000;
