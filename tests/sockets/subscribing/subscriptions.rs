//! Subscriptions and connections that come and go.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use tokio_zmtp::Sub;
use tokio_zmtp::monitor::DisconnectReason;

use super::subscriber::{Subscriber, for_either_subscriber};
use super::{accept_as, connect_publisher, published};
use crate::events;
use crate::remote::{Remote, RemoteListener, ReservedPort};
use crate::watchdog::Watchdog;

for_either_subscriber!(
    thousands_of_subscriptions_precede_the_connection_and_survive_ten_reconnects
);

/// libzmq queues subscriptions as messages, and drops those above its high-water mark of 1,000: at
/// the first connection, and at each reconnect. (libzmq#2258, libzmq#4064)
async fn thousands_of_subscriptions_precede_the_connection_and_survive_ten_reconnects<
    S: Subscriber,
>() {
    const TOPICS: usize = 3_000;
    let _watchdog = Watchdog::start();
    for minor in [0, 1] {
        let port = ReservedPort::reserve();
        let builder = S::builder().recv_hwm(1).reconnect_interval(Duration::from_millis(1));
        let mut sub = builder.connect(port.endpoint()).await.unwrap();
        let mut expected = BTreeSet::new();
        for number in 0..TOPICS {
            let topic = format!("topic {number}");
            sub.subscribe(&topic);
            expected.insert(topic.into_bytes());
        }
        let listener = port.listen();
        for _ in 0..=10 {
            let mut remote = accept_as(&listener, "PUB", minor).await;
            let mut announced = BTreeSet::new();
            while announced.len() < TOPICS {
                let topic = read_subscription(&mut remote).await;
                assert!(announced.insert(topic), "each topic is announced once");
            }
            assert!(announced == expected);
            remote.write(&published("topic 2999", "body")).await;
            assert_eq!(sub.next().await.unwrap(), ["topic 2999", "body"]);
        }
    }
}

/// A SUB that has subscribed writes nothing, and would never detect it without heartbeats. Time is
/// paused: it advances only while all tasks wait for timers.
#[tokio::test(start_paused = true)]
async fn a_publisher_that_falls_silent_is_reported_and_subscribed_to_again() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let sub = Sub::builder()
        .subscribe("a".parse().unwrap())
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_millis(500))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut monitor = sub.monitor();
    let mut silent = accept_as(&listener, "PUB", 1).await;
    assert_eq!(read_subscription(&mut silent).await, b"a");
    silent.write(&published("a", "1")).await;
    assert_eq!(sub.recv().await.unwrap(), ["a", "1"]);
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");

    let mut next = accept_as(&listener, "PUB", 1).await;
    assert_eq!(read_subscription(&mut next).await, b"a");
    next.write(&published("a", "2")).await;
    assert_eq!(sub.recv().await.unwrap(), ["a", "2"]);
}

#[tokio::test]
async fn every_remote_is_told_all_subscriptions_and_later_the_changes() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let sub = Sub::builder()
        .subscribe("first".parse().unwrap())
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    sub.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut dialed = listener.accept_as("PUB").await;
    let mut accepted = connect_publisher(&sub, "PUB").await;
    for remote in [&mut dialed, &mut accepted] {
        assert_eq!(read_subscription(remote).await, b"first");
    }
    sub.subscribe("second").unwrap();
    for remote in [&mut dialed, &mut accepted] {
        assert_eq!(read_subscription(remote).await, b"second");
    }
    drop(dialed);
    sub.unsubscribe("first");
    assert_eq!(accepted.read_frame().await.1, b"\x06CANCELfirst");
    let mut dialed = listener.accept_as("PUB").await;
    // Depending on when the connection ended, the change came before it or after it.
    let mut announced = BTreeSet::new();
    while announced != BTreeSet::from([b"second".to_vec()]) {
        let (_, command) = dialed.read_frame().await;
        match command.strip_prefix(b"\x09SUBSCRIBE") {
            Some(topic) => assert!(announced.insert(topic.to_vec())),
            None => assert!(announced.remove(command.strip_prefix(b"\x06CANCEL").unwrap())),
        }
    }
}

/// A socket that binds announces its subscriptions without being used. (libzmq#2267)
#[tokio::test]
async fn a_publisher_that_connects_is_told_the_subscriptions_of_an_idle_socket() {
    let _watchdog = Watchdog::start();
    let sub = Sub::builder().subscribe("".parse().unwrap()).build();
    sub.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&sub, "PUB").await;
    assert_eq!(read_subscription(&mut remote).await, b"");
}

/// Reads a subscription in either form, and returns its topic.
async fn read_subscription(remote: &mut Remote) -> Vec<u8> {
    let (_, body) = remote.read_frame().await;
    let topic = body.strip_prefix(b"\x09SUBSCRIBE").or_else(|| body.strip_prefix(b"\x01"));
    topic.unwrap().to_vec()
}
