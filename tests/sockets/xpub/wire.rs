//! The bytes between an XPUB and remotes of other implementations.

use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Multipart, XPub};

use super::{bound, message_of_xsub, requests};
use crate::events;
use crate::publishing::subscriber;
use crate::remote::{COMMAND, GREETING, MORE, Remote, command, message, ready};
use crate::watchdog::Watchdog;

/// The bytes of `test_mock_pub_sub` of libzmq, for a subscriber of each version.
#[tokio::test]
async fn remotes_of_both_versions_subscribe_and_cancel_in_both_forms() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::new();
    let endpoint = bound(&publisher).await;
    let forms: [[&[u8]; 2]; 2] =
        [[b"\x04\x0b\x09SUBSCRIBEA", b"\x04\x08\x06CANCELA"], [b"\x00\x02\x01A", b"\x00\x02\x00A"]];
    for minor in [0, 1] {
        for [subscribe, cancel] in forms {
            let mut remote = Remote::dial(&endpoint).await;
            let mut greeting = GREETING;
            greeting[11] = minor;
            remote.write(&greeting).await;
            remote.write(&ready("SUB")).await;
            assert_eq!(remote.read(GREETING.len()).await, GREETING);
            let (flags, body) = remote.read_frame().await;
            assert_eq!((flags, &body[..6]), (COMMAND, &b"\x05READY"[..]));

            remote.write(subscribe).await;
            assert_eq!(requests(&publisher).await, ["+A"]);
            publisher.send("ALOL").await.unwrap();
            publisher.send("not for it").await.unwrap();
            publisher.send(["A", "two"]).await.unwrap();
            assert_eq!(remote.read(14).await, b"\x00\x04ALOL\x01\x01A\x00\x03two");
            remote.write(cancel).await;
            assert_eq!(requests(&publisher).await, ["-A"]);
            assert_eq!(publisher.subscribers("A"), 0);
        }
    }
}

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
async fn a_remote_that_exceeds_a_limit_of_topics_is_disconnected() {
    let _watchdog = Watchdog::start();
    for manual in [false, true] {
        let publisher = XPub::builder().max_topics_per_remote(2).manual(manual).build();
        let endpoint = bound(&publisher).await;
        let mut monitor = publisher.monitor();
        let mut remote = subscriber(&endpoint, &["a", "b", "a"]).await;
        remote.write(&command("SUBSCRIBE", b"c")).await;
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::TooManyTopics), "{reason:?}");
        assert_eq!(publisher.stats().refused.too_many_topics, 1);
    }
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
