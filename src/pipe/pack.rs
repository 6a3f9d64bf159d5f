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
/// A sealed buffer is one element of the queue.
#[derive(Debug, Default)]
pub(super) struct Pack {
    frames: BytesMut,
    /// The number of messages in `frames`.
    messages: usize,
    /// The number of messages in sealed buffers, less one for each buffer.
    sealed: usize,
    /// The length of the buffer that was sealed last. A connection that keeps up needs about as
    /// much the next time.
    last: usize,
}

impl Pack {
    /// Appends a message. Returns the buffer of earlier messages if it was full.
    #[inline]
    pub(super) fn push(&mut self, frames: &[u8]) -> Option<Message> {
        let is_full = self.frames.len() + frames.len() > PACK_SIZE;
        let full = if is_full { self.seal() } else { None };
        if self.messages == 0 {
            self.frames.reserve(self.last);
        }
        self.frames.extend_from_slice(frames);
        self.messages += 1;
        full
    }

    /// Removes the buffer, if it contains messages.
    pub(super) fn seal(&mut self) -> Option<Message> {
        self.sealed += mem::take(&mut self.messages).checked_sub(1)?;
        self.last = self.frames.len();
        Some(mem::take(&mut self.frames).into())
    }

    /// Returns the number of messages that are not an element of the queue.
    pub(super) const fn unlisted(&self) -> usize {
        self.messages + self.sealed
    }

    /// Records that an element has left the queue. Returns the number of its messages, less one.
    pub(super) fn remove(&mut self, frames: &[u8]) -> usize {
        let beyond = split_messages(frames).skip(1).count();
        self.sealed -= beyond;
        beyond
    }

    /// Records that all elements have left the queue. Returns the number of their messages that
    /// were no element.
    pub(super) fn remove_all(&mut self) -> usize {
        mem::take(&mut self.sealed)
    }
}

/// Splits an element of a queue into its messages.
pub(crate) fn unpack(packed: Message, messages: &mut VecDeque<Message>) {
    if split_messages(&packed).nth(1).is_none() {
        return messages.push_back(packed);
    }
    messages.extend(split_messages(&packed).map(Message::from));
}

/// The longest message that is packed, in bytes with its headers. Above about 400 bytes, a
/// reference count costs no more than a copy for each of a hundred members.
pub(crate) const PACKED_MAX: usize = 0x100;

/// The size at which a buffer is sealed: of one write.
const PACK_SIZE: usize = 0x1_0000;
