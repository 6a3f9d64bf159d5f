//! The bytes between a SUB and publishers of other implementations.

use std::time::Duration;

use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Sub, Topic};

use super::{accept_as, connect_publisher, published};
use crate::events;
use crate::remote::{COMMAND, Remote, RemoteListener, command, message, ping};
use crate::watchdog::Watchdog;

/// Corresponds to `test_mock_pub_sub` of libzmq, with a PUB of ZMTP 3.1.
#[tokio::test]
async fn a_remote_of_zmtp_3_1_is_sent_commands() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(1).await;
    sub.subscribe("A").unwrap();
    assert_eq!(remote.read(13).await, b"\x04\x0B\x09SUBSCRIBEA");
    remote.write(b"\x00\x04ALOL").await;
    assert_eq!(sub.recv().await.unwrap(), ["ALOL"]);
    assert!(sub.unsubscribe("A"));
    assert_eq!(remote.read(10).await, b"\x04\x08\x06CANCELA");
    sub.subscribe("").unwrap();
    assert_eq!(remote.read(12).await, b"\x04\x0A\x09SUBSCRIBE");
}

/// Corresponds to `test_mock_pub_sub` of libzmq, with a PUB of ZMTP 3.0.
#[tokio::test]
async fn a_remote_of_zmtp_3_0_is_sent_messages() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(0).await;
    sub.subscribe("A").unwrap();
    assert_eq!(remote.read(4).await, b"\x00\x02\x01A");
    remote.write(b"\x00\x04ALOL").await;
    assert_eq!(sub.recv().await.unwrap(), ["ALOL"]);
    assert!(sub.unsubscribe("A"));
    assert_eq!(remote.read(4).await, b"\x00\x02\x00A");
    sub.subscribe("").unwrap();
    assert_eq!(remote.read(3).await, b"\x00\x01\x01");
    // It is not sent a PING, but one is answered.
    remote.write(&ping(b"context")).await;
    assert_eq!(remote.read_frame().await, (COMMAND, b"\x04PONGcontext".to_vec()));
}

/// libzmq 4.3.3 and 4.3.4 damage the connection by topics of 246 to 255 bytes, and libzmq 4.3.5 by
/// one of 255 bytes for a remote of ZMTP 3.0.
#[tokio::test]
async fn topics_of_every_frame_size_are_sent_in_both_forms() {
    let _watchdog = Watchdog::start();
    for minor in [0, 1] {
        let (sub, mut remote) = sub_and_remote(minor).await;
        for len in [0, 1, 245, 246, 254, 255, 256, Topic::LEN_MAX] {
            let topic = vec![7; len];
            sub.subscribe(&topic).unwrap();
            let sent = match minor {
                0 => message(&[&[0x01], &topic[..]].concat()),
                _ => command("SUBSCRIBE", &topic),
            };
            assert!(remote.read(sent.len()).await == sent, "a topic of {len} bytes");
        }
    }
}

#[tokio::test]
async fn a_topic_is_sent_once_and_cancelled_after_as_many_calls() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(1).await;
    sub.subscribe("a").unwrap();
    sub.subscribe("a").unwrap();
    assert!(sub.unsubscribe("a"));
    assert!(!sub.unsubscribe("b"), "the socket has not subscribed to it");
    sub.subscribe("c").unwrap();
    let mut sent = Vec::new();
    while sent != [subscribe("a"), subscribe("c")] {
        sent.push(remote.read_frame().await);
    }
    assert!(sub.unsubscribe("a"));
    assert_eq!(remote.read_frame().await, (COMMAND, b"\x06CANCELa".to_vec()));
    assert!(!sub.unsubscribe("a"));
    assert_eq!(sub.subscriptions(), ["c"]);
}

#[tokio::test]
async fn a_topic_that_is_too_long_is_refused() {
    let sub = Sub::new();
    let long = vec![7; Topic::LEN_MAX + 1];
    let error = sub.subscribe(&long).unwrap_err();
    assert_eq!(error.to_string(), "a topic of 32769 bytes exceeds the limit of 32768");
    assert!(!sub.unsubscribe(&long));
    assert!(sub.subscriptions().is_empty());
}

/// An XPUB is not distinguished from a PUB, and one that refuses the socket ends the connection.
#[tokio::test]
async fn a_publisher_can_refuse_a_subscriber() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let sub = Sub::builder().connect(listener.endpoint()).await.unwrap();
    let mut monitor = sub.monitor();
    let mut remote = listener.accept_as("XPUB").await;
    remote.write(&command("ERROR", b"\x06denied")).await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::Refused { .. }), "{reason:?}");
}

#[tokio::test]
async fn a_message_is_visible_when_its_last_part_has_arrived() {
    let _watchdog = Watchdog::start();
    let sub = Sub::builder().subscribe("a".parse().unwrap()).build();
    sub.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&sub, "PUB").await;
    assert_eq!(remote.read_frame().await, subscribe("a"));
    let frames = published("abc", "body");
    for byte in &frames {
        assert!(futures::poll!(Box::pin(sub.recv())).is_pending());
        remote.write(&[*byte]).await;
    }
    assert_eq!(sub.recv().await.unwrap(), ["abc", "body"]);
}

/// Creates a SUB that is connected to a scripted PUB that announces ZMTP 3.`minor`.
async fn sub_and_remote(minor: u8) -> (Sub, Remote) {
    let listener = RemoteListener::bind();
    let builder = Sub::builder().heartbeat_interval(Duration::from_secs(60));
    let sub = builder.connect(listener.endpoint()).await.unwrap();
    let remote = accept_as(&listener, "PUB", minor).await;
    (sub, remote)
}

fn subscribe(topic: &str) -> (u8, Vec<u8>) {
    (COMMAND, [b"\x09SUBSCRIBE", topic.as_bytes()].concat())
}
