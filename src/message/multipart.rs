//! A message of one or more parts.

mod conversions;
mod encoder;
mod part;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Index;
use std::vec;

use bytes::Bytes;
use zmtp_proto::frame::frame_len;
use zmtp_proto::message_shape::{MessageParts, parts, split_first_part};

use self::encoder::Encoder;
pub use self::part::Part;
use super::{AnyMessage, DebugBody, Message};

/// A message of one or more parts: what the classic socket types, such as [`Push`](crate::Push)
/// and [`Pull`](crate::Pull), send and receive.
///
/// A message is sent and received whole: all of its parts, or none (RFC 37, Framing). The
/// application defines what the parts mean.
///
/// Every [`Part`], such as text, bytes or a [`Message`], becomes a message of one part. Arrays and
/// `Vec`s of parts, and tuples of two to eight parts of different types, become a message of
/// several parts. An iterator whose items are bytes can be collected into a message. A message has
/// at least one part: an empty array, `Vec` or iterator becomes one empty part. Two messages are
/// equal if their parts are equal.
///
/// The parts are copied and encoded once, when the message is created. A short message, of up to 72
/// bytes including two for each part, is stored without an allocation; clones of a longer one share
/// its memory. A long received message is a slice of the buffer that it was read into, and keeps
/// that buffer (usually 64 KiB) alive. A program that stores such messages for a long time should
/// copy them with [`detach`](Self::detach).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Multipart;
///
/// let message = Multipart::from(["resize", "image 7"]);
/// assert_eq!(message.len(), 2);
/// assert_eq!(&message[1], b"image 7");
/// assert_eq!(Multipart::from("ping"), ["ping"]);
///
/// let name = String::from("image 8");
/// assert_eq!(Multipart::from(["resize", &name]), ["resize", "image 8"]);
/// assert_eq!(Multipart::from(("ok", &message[1], vec![7_u8])), [&b"ok"[..], b"image 7", &[7]]);
///
/// let numbers: Multipart = (1..=3).map(|number: u8| number.to_be_bytes()).collect();
/// assert_eq!(numbers, [[1], [2], [3]]);
/// ```
#[derive(Clone)]
pub struct Multipart(
    /// The frames of the message, back to back.
    Message,
);

impl Multipart {
    /// Creates a message of one empty part.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// assert_eq!(Multipart::new(), [""]);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::of_one(&[])
    }

    /// Detaches the message from the buffer that it was read into, by copying it into memory of its
    /// own.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(pull: tokio_zmtp::Pull) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut history = Vec::new();
    /// while let Ok(message) = pull.recv().await {
    ///     history.push(message.detach());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn detach(self) -> Self {
        Self(self.0.detach())
    }

    /// Returns the number of parts, at least one. Takes time proportional to it.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// assert_eq!(Multipart::from(["a", "", "b"]).len(), 3);
    /// ```
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a message has at least one part")]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Returns the part at an index, counted from zero, or `None` if there is no such part. Skips
    /// the parts before it: a loop over all parts should use [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// let message = Multipart::from(["resize", "image 7"]);
    /// assert_eq!(message.get(1), Some(&b"image 7"[..]));
    /// assert_eq!(message.get(2), None);
    /// ```
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        self.iter().nth(at)
    }

    /// Returns the first part.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// assert_eq!(Multipart::from(["resize", "image 7"]).first(), b"resize");
    /// ```
    #[must_use]
    #[inline]
    pub fn first(&self) -> &[u8] {
        self.iter().next().unwrap_or_default()
    }

    /// Returns the last part, which is also the first if there is only one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// assert_eq!(Multipart::from(["resize", "image 7"]).last(), b"image 7");
    /// ```
    #[must_use]
    #[inline]
    pub fn last(&self) -> &[u8] {
        self.iter().last().unwrap_or_default()
    }

    /// Returns the parts in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// let message = Multipart::from(["resize", "image 7"]);
    /// let lengths: Vec<_> = message.iter().map(|part| part.len()).collect();
    /// assert_eq!(lengths, [6, 7]);
    /// ```
    #[must_use]
    #[inline]
    pub fn iter(&self) -> MessageParts<'_> {
        parts(&self.0)
    }

    /// Converts the message into its parts. They share the memory of a long message: each keeps all
    /// of it alive. A program that stores one part for a long time should copy it, with
    /// [`to_vec`](slice::to_vec).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Multipart;
    ///
    /// let parts = Multipart::from(["resize", "image 7"]).into_parts();
    /// assert_eq!(parts, ["resize", "image 7"]);
    /// ```
    #[must_use]
    pub fn into_parts(self) -> Vec<Bytes> {
        let frames = self.0.into_bytes();
        parts(&frames).map(|part| frames.slice_ref(part)).collect()
    }

    /// Returns the frames of the message, back to back.
    #[inline]
    pub(crate) fn frames(&self) -> &[u8] {
        &self.0
    }

    /// Returns the form that queues hold of a message with one more part in front.
    pub(crate) fn prepend(first: &[u8], frames: &Message) -> Message {
        let mut encoder = Encoder::with_capacity(frame_len(first.len()) + frames.len());
        encoder.put(first);
        parts(frames).for_each(|part| encoder.put(part));
        encoder.finish()
    }

    /// Returns the form that queues hold of a message without its first part. `None` if it has no
    /// other.
    pub(crate) fn without_first(frames: &Message) -> Option<Message> {
        let (_, rest) = split_first_part(frames)?;
        Some(frames.tail(frames.len() - rest.len()))
    }

    #[inline]
    fn of_one(body: &[u8]) -> Self {
        let mut encoder = Encoder::new();
        encoder.put(body);
        Self(encoder.finish())
    }
}

