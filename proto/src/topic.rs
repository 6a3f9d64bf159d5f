//! The topic of a subscription (RFC 29).

use thiserror::Error;

use super::short_bytes::{ShortBytes, impl_short_bytes};

/// The topic of a subscription: up to 32 KiB of any bytes.
///
/// A subscription matches every message whose first part begins with its topic. The empty topic
/// matches all messages.
///
/// Cloning a topic is cheap: up to 22 bytes are stored inline, and longer topics are shared.
/// (libzmq does not limit the length of a topic.)
///
/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::topic::*; }
/// use tokio_zmtp::Topic;
///
/// let weather: Topic = "weather.".parse()?;
/// assert!(weather.matches(b"weather.london"));
/// assert!(!weather.matches(b"weather"));
/// assert!(Topic::default().matches(b"anything"));
/// # Ok::<(), tokio_zmtp::TopicError>(())
/// ```
#[derive(Clone)]
pub struct Topic(ShortBytes);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::topic::*; }
/// use tokio_zmtp::Topic;
///
/// assert!(Topic::try_from(vec![0x00; Topic::LEN_MAX + 1]).is_err());
/// let weather = Topic::try_from("weather")?;
/// assert_eq!(weather.as_bytes(), b"weather");
/// assert_eq!(weather.to_str(), Ok("weather"));
/// assert!(weather.matches(b"weather.london"));
/// # Ok::<(), tokio_zmtp::TopicError>(())
/// ```
impl Topic {
    /// The length of the longest topic in bytes. It keeps a subscription within the limit of a
    /// command, 64 KiB.
    pub const LEN_MAX: usize = 0x8000;

    /// Returns the bytes of the topic.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Returns whether a message whose first part is `part` matches.
    #[must_use]
    #[inline]
    pub fn matches(&self, part: &[u8]) -> bool {
        part.starts_with(self.as_bytes())
    }

    /// Returns the topic as text if it is UTF-8.
    ///
    /// # Errors
    ///
    /// The position of the first byte that is not UTF-8.
    pub fn to_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }
}

impl TryFrom<&[u8]> for Topic {
    type Error = TopicError;

    fn try_from(bytes: &[u8]) -> Result<Self, TopicError> {
        if bytes.len() > Self::LEN_MAX {
            return Err(TopicError::TooLong { len: bytes.len() });
        }
        Ok(Self(ShortBytes::new(bytes)))
    }
}

impl_short_bytes!(Topic, TopicError);

/// The reason why bytes are not a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The topic is longer than 32 KiB.
    #[error("a topic of {len} bytes exceeds the limit of {}", Topic::LEN_MAX)]
    TooLong {
        /// The length of the topic in bytes.
        len: usize,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_topic_has_up_to_32_kib_of_any_bytes() {
        for len in [0, 1, 22, 23, 255, 256, Topic::LEN_MAX] {
            let bytes = vec![0x00; len];
            assert_eq!(Topic::try_from(&bytes[..]).unwrap(), bytes);
        }
        let len = Topic::LEN_MAX + 1;
        assert_eq!(Topic::try_from("x".repeat(len)), Err(TopicError::TooLong { len }));
    }

    #[test]
    fn a_topic_is_found_by_its_bytes() {
        let all = ["weather", "", "a topic of more bytes than are stored inline"];
        let topics: HashSet<Topic> = all.iter().map(|text| text.parse().unwrap()).collect();
        assert!(all.iter().all(|text| topics.contains(text.as_bytes())));
        assert!(!topics.contains(&b"weathe"[..]));
    }

    #[test]
    fn control_characters_are_not_displayed() {
        let topic = Topic::try_from("go\x1B[2J").unwrap();
        assert_eq!(topic.to_string(), "go\\x1b[2J");
        assert_eq!(format!("{topic:?}"), "\"go\\x1b[2J\"");
    }

    #[test]
    fn a_short_topic_takes_no_more_memory_than_documented() {
        assert_eq!(size_of::<Topic>(), 24);
    }

    proptest! {
        #[test]
        fn topics_are_ordered_like_their_bytes(
            a in prop::collection::vec(any::<u8>(), 0..40),
            b in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let [first, second] = [&a, &b].map(|bytes| Topic::try_from(&bytes[..]).unwrap());
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first == second, a == b);
        }

        #[test]
        fn a_topic_matches_what_begins_with_it(
            topic in prop::collection::vec(0..2_u8, 0..4),
            part in prop::collection::vec(0..2_u8, 0..6),
        ) {
            let begins = part.len() >= topic.len() && part[..topic.len()] == topic[..];
            prop_assert_eq!(Topic::try_from(topic).unwrap().matches(&part), begins);
        }
    }
}
