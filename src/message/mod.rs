//! A message: one body, and the routing id of its remote.

mod any_message;
mod group_message;
mod joined;
mod multipart;
mod router_message;
mod upstream;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::{Bytes, BytesMut};

pub(crate) use self::any_message::AnyMessage;
pub use self::group_message::GroupMessage;
pub use self::multipart::{Multipart, Part};
pub use self::router_message::RouterMessage;
pub(crate) use self::upstream::subscription_notice;
pub use self::upstream::{SubscriptionRequest, Upstream};
use crate::routing_id::RoutingId;

/// A message to send or a received message: a body of any length, and on a SERVER or PEER the
/// remote that it comes from or goes to.
///
/// A thread-safe socket sends and receives whole messages of one part (RFC 37, Thread-Safe Socket
/// Types), so a message is one body and not a list of frames. The classic types exchange
/// [`Multipart`]s instead.
///
/// `Message` dereferences to `[u8]` and converts from the usual owners of bytes: `&'static str`,
/// `String`, `Vec<u8>`, `Box<[u8]>`, [`Bytes`], `&[u8]`, arrays and references to them. Two
/// messages are equal if their bodies are equal.
///
/// A body of up to 72 bytes is stored inline: it needs no allocation and keeps no other memory
/// alive. A longer body is shared: it is not copied when it is cloned, created from an owned value,
/// or converted to [`Bytes`]. A long received body is a slice of the buffer that it was read into,
/// and keeps that buffer (usually 64 KiB) alive. A program that stores such messages for a long
/// time should copy them with [`detach`](Self::detach).
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
#[derive(Clone)]
pub struct Message(Inner);

/// A short inline body, or a long shared one.
///
/// Short bodies are copied, because that is cheaper than reference counting, on the sending thread
/// as well as on the receiving one.
#[derive(Clone)]
enum Inner {
    /// The first `len` of `bytes`; the rest has no meaning.
    Short {
        len: Len,
        routing_id: Option<RoutingId>,
        bytes: [u8; Message::SHORT],
    },
    Long {
        routing_id: Option<RoutingId>,
        body: Bytes,
    },
}

/// The length of a short body.
///
/// A `char` is the only type of four bytes with unused values. The compiler uses these for the
/// variants of [`Inner`] and of all enums that contain a message. With a discriminant of one byte,
/// the rest of its word is moved in pieces, and loads wait for the stores just made.
#[derive(Clone, Copy)]
struct Len(char);

impl Len {
    #[inline]
    const fn new(len: u8) -> Self {
        Self(len as char)
    }

    #[inline]
    const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Message {
    /// The longest inline body: it makes a `Message` 80 bytes.
    pub(crate) const SHORT: usize = 72;

    /// Creates an empty message.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Message;
    ///
    /// assert!(Message::new().is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(Inner::Short { len: Len::new(0), routing_id: None, bytes: [0; Self::SHORT] })
    }