impl Default for Multipart {
    fn default() -> Self {
        Self::new()
    }
}

/// Skips the parts before the index, as [`get`](Multipart::get) does.
///
/// # Panics
///
/// The message has no such part.
impl Index<usize> for Multipart {
    type Output = [u8];

    fn index(&self, at: usize) -> &[u8] {
        self.get(at).expect("the message has a part at this index")
    }
}

impl<'a> IntoIterator for &'a Multipart {
    type Item = &'a [u8];
    type IntoIter = MessageParts<'a>;

    fn into_iter(self) -> MessageParts<'a> {
        self.iter()
    }
}

impl IntoIterator for Multipart {
    type Item = Bytes;
    type IntoIter = vec::IntoIter<Bytes>;

    fn into_iter(self) -> vec::IntoIter<Bytes> {
        self.into_parts().into_iter()
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("len", &self.len())
            .field("parts", &DebugParts(self.iter()))
            .finish()
    }
}

/// Formats the first parts of a message.
struct DebugParts<'a>(MessageParts<'a>);

impl fmt::Debug for DebugParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.clone().take(DEBUG_PARTS).map(DebugBody)).finish()
    }
}

impl AnyMessage for Multipart {
    type Origin = ();

    #[inline]
    fn from_queue(frames: Message) -> Self {
        Self(frames)
    }

    #[inline]
    fn into_queue(self) -> Message {
        self.0
    }
}

impl Eq for Multipart {}

impl PartialEq for Multipart {
    fn eq(&self, other: &Self) -> bool {
        // Remotes may use longer headers than necessary.
        *self.0 == *other.0 || self.iter().eq(other.iter())
    }
}

impl<P: AsRef<[u8]>> PartialEq<[P]> for Multipart {
    fn eq(&self, other: &[P]) -> bool {
        self.iter().eq(other.iter().map(AsRef::as_ref))
    }
}

impl<P: AsRef<[u8]>, const N: usize> PartialEq<[P; N]> for Multipart {
    fn eq(&self, other: &[P; N]) -> bool {
        *self == other[..]
    }
}

impl<P: AsRef<[u8]>> PartialEq<Vec<P>> for Multipart {
    fn eq(&self, other: &Vec<P>) -> bool {
        *self == other[..]
    }
}

impl Hash for Multipart {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in self {
            part.hash(state);
        }
    }
}

/// Does the same as [`Multipart::into_parts`].
impl From<Multipart> for Vec<Bytes> {
    fn from(message: Multipart) -> Self {
        message.into_parts()
    }
}

