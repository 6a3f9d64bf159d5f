//! Messages of an XSUB to its publishers.

use std::time::Duration;

use futures::{FutureExt, SinkExt};
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Pub, SendError, TrySendError, XSub};

use crate::events;
use crate::remote::{LONGER_THAN_BUFFERS, RemoteListener};
use crate::subscribing::connect_publisher;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_message_goes_to_every_publisher() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let mut xsub = XSub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut accepted = connect_publisher(&xsub, "XPUB").await;
    accepted.sync().await;
    xsub.connect(listener.endpoint()).await.unwrap();
    // It is queued before the connection is established.
    xsub.send("first").await.unwrap();
    xsub.try_send("second").unwrap();
    SinkExt::<&str>::send(&mut xsub, "third").await.unwrap();
    xsub.feed(b"\x01a").await.unwrap();
    let mut dialed = listener.accept_as("XPUB").await;
    // The subscriptions of a new connection precede its messages.
    assert_eq!(dialed.read_frame().await.1, b"\x09SUBSCRIBEa");
    for expected in [b"first".as_slice(), b"second", b"third"] {
        assert_eq!(dialed.read_message().await, expected);
    }
    // A subscription does not wait for queued messages.
    let mut frames = Vec::new();
    while frames.len() < 4 {
        frames.push(accepted.read_frame().await.1);
    }
    let at = frames.iter().position(|frame| frame == b"\x09SUBSCRIBEa").unwrap();
    frames.remove(at);
    assert_eq!(frames, [b"first".as_slice(), b"second", b"third"]);
    assert_eq!(xsub.stats().dropped.missed, 0);
}

#[tokio::test]
async fn a_full_publisher_misses_messages_which_are_counted() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::builder().send_hwm(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = xsub.monitor();
    let mut stuck = connect_publisher(&xsub, "XPUB").await;
    stuck.sync().await;
    // The buffers of the system are full, so that no other message is taken from the queue.
    xsub.send(vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
    stuck.peek().await;
    let stuck_id = xsub.remotes().list()[0].connection_id();
    let mut reading = connect_publisher(&xsub, "XPUB").await;
    reading.sync().await;
    for number in ["1", "2", "3", "4", "5"] {
        xsub.send(["a", number]).await.unwrap();
        reading.read_frame().await;
        assert_eq!(reading.read_message().await, number.as_bytes());
    }
    assert_eq!(xsub.remotes().stats(stuck_id).unwrap().missed, 3);
    assert_eq!(xsub.stats().dropped.missed, 3);
    let (_, reported, _) = events::until_dropped(&mut monitor, 1, DropCause::QueueFull).await;
    assert_eq!(reported, Some(stuck_id));

    // Subscriptions have no limit.
    for number in 0..100 {
        xsub.send(format!("\x01{number}")).await.unwrap();
    }
    assert_eq!(xsub.stats().dropped.missed, 3);
    stuck.read_frame().await;
    let mut subscriptions = 0;
    let mut messages = Vec::new();
    while messages.len() < 4 || subscriptions < 100 {
        let (_, body) = stuck.read_frame().await;
        if body.starts_with(b"\x09SUBSCRIBE") {
            subscriptions += 1;
        } else {
            messages.push(body);
        }
    }
    assert_eq!(messages, [b"a", b"1", b"a", b"2"]);
}

#[tokio::test]
async fn sending_does_not_wait() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::builder().send_hwm(1).build();
    assert!(xsub.send("without a publisher").now_or_never().unwrap().is_ok());
    xsub.connect("tcp://127.0.0.1:1").await.unwrap();
    for missed in [0, 1, 2] {
        assert!(xsub.send("x").now_or_never().unwrap().is_ok());
        assert_eq!(xsub.stats().dropped.missed, missed);
    }
    xsub.set_linger(Duration::ZERO);
    assert_eq!(xsub.close().await.undelivered, 1);
    assert_eq!(xsub.send("x").await, Err(SendError::Closed("x".into())));
    assert_eq!(xsub.send(b"\x01x").await, Err(SendError::Closed(b"\x01x".into())));
    assert_eq!(xsub.try_send("x"), Err(TrySendError::Closed("x".into())));
    assert!(xsub.subscriptions().is_empty());
}

/// A send that yields to other tasks has sent nothing yet.
#[tokio::test]
async fn a_cancelled_send_is_sent_to_no_publisher() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::builder().send_hwm(0).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&xsub, "XPUB").await;
    remote.sync().await;
    let mut sent = 0;
    while xsub.send("kept").now_or_never().is_some() {
        sent += 1;
    }
    assert!(xsub.send(b"\x01cancelled").now_or_never().is_none());
    tokio::task::yield_now().await;
    xsub.send("end").await.unwrap();
    assert!(sent > 0 && xsub.subscriptions().is_empty());
    for _ in 0..sent {
        assert_eq!(remote.read_message().await, b"kept");
    }
    assert_eq!(remote.read_message().await, b"end");
}

/// A message for a publisher that reconnects is sent on the next connection.
#[tokio::test]
async fn messages_wait_for_a_publisher_that_reconnects() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let builder = XSub::builder().reconnect_interval(Duration::from_millis(1));
    let xsub = builder.connect(listener.endpoint()).await.unwrap();
    drop(listener.accept_as("XPUB").await);
    while !xsub.remotes().is_empty() {
        tokio::task::yield_now().await;
    }
    xsub.send("queued").await.unwrap();
    let mut remote = listener.accept_as("XPUB").await;
    assert_eq!(remote.read_message().await, b"queued");
}

/// RFC 29: a PUB discards the messages that subscribers send it.
#[tokio::test]
async fn a_pub_counts_and_drops_user_messages() {
    let _watchdog = Watchdog::start();
    for endpoint in ["tcp://127.0.0.1:*", "inproc://user-messages"] {
        let publisher = Pub::new();
        let mut monitor = publisher.monitor();
        let xsub = XSub::builder().subscribe("a".parse().unwrap()).build();
        xsub.connect(publisher.bind(endpoint).await.unwrap()).await.unwrap();
        publisher.subscribed("a").await.unwrap();
        xsub.send(["user", "message"]).await.unwrap();
        xsub.close().await;
        events::until_dropped(&mut monitor, 1, DropCause::Unread).await;
        assert_eq!(publisher.stats().dropped.unread, 1);
    }
}
