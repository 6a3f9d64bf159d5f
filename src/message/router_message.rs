//! A message with the identity of its remote.

use std::fmt;
use std::ops::Deref;

use zmtp_proto::identity::Identity;

use super::{AnyMessage, Message, Multipart};
use crate::remote::Remote;

/// A message with the identity of its remote: what a [`Router`](crate::Router) receives, and what
/// its [`Sink`](futures_sink::Sink) sends.
///
/// It dereferences to the message, whose parts are those that the remote sent: the identity is not
/// one of them. Two of them are equal if their identities and their parts are equal.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Identity, RouterMessage};
///
/// let message = RouterMessage::new(&Identity::try_from("worker")?, ["resize", "image 7"]);
/// assert_eq!(message.identity(), "worker");
/// assert_eq!(&message[1], b"image 7");
/// # Ok::<(), tokio_zmtp::IdentityError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RouterMessage {
    identity: Identity,
    message: Multipart,
}

impl RouterMessage {
    /// Creates a message for the remote with an identity.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Identity, RouterMessage};
    ///
    /// let message = RouterMessage::new(&Identity::try_from("worker")?, "hello");
    /// # Ok::<(), tokio_zmtp::IdentityError>(())
    /// ```
    #[must_use]
    pub fn new(identity: &Identity, message: impl Into<Multipart>) -> Self {
        Self { identity: identity.clone(), message: message.into() }
    }

    /// Returns the identity of the remote.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(router: tokio_zmtp::Router) -> Result<(), Box<dyn std::error::Error>> {
    /// let message = router.recv().await?;
    /// println!("{} parts from {}", message.len(), message.identity());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the message without the identity.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(router: tokio_zmtp::Router, push: tokio_zmtp::Push)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let message = router.recv().await?;
    /// push.send(message.into_message()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_message(self) -> Multipart {
        self.message
    }

    /// Splits this into the identity and the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(router: tokio_zmtp::Router) -> Result<(), Box<dyn std::error::Error>> {
    /// // An echo.
    /// let (identity, message) = router.recv().await?.split();
    /// router.route(&identity, message).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn split(self) -> (Identity, Multipart) {
        (self.identity, self.message)
    }

    /// Detaches the message from the buffer that it was read into, by copying it into memory of its
    /// own.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(router: tokio_zmtp::Router) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut history = Vec::new();
    /// while let Ok(message) = router.recv().await {
    ///     history.push(message.detach());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn detach(self) -> Self {
        Self { message: self.message.detach(), ..self }
    }
}

impl Deref for RouterMessage {
    type Target = Multipart;

    #[inline]
    fn deref(&self) -> &Multipart {
        &self.message
    }
}

impl AnyMessage for RouterMessage {
    const HAS_ORIGIN: bool = true;

    type Origin = Identity;

    #[inline]
    fn from_queue(frames: Message) -> Self {
        Self::received(frames, None)
    }

    #[inline]
    fn received(frames: Message, identity: Option<Identity>) -> Self {
        let identity = identity.unwrap_or_default();
        Self { identity, message: Multipart::from_queue(frames) }
    }

    #[inline]
    fn origin(remote: &Remote) -> Option<Identity> {
        remote.identity().cloned()
    }

    #[inline]
    fn into_queue(self) -> Message {
        self.message.into_queue()
    }

    #[inline]
    fn identified(self, identity: Identity) -> Self {
        Self { identity, ..self }
    }
}

impl fmt::Debug for RouterMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RouterMessage");
        debug.field("identity", &self.identity).field("message", &self.message).finish()
    }
}

impl From<RouterMessage> for Multipart {
    fn from(message: RouterMessage) -> Self {
        message.into_message()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_like_its_message() {
        let message = RouterMessage::new(&identity("a"), ["x", "y"]);
        assert_eq!(*message, ["x", "y"]);
        assert_eq!(message.iter().count(), 2);
        assert_eq!(message.clone().split(), (identity("a"), Multipart::from(["x", "y"])));
        assert_eq!(Multipart::from(message), ["x", "y"]);
    }

    #[test]
    fn messages_are_equal_when_their_identities_and_parts_are() {
        let message = RouterMessage::new(&identity("a"), "x");
        assert_eq!(message.clone().detach(), message);
        assert_ne!(RouterMessage::new(&identity("b"), "x"), message);
        assert_ne!(RouterMessage::new(&identity("a"), "y"), message);
    }

    #[test]
    fn debug_shows_the_identity() {
        let shown = format!("{:?}", RouterMessage::new(&identity("a\x1B"), "x"));
        assert!(shown.starts_with(r#"RouterMessage { identity: "a\x1b", message: "#), "{shown}");
    }

    fn identity(text: &str) -> Identity {
        text.parse().unwrap()
    }
}