/// The number of parts in the `Debug` output of a message.
const DEBUG_PARTS: usize = 8;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_messages_are_stored_in_place() {
        let longest = [7; Message::SHORT - 2];
        for (message, is_shared) in [
            (Multipart::new(), false),
            (Multipart::from(&longest[..]), false),
            (Multipart::from([&longest[..20], &longest[..30], b"", b"12345678901234"]), false),
            (Multipart::from(vec![7; Message::SHORT - 1]), true),
            (Multipart::from([&longest[..20], &longest[..30], b"", b"123456789012345"]), true),
        ] {
            assert_eq!(message.0.shared_body().is_some(), is_shared, "{message:?}");
        }
    }

    #[test]
    fn everything_that_converts_to_a_part_converts_to_a_message() {
        let text = String::from("text");
        let same: [Multipart; 12] = [
            "text".into(),
            text.as_str().into(),
            text.clone().into(),
            (&text).into(),
            text.as_bytes().into(),
            text.as_bytes().to_vec().into(),
            Box::<[u8]>::from(text.as_bytes()).into(),
            Bytes::from("text").into(),
            BytesMut::from("text").into(),
            b"text".into(),
            (*b"text").into(),
            Message::from("text").into(),
        ];
        for message in same {
            assert_eq!(message, ["text"]);
        }
        assert_eq!(Multipart::from(()), [""]);
        assert_eq!(Multipart::from(Vec::<Bytes>::new()), [""]);
        assert_eq!(Vec::<&str>::new().into_iter().collect::<Multipart>(), [""]);
        assert_eq!(Multipart::from(vec!["a".to_owned(), "b".to_owned()]), vec!["a", "b"]);
    }

    #[test]
    fn arrays_and_tuples_of_parts_that_live_shorter_than_the_program_convert_to_a_message() {
        let text = String::from("text");
        let bytes = Bytes::from(text.clone());
        let part = Multipart::from(["first", &text]);
        for message in [
            Multipart::from(["text", &text]),
            Multipart::from([&text, &text]),
            Multipart::from([&*text; 2]),
            Multipart::from(vec![&*text, "text"]),
            Multipart::from(vec![&bytes, &bytes]),
            Multipart::from(("text", &part[1])),
            Multipart::from((text.clone(), bytes.clone())),
            Multipart::from((b"text", Message::from("text"))),
        ] {
            assert_eq!(message, ["text", "text"]);
        }
        let all = ("a", b"b", *b"c", &text, (), vec![7; 100], &bytes, Message::from("h"));
        let expected: [&[u8]; 8] = [b"a", b"b", b"c", b"text", b"", &[7; 100], b"text", b"h"];
        assert_eq!(Multipart::from(all), expected);
    }

    #[test]
    fn messages_with_equal_parts_are_equal_regardless_of_headers() {
        let long = &b"\x03\0\0\0\0\0\0\0\x01a\x02\0\0\0\0\0\0\0\x00"[..];
        let received = Multipart::from_queue(Message::from(long));
        assert_eq!(received, Multipart::from(["a", ""]));
        assert_ne!(received, Multipart::from(["a"]));
        assert_ne!(received, Multipart::from(["a", "", ""]));
        assert_ne!(Multipart::from(["ab", ""]), Multipart::from(["a", "b"]));
    }

    #[test]
    fn parts_share_the_memory_of_a_long_message() {
        let message = Multipart::from([vec![1; 100], vec![2; 100]]);
        let address = message[1].as_ptr();
        assert_eq!(message.clone().into_parts()[1].as_ptr(), address);
        assert_eq!(Vec::<Bytes>::from(message)[1].as_ptr(), address);
    }

    #[test]
    fn debug_shows_the_beginning_of_a_message_only() {
        let message: Multipart = (0..10_000).map(|_| [b'x'; 1_000]).collect();
        let shown = format!("{message:?}");
        assert!(shown.contains("len: 10000"));
        assert!(shown.len() < 1_000);
    }

    proptest! {
        #[test]
        fn the_parts_of_a_message_are_those_it_was_created_from(
            sent in vec(vec(any::<u8>(), 0..300), 1..8),
        ) {
            let collected: Multipart = sent.iter().collect();
            prop_assert_eq!(&collected, &Multipart::from(sent.clone()));
            prop_assert_eq!(&collected, &sent);
            prop_assert_eq!((collected.len(), collected.iter().len()), (sent.len(), sent.len()));
            prop_assert_eq!(collected.first(), &sent[0]);
            prop_assert_eq!(collected.last(), &sent[sent.len() - 1]);
            for (at, part) in sent.iter().enumerate() {
                prop_assert_eq!(&collected[at], part);
            }
            prop_assert_eq!(collected.get(sent.len()), None);
            let detached = collected.clone().detach();
            prop_assert_eq!(&detached, &collected);
            prop_assert_eq!(collected.into_parts(), sent);
        }
    }
}
