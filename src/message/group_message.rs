//! A message of a group: its group and its body.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::{Bytes, BytesMut};
use zmtp_proto::frame::{SHORT_LENGTH, SHORT_MESSAGE, SHORT_PART};
use zmtp_proto::group::Group;
use zmtp_proto::message_shape::{
    group_message_len, last_part, put_group_message, split_first_part,
};

use super::{AnyMessage, DebugBody, Message};

/// A message of a group: what a [`Radio`](crate::Radio) sends and a [`Dish`](crate::Dish) receives.
///
/// It dereferences to its body. It is encoded when it is created, once for all members of the
/// group: clones share the encoded bytes, or copy them if group and body together have at most 68
/// bytes. Two messages are equal if their groups and their bodies are equal.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Group, GroupMessage};
///
/// let message = GroupMessage::new(&Group::try_from("weather")?, "rain");
/// assert_eq!(message.group(), "weather");
/// assert_eq!(&message[..], b"rain");
/// # Ok::<(), tokio_zmtp::GroupError>(())
/// ```
#[derive(Clone)]
pub struct GroupMessage(
    /// The two frames of the message, back to back.
    Message,
);

impl GroupMessage {
    /// Creates a message of a group, with a copy of the body.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Group, GroupMessage};
    ///
    /// let message = GroupMessage::new(&Group::try_from("weather")?, "rain");
    /// # Ok::<(), tokio_zmtp::GroupError>(())
    /// ```
    #[must_use]
    pub fn new(group: &Group, body: impl AsRef<[u8]>) -> Self {
        let (name, body) = (group.as_bytes(), body.as_ref());
        let len = group_message_len(name.len(), body.len());
        if len > Message::SHORT {
            let mut frames = BytesMut::with_capacity(len);
            put_group_message(&mut frames, group, body);
            return Self(Message::from(frames));
        }
        let lens = [name.len(), body.len()].map(|len| u8::try_from(len).unwrap_or(u8::MAX));
        let mut frames = [0; Message::SHORT];
        let (first, second) = frames[..len].split_at_mut(SHORT_LENGTH + name.len());
        first[..SHORT_LENGTH].copy_from_slice(&[SHORT_PART, lens[0]]);
        first[SHORT_LENGTH..].copy_from_slice(name);
        second[..SHORT_LENGTH].copy_from_slice(&[SHORT_MESSAGE, lens[1]]);
        second[SHORT_LENGTH..].copy_from_slice(body);
        Self(Message::short(frames, len, None))
    }

    /// Returns the group.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(dish: tokio_zmtp::Dish) -> Result<(), Box<dyn std::error::Error>> {
    /// let message = dish.recv().await?;
    /// println!("{} bytes in the group {}", message.len(), message.group());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn group(&self) -> Group {
        let group = split_first_part(&self.0).map(|(group, _)| group);
        group.and_then(|group| Group::try_from(group).ok()).unwrap_or_default()
    }

    /// Converts the message into its body. A long body is not copied, and keeps the whole message
    /// alive.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(dish: tokio_zmtp::Dish, scatter: tokio_zmtp::Scatter)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let message = dish.recv().await?;
    /// scatter.send(message.into_body()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_body(self) -> Message {
        self.0.tail(self.body_start())
    }

    /// Converts the message into its body; copies only a short one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Group, GroupMessage};
    ///
    /// let message = GroupMessage::new(&Group::try_from("weather")?, "rain");
    /// assert_eq!(message.into_bytes(), "rain");
    /// # Ok::<(), tokio_zmtp::GroupError>(())
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.into_body().into_bytes()
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
    /// use tokio_zmtp::{Group, GroupMessage};
    ///
    /// let message = GroupMessage::new(&Group::try_from("weather")?, "rain");
    /// assert_eq!(message.to_str()?, "rain");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self)
    }

    /// Detaches the message from the buffer that it was read into, by copying it into memory of its
    /// own.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(dish: tokio_zmtp::Dish) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut history = Vec::new();
    /// while let Ok(message) = dish.recv().await {
    ///     history.push(message.detach());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn detach(self) -> Self {
        Self(self.0.detach())
    }

    /// Returns the frames of the message.
    #[inline]
    pub(crate) fn into_frames(self) -> Message {
        self.0
    }

    fn body_start(&self) -> usize {
        self.0.len() - self.len()
    }
}

impl Deref for GroupMessage {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let rest = split_first_part(&self.0).map(|(_, rest)| rest);
        rest.and_then(last_part).unwrap_or_default()
    }
}

impl AsRef<[u8]> for GroupMessage {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AnyMessage for GroupMessage {
    type Origin = ();

    #[inline]
    fn from_queue(frames: Message) -> Self {
        Self(frames)
    }

    #[inline]
    fn into_queue(self) -> Message {
        self.into_frames()
    }
}

impl PartialEq for GroupMessage {
    fn eq(&self, other: &Self) -> bool {
        self.group() == other.group() && **self == **other
    }
}

impl Eq for GroupMessage {}

impl Hash for GroupMessage {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.group().hash(state);
        (**self).hash(state);
    }
}

impl fmt::Debug for GroupMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GroupMessage");
        debug.field("group", &self.group()).field("len", &self.len());
        debug.field("body", &DebugBody(self)).finish()
    }
}

impl From<GroupMessage> for Message {
    fn from(message: GroupMessage) -> Self {
        message.into_body()
    }
}

impl From<GroupMessage> for Bytes {
    fn from(message: GroupMessage) -> Self {
        message.into_bytes()
    }
}

impl From<&Self> for GroupMessage {
    fn from(message: &Self) -> Self {
        message.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_takes_no_more_memory_than_its_frames() {
        assert_eq!(size_of::<GroupMessage>(), 80);
        assert_eq!(&*message("a", b"bc").into_frames(), b"\x01\x01a\x00\x02bc");
    }

    #[test]
    fn a_long_body_is_not_copied_when_it_is_taken_out() {
        let message = message("a", &[7; 1_000]);
        let address = message.as_ptr();
        assert_eq!(message.clone().into_bytes().as_ptr(), address);
        assert_eq!(message.into_body().as_ptr(), address);
    }

    #[test]
    fn messages_are_equal_when_their_groups_and_bodies_are() {
        assert_eq!(message("a", b"x"), message("a", b"x"));
        assert_ne!(message("a", b"x"), message("b", b"x"));
        assert_ne!(message("a", b"x"), message("a", b"y"));
    }

    #[test]
    fn debug_shows_the_group_and_the_beginning_of_the_body() {
        let shown = format!("{:?}", message("news", &[b'x'; 1_000]));
        assert!(
            shown.starts_with("GroupMessage { group: \"news\", len: 1000, body: \"xxx"),
            "{shown}"
        );
        assert!(shown.len() < 200);
    }

    proptest! {
        #[test]
        fn group_and_body_are_found_again(
            group in "[a-z]{0,255}",
            body in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let message = message(&group, &body);
            prop_assert_eq!(message.group(), group.as_str());
            prop_assert_eq!(&message[..], &body[..]);
            prop_assert_eq!(&message.clone().into_body()[..], &body[..]);
            prop_assert_eq!(&message.detach()[..], &body[..]);
        }
    }

    fn message(group: &str, body: &[u8]) -> GroupMessage {
        GroupMessage::new(&group.parse().unwrap(), body)
    }
}