    /// Sets the remote that the message goes to when it is sent through the
    /// [`Sink`](futures_sink::Sink) of a `Server` or a `Peer`; a received message carries the
    /// remote it came from.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::SinkExt;
    /// use tokio_zmtp::Message;
    ///
    /// # async fn example(mut server: tokio_zmtp::Server)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let id = server.recv().await?.routing_id().unwrap();
    /// server.send(Message::from("news").with_routing_id(id)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_routing_id(self, id: RoutingId) -> Self {
        self.routed(Some(id))
    }

    /// Detaches the message from the buffer that it was read into, by copying a long body.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(gather: tokio_zmtp::Gather) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut history = Vec::new();
    /// while let Ok(message) = gather.recv().await {
    ///     history.push(message.detach());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn detach(self) -> Self {
        Self::copied(&self).routed(self.routing_id())
    }

    /// Returns the remote that the message came from or goes to; `None` on sockets that do not
    /// address remotes, such as a `Client`.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = server.recv().await?;
    /// let client = request.routing_id().unwrap();
    /// server.route(client, "first of several replies").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn routing_id(&self) -> Option<RoutingId> {
        match self.0 {
            Inner::Short { routing_id, .. } | Inner::Long { routing_id, .. } => routing_id,
        }
    }

    /// Converts the message into its body. Only a short body is copied.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use tokio_zmtp::Message;
    ///
    /// let body = Bytes::from(vec![7; 1_000]);
    /// assert_eq!(Message::from(body.clone()).into_bytes(), body);
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Inner::Short { .. } => Bytes::copy_from_slice(&self),
            Inner::Long { body, .. } => body,
        }
    }

    /// Returns the body as text if it is UTF-8.
    ///
    /// # Errors
    ///
    /// The position of the first byte that is not UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Message;
    ///
    /// let number: u32 = Message::from("42").to_str()?.parse()?;
    /// assert_eq!(number, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self)
    }

    /// Creates a message with the first `len` of `bytes`, received from the remote with this
    /// routing id.
    #[inline]
    pub(crate) fn short(
        bytes: [u8; Self::SHORT],
        len: usize,
        routing_id: Option<RoutingId>,
    ) -> Self {
        let len = Len::new(u8::try_from(len.min(Self::SHORT)).unwrap_or_default());
        Self(Inner::Short { len, routing_id, bytes })
    }

    /// Creates a message received from the remote with this routing id.
    #[inline]
    pub(crate) const fn long(body: Bytes, routing_id: Option<RoutingId>) -> Self {
        Self(Inner::Long { routing_id, body })
    }

    /// Returns the bytes from `start` on: copied if they are short, shared otherwise. The result
    /// has no routing id.
    #[inline]
    pub(crate) fn tail(&self, start: usize) -> Self {
        match &self.0 {
            Inner::Long { body, .. } if body.len() - start > Self::SHORT => {
                Self(Inner::Long { routing_id: None, body: body.slice(start..) })
            }
            _ => Self::from(&self[start..]),
        }
    }

    /// Returns the same message with another routing id.
    #[inline]
    pub(crate) fn routed(mut self, id: Option<RoutingId>) -> Self {
        match &mut self.0 {
            Inner::Short { routing_id, .. } | Inner::Long { routing_id, .. } => *routing_id = id,
        }
        self
    }

    /// Returns the body for writing without a copy; `None` for a short one, which must be copied.
    pub(crate) const fn shared_body(&self) -> Option<&Bytes> {
        match &self.0 {
            Inner::Short { .. } => None,
            Inner::Long { body, .. } => Some(body),
        }
    }

    #[inline]
    fn copied(body: &[u8]) -> Self {
        if body.len() > Self::SHORT {
            return Self::long(Bytes::copy_from_slice(body), None);
        }
        let mut bytes = [0; Self::SHORT];
        bytes[..body.len()].copy_from_slice(body);
        Self::short(bytes, body.len(), None)
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Message {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Short { len, bytes, .. } => &bytes[..len.get()],
            Inner::Long { body, .. } => body,
        }
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Message");
        debug.field("len", &self.len()).field("body", &DebugBody(self));
        if let Some(id) = self.routing_id() {
            debug.field("routing_id", &id);
        }
        debug.finish()
    }
}

impl Eq for Message {}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Message {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl From<()> for Message {
    fn from((): ()) -> Self {
        Self::new()
    }
}

impl From<Bytes> for Message {
    #[inline]
    fn from(body: Bytes) -> Self {
        if body.len() <= Self::SHORT { Self::copied(&body) } else { Self::long(body, None) }
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

/// Copies the text.
impl From<&String> for Message {
    fn from(body: &String) -> Self {
        Self::copied(body.as_bytes())
    }
}

/// Shares the text, which is part of the program. For text with a shorter lifetime, copy
/// `text.as_bytes()`. The parts of a [`Multipart`] can have any lifetime.
impl From<&'static str> for Message {
    fn from(body: &'static str) -> Self {
        Self::from(Bytes::from_static(body.as_bytes()))
    }
}

impl From<&[u8]> for Message {
    #[inline]
    fn from(body: &[u8]) -> Self {
        Self::copied(body)
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
        message.into_bytes()
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.into_bytes().into()
    }
}

/// Formats the beginning of a body.
struct DebugBody<'a>(&'a [u8]);

impl fmt::Debug for DebugBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(DEBUG_BYTES)];
        write!(f, "\"{}\"", shown.escape_ascii())
    }
}

/// The bytes of a body in its `Debug` output.
const DEBUG_BYTES: usize = 64;

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
    fn a_short_body_takes_no_more_memory_than_documented() {
        assert_eq!(size_of::<Message>(), 80);
        assert_eq!(size_of::<Option<Option<Message>>>(), 80);
        for len in [0, 1, Message::SHORT, Message::SHORT + 1] {
            let body = vec![7; len];
            assert_eq!(Message::from(body.as_slice()), body);
            assert_eq!(Message::from(body.clone()).into_bytes(), body);
            assert_eq!(Message::from(body).shared_body().is_some(), len > Message::SHORT);
        }
    }

    #[test]
    fn a_long_owned_body_is_not_copied() {
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
        let message = Message::long(buffer.slice(..100), id).detach();
        assert_eq!(message, [7_u8; 100]);
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
