//! Subscribers that do not read.

use std::time::Duration;

use futures::{FutureExt, SinkExt};
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Multipart, Pub, SendError, SlowSubscriber, TrySendError};

use super::{bound, subscriber};
use crate::events;
use crate::remote::{LONGER_THAN_BUFFERS, Remote, RemoteListener, command};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_full_subscriber_misses_messages_which_are_counted() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().send_hwm(2).build();
    let endpoint = bound(&publisher).await;
    let mut monitor = publisher.monitor();
    let mut stuck = stuck(&publisher, "a").await;
    let stuck_id = publisher.remotes().iter().next().unwrap().connection_id();
    let mut reading = subscriber(&endpoint, &["a"]).await;
    for number in ["1", "2", "3", "4", "5"] {
        publisher.send(["a", number]).await.unwrap();
        reading.read_frame().await;
        assert_eq!(reading.read_message().await, number.as_bytes());
    }
    assert_eq!(publisher.full_subscribers("a").len(), 1);
    assert_eq!(publisher.remotes().stats(stuck_id).unwrap().missed, 3);
    assert_eq!(publisher.stats().dropped.missed, 3);
    let (_, reported, _) = events::until_dropped(&mut monitor, 1, DropCause::QueueFull).await;
    assert_eq!(reported, Some(stuck_id));

    stuck.read_frame().await;
    for number in ["1", "2"] {
        stuck.read_frame().await;
        assert_eq!(stuck.read_message().await, number.as_bytes());
    }
    publisher.send("a").await.unwrap();
    assert_eq!(stuck.read_message().await, b"a");
}

#[tokio::test]
async fn without_drops_a_sender_waits_for_the_slowest_subscriber() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().slow_subscriber(SlowSubscriber::Wait).send_hwm(1).build();
    let endpoint = bound(&publisher).await;
    let mut stuck = stuck(&publisher, "a").await;
    let mut reading = subscriber(&endpoint, &["a", "b"]).await;
    publisher.send("a1").await.unwrap();
    assert_eq!(reading.read_message().await, b"a1");
    reading.sync().await;

    let full = publisher.full_subscribers("a");
    assert_eq!(
        full.iter().map(|remote| remote.address()).collect::<Vec<_>>(),
        [Some(stuck.address())]
    );
    let message = Multipart::from("a2");
    assert_eq!(publisher.try_send("a2"), Err(TrySendError::Full(message.clone())));
    let timeout = publisher.send_timeout("a2", Duration::ZERO).await;
    assert_eq!(timeout, Err(SendError::Timeout(message)));
    publisher.send("b1").await.unwrap();
    assert_eq!(reading.read_message().await, b"b1");

    let mut sink = publisher.clone();
    sink.feed("a3").await.unwrap();
    let mut sending = Box::pin(publisher.send("a4"));
    assert!(futures::poll!(&mut sending).is_pending());
    assert!(futures::poll!(SinkExt::<&str>::flush(&mut sink)).is_pending());
    assert_eq!(stuck.read_frame().await.1.len(), LONGER_THAN_BUFFERS);
    assert_eq!(stuck.read_message().await, b"a1");
    sending.await.unwrap();
    assert_eq!(stuck.read_message().await, b"a4");
    SinkExt::<&str>::flush(&mut sink).await.unwrap();
    assert_eq!(stuck.read_message().await, b"a3");
    assert_eq!([reading.read_message().await, reading.read_message().await], [b"a4", b"a3"]);
    assert_eq!(publisher.stats().dropped.missed, 0);
}

#[tokio::test]
async fn a_sender_that_waits_is_released_when_the_full_subscriber_cancels_or_leaves() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().slow_subscriber(SlowSubscriber::Wait).send_hwm(1).build();
    bound(&publisher).await;
    for leaves in [false, true] {
        let mut stuck = stuck(&publisher, "a").await;
        publisher.send("a1").await.unwrap();
        let mut sending = Box::pin(publisher.send("a2"));
        assert!(futures::poll!(&mut sending).is_pending());
        if leaves {
            drop(stuck);
            sending.await.unwrap();
        } else {
            stuck.write(&command("CANCEL", b"a")).await;
            sending.await.unwrap();
            assert_eq!(publisher.subscribers("a"), 0);
        }
        assert!(publisher.send("a3").now_or_never().is_some());
    }
}

#[tokio::test]
async fn a_sender_that_waits_for_a_subscriber_that_was_dialed_is_released_when_it_returns() {
    let _watchdog = Watchdog::start();
    for returns in [true, false] {
        let listener = RemoteListener::bind();
        let publisher = Pub::builder()
            .slow_subscriber(SlowSubscriber::Wait)
            .send_hwm(1)
            .reconnect_interval(Duration::from_millis(1));
        let publisher = publisher.connect(listener.endpoint()).await.unwrap();
        let mut remote = listener.accept_as("SUB").await;
        remote.write(&command("SUBSCRIBE", b"a")).await;
        remote.sync().await;
        drop(remote);
        while !publisher.remotes().is_empty() {
            tokio::task::yield_now().await;
        }
        publisher.send("a1").await.unwrap();
        let mut sending = Box::pin(publisher.send("a2"));
        assert!(futures::poll!(&mut sending).is_pending());
        assert_eq!(publisher.full_subscribers("a").len(), 1);
        if returns {
            let mut remote = listener.accept_as("SUB").await;
            sending.await.unwrap();
            assert_eq!(remote.read_message().await, b"a1");
        } else {
            publisher.disconnect(listener.endpoint()).await.unwrap();
            sending.await.unwrap();
        }
        assert_eq!(publisher.subscribers("a"), 0);
    }
}

#[tokio::test]
async fn a_cancelled_send_is_sent_to_no_subscriber() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().slow_subscriber(SlowSubscriber::Wait).send_hwm(1).build();
    let endpoint = bound(&publisher).await;
    let mut stuck = stuck(&publisher, "a").await;
    let mut reading = subscriber(&endpoint, &["a"]).await;
    publisher.send("a1").await.unwrap();
    assert_eq!(reading.read_message().await, b"a1");
    let mut sending = Box::pin(publisher.send("cancelled"));
    let mut waiting = Box::pin(publisher.send("a cancelled"));
    assert!(futures::poll!(&mut sending).is_ready(), "it has no subscriber");
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(waiting);
    stuck.read_frame().await;
    assert_eq!(stuck.read_message().await, b"a1");
    publisher.send("a2").await.unwrap();
    assert_eq!(stuck.read_message().await, b"a2");
    assert_eq!(reading.read_message().await, b"a2");
}

#[tokio::test]
async fn messages_that_a_subscriber_leaves_are_undelivered() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    bound(&publisher).await;
    let _stuck = stuck(&publisher, "a").await;
    for number in 0..10 {
        publisher.send(format!("a{number}")).await.unwrap();
    }
    publisher.set_linger(Duration::ZERO);
    let report = publisher.close().await;
    assert_eq!(report.undelivered, 11);
}

/// Connects a subscriber that does not read, and sends it a message that fills the buffers of the
/// system, so that no other message is taken from its queue.
pub(super) async fn stuck(publisher: &Pub, topic: &str) -> Remote {
    let endpoint = publisher.last_endpoint().unwrap();
    let remote = subscriber(&endpoint, &[topic]).await;
    let mut filling = vec![b'x'; LONGER_THAN_BUFFERS];
    filling[..topic.len()].copy_from_slice(topic.as_bytes());
    publisher.send(filling).await.unwrap();
    remote.peek().await;
    remote
}
