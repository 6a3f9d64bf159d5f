//! A message: one body, and where it came from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::{Bytes, BytesMut};

use crate::routing_id::RoutingId;

/// A message that is sent or was received: a body of any number of octets, and the remote it came
/// from or goes to.
///
/// A thread-safe socket sends and receives whole messages of one part (RFC 37, Thread-Safe Socket
/// Types), so a message is a body and nothing like a list of frames.
///
/// Cloning shares the body. `Message` derefs to `[u8]`, and is made from the usual owners of octets:
/// `&'static str`, `String`, `Vec<u8>`, `Box<[u8]>` and [`Bytes`] without a copy; `&[u8]`, arrays and
/// references to them with one. Two messages are equal when their bodies are.
///
/// A received body is a slice of the buffer that it was read into, and keeps that buffer (64 KiB, as
/// a rule) alive. A program that holds on to small messages for long takes a copy of its own with
/// [`detach`](Self::detach).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Message;
///
/// let message = Message::from("hello");
/// assert_eq!(message.len(), 5);
/// assert_eq!(message, "hello");
/// assert_eq!(&message[1..3], b"el");
/// ```
#[derive(Clone, Default)]
pub struct Message {
    body: Bytes,
    routing_id: Option<RoutingId>,
}

impl Message {
    /// Makes an empty message.
    #[must_use]
    pub const fn new() -> Self {
        Self { body: Bytes::new(), routing_id: None }
    }

    /// Sets the remote that the message goes to when it is sent through a `Server`'s
    /// [`Sink`](futures_sink::Sink); a received message carries the remote it came from.
    #[must_use]
    pub fn with_routing_id(mut self, id: RoutingId) -> Self {
        self.routing_id = Some(id);
        self
    }

    /// Frees the message from the buffer that it was read into, by copying the body into memory of
    /// its own.
    #[must_use]
    pub fn detach(self) -> Self {
        Self { body: Bytes::copy_from_slice(&self.body), ..self }
    }

    /// Returns the remote that the message came from or goes to; `None` on a `Client`.
    #[must_use]
    pub const fn routing_id(&self) -> Option<RoutingId> {
        self.routing_id
    }

    /// Turns the message into its body, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.body
    }

    /// Returns the body as text if it is UTF-8.
    ///
    /// # Errors
    ///
    /// The position of the first octet that is not UTF-8.
    pub fn to_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(&self.body)
    }

    /// A message that came in from the remote with this routing id.
    pub(crate) const fn received(body: Bytes, routing_id: Option<RoutingId>) -> Self {
        Self { body, routing_id }
    }

    pub(crate) const fn body(&self) -> &Bytes {
        &self.body
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.body
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.body[..self.body.len().min(DEBUG_OCTETS)];
        let mut debug = f.debug_struct("Message");
        debug.field("len", &self.body.len());
        debug.field("body", &format_args!("\"{}\"", shown.escape_ascii()));
        if let Some(id) = self.routing_id {
            debug.field("routing_id", &id);
        }
        debug.finish()
    }
}

impl Eq for Message {}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Message {
    fn eq(&self, other: &T) -> bool {
        *self.body == *other.as_ref()
    }
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.body.hash(state);
    }
}

impl From<()> for Message {
    fn from((): ()) -> Self {
        Self::new()
    }
}

impl From<Bytes> for Message {
    fn from(body: Bytes) -> Self {
        Self { body, routing_id: None }
    }
}

impl From<BytesMut> for Message {
    fn from(body: BytesMut) -> Self {
        Self::from(body.freeze())
    }
}

impl From<Vec<u8>> for Message {
    fn from(body: Vec<u8>) -> Self {
        Self::from(Bytes::from(body))
    }
}

impl From<Box<[u8]>> for Message {
    fn from(body: Box<[u8]>) -> Self {
        Self::from(Bytes::from(body))
    }
}

impl From<String> for Message {
    fn from(body: String) -> Self {
        Self::from(Bytes::from(body))
    }
}

impl From<&'static str> for Message {
    fn from(body: &'static str) -> Self {
        Self::from(Bytes::from_static(body.as_bytes()))
    }
}

impl From<&[u8]> for Message {
    fn from(body: &[u8]) -> Self {
        Self::from(Bytes::copy_from_slice(body))
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(body: &[u8; N]) -> Self {
        Self::from(body.as_slice())
    }
}

impl<const N: usize> From<[u8; N]> for Message {
    fn from(body: [u8; N]) -> Self {
        Self::from(body.as_slice())
    }
}

impl From<&Self> for Message {
    fn from(message: &Self) -> Self {
        message.clone()
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.body
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.body.into()
    }
}

/// How many octets of a body its `Debug` form shows.
const DEBUG_OCTETS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_equal_when_their_bodies_are() {
        let id = RoutingId::new(1).unwrap();
        assert_eq!(Message::from("a"), Message::from("a").with_routing_id(id));
        assert_ne!(Message::from("a"), Message::from("b"));
        assert_eq!(Message::from("a"), b"a");
    }

    #[test]
    fn an_owned_body_is_not_copied() {
        let body = vec![1_u8; 100];
        let address = body.as_ptr();
        let message = Message::from(body);
        assert_eq!(message.as_ptr(), address);
        let body = Vec::from(message);
        assert_eq!(body.as_ptr(), address);
    }

    #[test]
    fn detach_copies_the_body_and_keeps_the_routing_id() {
        let buffer = Bytes::from(vec![7_u8; 1_000]);
        let id = RoutingId::new(9);
        let message = Message::received(buffer.slice(..10), id).detach();
        assert_eq!(message, [7_u8; 10]);
        assert_eq!(message.routing_id(), id);
        assert!(buffer.is_unique());
    }

    #[test]
    fn debug_shows_the_beginning_of_a_body_only() {
        let shown = format!("{:?}", Message::from(vec![b'x'; 1_000]));
        assert!(shown.contains("len: 1000"));
        assert!(shown.len() < 200);
    }
}
