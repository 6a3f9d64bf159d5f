//! Messages in transit to an incoming queue.

use std::collections::VecDeque;

use zmtp_proto::batch::{Batch, ShortMessage};
use zmtp_proto::frame::LONG_LENGTH;

use crate::message::Message;
use crate::remote::Remote;
use crate::routing_id::RoutingId;
use crate::stats::Volume;

/// Messages and their remote.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) cargo: DeliveredMessages,
    pub(crate) remote: Remote,
}

/// Messages in the form in which they arrived.
#[derive(Debug)]
pub(crate) enum DeliveredMessages {
    /// Messages that were read from a stream together.
    Framed(Batch),
    /// Messages that were sent within this process.
    Whole(MessageList),
}

/// Complete messages, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct MessageList {
    messages: VecDeque<Message>,
    bytes: usize,
}

/// A message that was taken from a queue, and is still where it arrived.
///
/// Its conversion creates the [`Message`] at its destination. Each further move of its 80 bytes
/// would cost several nanoseconds.
#[derive(Debug)]
pub(crate) struct Unmoved<'a> {
    place: Place<'a>,
    routing_id: Option<RoutingId>,
}

#[derive(Debug)]
enum Place<'a> {
    Buffer(ShortMessage<'a, { Message::SHORT }>),
    /// The first of these, of which there are several.
    List(&'a mut MessageList),
}

impl DeliveredMessages {
    /// Takes the oldest message and its size in bytes, if another one follows, and a body in a
    /// buffer is short.
    #[inline(always)]
    pub(crate) fn take_unmoved(
        &mut self,
        routing_id: Option<RoutingId>,
    ) -> Option<(Unmoved<'_>, usize)> {
        let (place, bytes) = match self {
            Self::Framed(batch) => {
                let message = batch.remove_short()?;
                (Place::Buffer(message), message.wire_len)
            }
            Self::Whole(list) if list.messages.len() > 1 => {
                let bytes = bytes(list.messages.front()?);
                (Place::List(list), bytes)
            }
            Self::Whole(_) => return None,
        };
        Some((Unmoved { place, routing_id }, bytes))
    }

    /// Takes the oldest message.
    #[inline]
    pub(crate) fn pop(&mut self, routing_id: Option<RoutingId>) -> Option<Message> {
        match self {
            Self::Framed(batch) => match batch.pop_short() {
                Some((bytes, len)) => Some(Message::short(bytes, len, routing_id)),
                None => Some(Message::long(batch.pop()?, routing_id)),
            },
            Self::Whole(list) => list.pop().map(|message| message.routed(routing_id)),
        }
    }

    /// Returns the oldest message.
    pub(crate) fn first(&self) -> Option<&[u8]> {
        match self {
            Self::Framed(batch) => batch.first(),
            Self::Whole(list) => list.messages.front().map(|message| &**message),
        }
    }

    /// Returns the frames of the oldest message, and possibly later ones, if messages have several
    /// parts.
    pub(crate) fn first_frames(&self) -> &[u8] {
        match self {
            Self::Framed(batch) => batch.frames(),
            Self::Whole(list) => list.messages.front().map_or(&[], |message| &**message),
        }
    }

    /// Splits off messages from the front: at most `messages`, and only those that begin within
    /// `bytes`.
    pub(crate) fn split_to(&mut self, messages: usize, bytes: usize) -> Self {
        match self {
            Self::Framed(batch) => Self::Framed(batch.split_to(messages, bytes)),
            Self::Whole(list) => Self::Whole(list.split_to(messages, bytes)),
        }
    }

    #[inline]
    pub(crate) fn messages(&self) -> usize {
        match self {
            Self::Framed(batch) => batch.messages(),
            Self::Whole(list) => list.messages.len(),
        }
    }

    /// Returns the number of messages and their size in bytes: on the wire, or over `inproc` as
    /// queues hold them.
    pub(crate) fn volume(&self) -> Volume {
        let bytes = match self {
            Self::Framed(batch) => batch.wire_bytes(),
            Self::Whole(list) => list.bytes - list.messages.len() * LONG_LENGTH,
        };
        Volume { messages: self.messages() as u64, bytes: bytes as u64 }
    }

    /// Returns the length of the buffer that the messages are slices of, or zero if there is none.
    pub(super) const fn buffer(&self) -> usize {
        match self {
            Self::Framed(batch) => batch.buffer(),
            Self::Whole(_) => 0,
        }
    }

    /// Returns the memory of each message in addition to its [`bytes`](Self::bytes).
    pub(super) const fn overhead(&self) -> usize {
        match self {
            Self::Framed(_) => 0,
            Self::Whole(_) => size_of::<Message>() - LONG_LENGTH,
        }
    }

    /// Returns the number of bytes of memory that the messages keep.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Framed(batch) => batch.bytes(),
            Self::Whole(list) => list.bytes,
        }
    }
}

impl From<Unmoved<'_>> for Message {
    #[inline]
    fn from(message: Unmoved<'_>) -> Self {
        match message.place {
            Place::Buffer(ShortMessage { bytes: body, len, .. }) => {
                // The body begins at offset 8. It is stored in the pieces in which it will be
                // moved: the processor loads 16 bytes quickly only if they were stored together.
                let mut bytes = [0; Self::SHORT];
                bytes[..8].copy_from_slice(&body[..8]);
                bytes[8..].copy_from_slice(&body[8..]);
                Self::short(bytes, len, message.routing_id)
            }
            Place::List(list) => list.pop().unwrap_or_default().routed(message.routing_id),
        }
    }
}

impl MessageList {
    pub(crate) fn new(messages: VecDeque<Message>) -> Self {
        let bytes = messages.iter().map(bytes).sum();
        Self { messages, bytes }
    }

    /// Returns the memory of an empty list.
    pub(super) fn into_memory(self) -> VecDeque<Message> {
        debug_assert!(self.messages.is_empty());
        self.messages
    }

    #[inline]
    fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= bytes(&message);
        Some(message)
    }

    fn split_to(&mut self, messages: usize, bytes: usize) -> Self {
        if messages >= self.messages.len() && bytes >= self.bytes {
            return std::mem::take(self);
        }
        let mut split = Self::default();
        while split.messages.len() < messages && split.bytes < bytes {
            let Some(message) = self.messages.pop_front() else { break };
            split.bytes += self::bytes(&message);
            split.messages.push_back(message);
        }
        self.bytes -= split.bytes;
        split
    }
}

/// Returns the cost of a message in bytes: its body, and a constant so that empty messages count as
/// well.
#[inline]
pub(super) fn bytes(message: &Message) -> usize {
    message.len() + LONG_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_split_off_a_list_begin_within_the_limit() {
        let mut list = MessageList::new(["a", "b", "c"].map(Message::from).into());
        assert_eq!(list.bytes, 30);
        let split = list.split_to(usize::MAX, 11);
        assert_eq!((split.messages.len(), split.bytes), (2, 20));
        assert_eq!((list.messages.len(), list.bytes), (1, 10));
        assert_eq!(list.split_to(0, usize::MAX).messages.len(), 0);
        assert_eq!(list.split_to(1, 100).messages.len(), 1);
        assert_eq!(list.bytes, 0);
    }
}
