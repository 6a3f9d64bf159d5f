//! Messages on their way into an incoming queue.

use std::collections::VecDeque;

use zmtp_proto::batch::Batch;
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
    /// Read from a stream together.
    Framed(Batch),
    /// Sent within this process.
    Whole(MessageList),
}

/// Whole messages, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct MessageList {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl DeliveredMessages {
    /// Takes the oldest message.
    #[inline]
    pub(crate) fn pop(&mut self, routing_id: Option<RoutingId>) -> Option<Message> {
        match self {
            Self::Framed(batch) => match batch.pop_short() {
                Some((bytes, len)) => Some(Message::short(bytes, len, routing_id)),
                None => Some(Message::long(batch.pop()?, routing_id)),
            },
            Self::Whole(parcel) => parcel.pop().map(|message| message.routed(routing_id)),
        }
    }

    /// Splits off as many messages from the front as are within `messages` and begin within `bytes`.
    pub(crate) fn split_to(&mut self, messages: usize, bytes: usize) -> Self {
        match self {
            Self::Framed(batch) => Self::Framed(batch.split_to(messages, bytes)),
            Self::Whole(parcel) => Self::Whole(parcel.split_to(messages, bytes)),
        }
    }

    #[inline]
    pub(crate) fn messages(&self) -> usize {
        match self {
            Self::Framed(batch) => batch.messages(),
            Self::Whole(parcel) => parcel.messages.len(),
        }
    }

    /// Returns the number of messages and their size: on the wire, or over `inproc` that of their
    /// bodies.
    pub(crate) fn volume(&self) -> Volume {
        let bytes = match self {
            Self::Framed(batch) => batch.wire_bytes(),
            Self::Whole(parcel) => parcel.bytes - parcel.messages.len() * LONG_LENGTH,
        };
        Volume { messages: self.messages() as u64, bytes: bytes as u64 }
    }

    /// Returns the length of the buffer that the messages are slices of.
    pub(super) const fn buffer(&self) -> usize {
        match self {
            Self::Framed(batch) => batch.buffer(),
            Self::Whole(_) => 0,
        }
    }

    /// The memory of each message beside its [`bytes`](Self::bytes).
    pub(super) const fn overhead(&self) -> usize {
        match self {
            Self::Framed(_) => 0,
            Self::Whole(_) => size_of::<Message>() - LONG_LENGTH,
        }
    }

    /// Returns the memory that the messages keep in bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Framed(batch) => batch.bytes(),
            Self::Whole(parcel) => parcel.bytes,
        }
    }
}

impl MessageList {
    pub(crate) fn new(messages: VecDeque<Message>) -> Self {
        let bytes = messages.iter().map(bytes).sum();
        Self { messages, bytes }
    }

    /// Releases the memory, which contains no messages any more.
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

/// The cost of a message: its body, and a constant so that empty ones count as well.
#[inline]
pub(super) fn bytes(message: &Message) -> usize {
    message.len() + LONG_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_off_a_parcel_begins_within_the_limit() {
        let mut parcel = MessageList::new(["a", "b", "c"].map(Message::from).into());
        assert_eq!(parcel.bytes, 30);
        let split = parcel.split_to(usize::MAX, 11);
        assert_eq!((split.messages.len(), split.bytes), (2, 20));
        assert_eq!((parcel.messages.len(), parcel.bytes), (1, 10));
        assert_eq!(parcel.split_to(0, usize::MAX).messages.len(), 0);
        assert_eq!(parcel.split_to(1, 100).messages.len(), 1);
        assert_eq!(parcel.bytes, 0);
    }
}
