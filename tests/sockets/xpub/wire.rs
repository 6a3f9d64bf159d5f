//! The bytes between an XPUB and remotes of other implementations.

use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Multipart, XPub};

use super::message_of_xsub;
use crate::events;
use crate::publishing::{bound, subscriber};
use crate::remote::{MORE, Remote, command, message};
use crate::watchdog::Watchdog;

/// Only a whole message of one part is a request, as in libzmq with `ZMQ_ONLY_FIRST_SUBSCRIBE` and
/// a message that ends with its first part.
#[tokio::test]
async fn other_messages_are_those_of_the_application() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::new();
    let endpoint = bound(&publisher).await;
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("XSUB").await;
    let mut parts = message(b"\x01not a subscription");
    parts[0] |= MORE;
    parts.extend(message(b"\x00not a cancellation"));
    for bytes in [message(b""), parts, message(b"\x02user"), message(b"user")] {
        remote.write(&bytes).await;
    }
    let expected: [Multipart; 4] = [
        "".into(),
        [&b"\x01not a subscription"[..], b"\x00not a cancellation"].into(),
        b"\x02user".into(),
        "user".into(),
    ];
    for message in expected {
        assert_eq!(message_of_xsub(&publisher).await, message);
    }
    assert_eq!(publisher.topics(), 0);
    assert_eq!(publisher.stats().received.messages, 4);
}

#[tokio::test]
async fn a_remote_with_too_many_requests_that_await_a_decision_is_disconnected() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().max_topics_per_remote(2).manual(true).build();
    let mut monitor = publisher.monitor();
    let mut remote = subscriber(&bound(&publisher).await, &["a", "b", "a"]).await;
    remote.write(&command("SUBSCRIBE", b"c")).await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooManyTopics), "{reason:?}");
    assert_eq!(publisher.stats().refused.too_many_topics, 1);
}

/// (libzmq `test_xpub_welcome_msg`.)
#[tokio::test]
async fn the_welcome_message_is_sent_first() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().welcome_message("W").build();
    let mut remote = Remote::dial(&bound(&publisher).await).await;
    remote.shake_hands("SUB").await;
    assert_eq!(remote.read_message().await, b"W");
}
