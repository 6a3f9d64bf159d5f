//! Subscriptions as messages: their form in ZMTP 3.0 and earlier.
//!
//! | | Subscribe | Cancel |
//! |---|---|---|
//! | ZMTP 3.0 (RFC 23, The Publish-Subscribe Pattern) | message `01 topic` | message `00 topic` |
//! | ZMTP 3.1 (RFC 37, The Publish-Subscribe Pattern) | command SUBSCRIBE | command CANCEL |
//!
//! A remote of ZMTP 3.0 ignores the commands. libzmq accepts both forms from every remote, and so
//! does a [`TrafficDecoder`](crate::traffic::TrafficDecoder) with
//! [subscriptions](crate::traffic::TrafficDecoder::with_subscriptions).

use super::command::Command;
use super::greeting::Version;
use super::topic::{Topic, TopicError};

/// Returns the body of the message that a remote of `version` expects instead of a command, or
/// `None` if it is sent the command itself.
pub fn message_for(version: Version, command: &Command) -> Option<Vec<u8>> {
    if version >= Version::ZMTP_3_1 {
        return None;
    }
    match command {
        Command::Subscribe(topic) => Some(body(true, topic.as_bytes())),
        Command::Cancel(topic) => Some(body(false, topic.as_bytes())),
        _ => None,
    }
}

/// Returns the body of the message that subscribes to a topic, or that cancels a subscription.
#[must_use]
pub fn body(subscribes: bool, topic: &[u8]) -> Vec<u8> {
    let first = if subscribes { SUBSCRIBE } else { CANCEL };
    [&[first], topic].concat()
}

/// Returns the command that a message of one part with this `body` stands for, or `None` if it is
/// not a subscription or cancellation.
///
/// # Errors
///
/// The topic is too long.
pub fn command_of(body: &[u8]) -> Option<Result<Command, TopicError>> {
    let (&first, topic) = body.split_first()?;
    match first {
        SUBSCRIBE => Some(Topic::try_from(topic).map(Command::Subscribe)),
        CANCEL => Some(Topic::try_from(topic).map(Command::Cancel)),
        _ => None,
    }
}

/// Returns whether a message of one part with this `body` is a subscription or a cancellation.
#[inline]
pub const fn is_subscription(body: &[u8]) -> bool {
    matches!(body, [SUBSCRIBE | CANCEL, ..])
}

/// The first byte of a message that subscribes.
const SUBSCRIBE: u8 = 0x01;

/// The first byte of a message that cancels a subscription.
const CANCEL: u8 = 0x00;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    const ZMTP_3_0: Version = Version { major: 3, minor: 0 };

    /// libzmq `tests/test_mock_pub_sub.cpp`: the topic `A` in both versions.
    #[test]
    fn the_form_depends_on_the_version_of_the_remote() {
        let topic: Topic = "A".parse().unwrap();
        let (subscribe, cancel) = (Command::Subscribe(topic.clone()), Command::Cancel(topic));
        assert_eq!(message_for(ZMTP_3_0, &subscribe).unwrap(), b"\x01A");
        assert_eq!(message_for(ZMTP_3_0, &cancel).unwrap(), b"\x00A");
        for version in [Version::ZMTP_3_1, Version { major: 3, minor: 2 }] {
            assert_eq!(message_for(version, &subscribe), None);
            assert_eq!(message_for(version, &cancel), None);
        }
        let mut commands = BytesMut::new();
        subscribe.encode(&mut commands);
        cancel.encode(&mut commands);
        assert_eq!(commands, b"\x04\x0B\x09SUBSCRIBEA\x04\x08\x06CANCELA"[..]);
    }

    #[test]
    fn other_commands_have_no_other_form() {
        assert_eq!(message_for(ZMTP_3_0, &Command::Join("g".parse().unwrap())), None);
    }

    #[test]
    fn other_messages_are_not_subscriptions() {
        for body in [&b""[..], b"\x02A", b"A"] {
            assert_eq!(command_of(body), None);
            assert!(!is_subscription(body));
        }
    }

    #[test]
    fn a_topic_that_is_too_long_is_refused() {
        let len = Topic::LEN_MAX + 1;
        let body = vec![0x01; 1 + len];
        assert_eq!(command_of(&body), Some(Err(TopicError::TooLong { len })));
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(
            topic in prop::collection::vec(any::<u8>(), 0..40), subscribes: bool,
        ) {
            let topic = Topic::try_from(topic).unwrap();
            let command = if subscribes { Command::Subscribe(topic) } else { Command::Cancel(topic) };
            let body = message_for(ZMTP_3_0, &command).unwrap();
            prop_assert!(is_subscription(&body));
            prop_assert_eq!(command_of(&body), Some(Ok(command)));
        }
    }
}
