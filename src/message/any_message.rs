//! What all forms of messages have in common.

use zmtp_proto::identity::Identity;

use super::Message;
use crate::remote::Remote;

/// A message in the form in which users send and receive it. Queues hold it as one [`Message`].
pub(crate) trait AnyMessage: Sized {
    /// Whether a received message contains something of its remote.
    const HAS_ORIGIN: bool = false;

    /// The part of the remote that a received message contains.
    type Origin;

    /// Creates the message from its form in queues.
    fn from_queue(queued: Message) -> Self;

    /// Creates a received message from its form in queues, and what it contains of its remote.
    #[inline]
    fn received(queued: Message, _origin: Option<Self::Origin>) -> Self {
        Self::from_queue(queued)
    }

    /// Returns what a received message contains of its remote.
    #[inline]
    fn origin(_remote: &Remote) -> Option<Self::Origin> {
        None
    }

    /// Returns the form that queues hold.
    fn into_queue(self) -> Message;

    /// Adds the identity of the remote, if the message has one.
    fn identified(self, _identity: Identity) -> Self {
        self
    }
}

impl AnyMessage for Message {
    type Origin = ();

    #[inline]
    fn from_queue(queued: Message) -> Self {
        queued
    }

    #[inline]
    fn into_queue(self) -> Message {
        self
    }
}
