//! Policies for subscribers that do not read.

use std::time::Duration;

use futures::StreamExt;
use tokio_zmtp::monitor::{DisconnectReason, DropCause, EventKind};
use tokio_zmtp::{Endpoint, Pub, SlowSubscriber, Sub};

use super::drops::stuck;
use super::{bound, subscriber};
use crate::events;
use crate::over_transport::OverTransport;
use crate::remote::{LONGER_THAN_BUFFERS, Remote};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_full_subscriber_misses_the_oldest_messages() {
    let _watchdog = Watchdog::start();
    for padding in [0, 1_000] {
        let builder = Pub::builder().slow_subscriber(SlowSubscriber::DropOldest);
        let publisher = builder.send_hwm(2).build();
        let endpoint = bound(&publisher).await;
        let mut monitor = publisher.monitor();
        let mut stuck = stuck(&publisher, "a").await;
        let stuck_id = publisher.remotes().iter().next().unwrap().connection_id();
        let mut reading = subscriber(&endpoint, &["a"]).await;
        let padding = "x".repeat(padding);
        for number in ["1", "2", "3", "4", "5"] {
            publisher.try_send(["a", number, &padding]).unwrap();
            reading.read_frame().await;
            assert_eq!(reading.read_frame().await.1, number.as_bytes());
            reading.read_message().await;
        }
        assert_eq!(publisher.full_subscribers("a").len(), 1);
        assert_eq!(publisher.remotes().stats(stuck_id).unwrap().missed, 3);
        assert_eq!(publisher.stats().dropped.missed, 3);
        let (_, reported, _) = events::until_dropped(&mut monitor, 1, DropCause::QueueFull).await;
        assert_eq!(reported, Some(stuck_id));

        stuck.read_frame().await;
        for number in ["4", "5"] {
            stuck.read_frame().await;
            assert_eq!(stuck.read_frame().await.1, number.as_bytes());
            stuck.read_message().await;
        }
    }
}

#[tokio::test]
async fn a_sub_in_this_process_misses_the_oldest_messages() {
    let _watchdog = Watchdog::start();
    let builder = Pub::builder().slow_subscriber(SlowSubscriber::DropOldest);
    let publisher = builder.send_hwm(2).build();
    publisher.bind("inproc://drop-oldest").await.unwrap();
    let sub = Sub::builder().recv_hwm(1).build();
    sub.subscribe("a").unwrap();
    sub.connect("inproc://drop-oldest").await.unwrap();
    publisher.subscribed("a").await.unwrap();
    for number in 1..=6 {
        publisher.send(format!("a{number}")).await.unwrap();
    }
    for expected in ["a1", "a5", "a6"] {
        assert_eq!(sub.recv().await.unwrap(), [expected]);
    }
    assert_eq!(publisher.stats().dropped.missed, 3);
}

#[tokio::test]
async fn a_stalled_subscriber_receives_the_last_message_of_each_topic() {
    let _watchdog = Watchdog::start();
    let builder = Pub::builder().slow_subscriber(SlowSubscriber::KeepLast);
    let publisher = builder.send_hwm(3).build();
    bound(&publisher).await;
    let mut monitor = publisher.monitor();
    let mut stuck = stuck(&publisher, "").await;
    let stuck_id = publisher.remotes().iter().next().unwrap().connection_id();
    for message in [["a", "1"], ["b", "2"], ["c", "3"], ["a", "4"], ["b", "5"], ["a", "6"]] {
        publisher.try_send(message).unwrap();
    }
    assert_eq!(publisher.full_subscribers("").len(), 1);
    let stats = publisher.remotes().stats(stuck_id).unwrap();
    assert_eq!((stats.replaced, stats.missed, stats.queued.outgoing), (3, 0, 3));
    let (_, reported, _) = events::until_dropped(&mut monitor, 1, DropCause::Replaced).await;
    assert_eq!(reported, Some(stuck_id));

    // The high-water mark holds: another topic displaces the oldest message.
    publisher.try_send(["d", "7"]).unwrap();
    events::until_dropped(&mut monitor, 1, DropCause::QueueFull).await;
    let dropped = publisher.stats().dropped;
    assert_eq!((dropped.replaced, dropped.missed), (3, 1));

    assert_eq!(stuck.read_frame().await.1.len(), LONGER_THAN_BUFFERS);
    for expected in [["b", "5"], ["c", "3"], ["d", "7"]] {
        assert_eq!(stuck.read_frame().await.1, expected[0].as_bytes());
        assert_eq!(stuck.read_message().await, expected[1].as_bytes());
    }
}

over_every_transport_and_streams!(the_last_message_of_each_topic_arrives_whole);

async fn the_last_message_of_each_topic_arrives_whole(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher =
        Pub::builder().over(transport).slow_subscriber(SlowSubscriber::KeepLast).build();
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    let sub = Sub::builder().over(transport).recv_hwm(2).build();
    // None of these subscriptions is lost.
    for topic in ["a", "b", "c"] {
        sub.subscribe(topic).unwrap();
    }
    transport.connect(&sub, &publisher, endpoint).await;
    for topic in ["a", "b", "c"] {
        publisher.subscribed(topic).await.unwrap();
    }
    let last = 500_u32;
    for number in 0..=last {
        for topic in ["a", "b", "c"] {
            let number = number.to_string();
            publisher.send([topic, &number, "whole"]).await.unwrap();
        }
    }
    let mut seen = [0; 3];
    while seen != [last; 3] {
        let message = sub.recv().await.unwrap();
        assert_eq!((message.len(), &message[2]), (3, &b"whole"[..]));
        let topic = usize::from(message[0][0] - b'a');
        let number = std::str::from_utf8(&message[1]).unwrap().parse().unwrap();
        assert!(number >= seen[topic], "in order");
        seen[topic] = number;
    }
    assert_eq!(publisher.stats().dropped.missed, 0);
}

#[tokio::test]
async fn a_subscriber_that_misses_too_many_messages_is_disconnected() {
    let _watchdog = Watchdog::start();
    let (publisher, mut stuck) = disconnecting(3).await;
    let mut monitor = publisher.monitor();
    for number in 0..4 {
        publisher.try_send(["a", &number.to_string()]).unwrap();
    }
    let endpoint = publisher.last_endpoint().unwrap();
    let _reading = subscriber(&endpoint, &["b"]).await;
    assert_eq!(publisher.subscribers("a"), 1, "it has missed two");
    publisher.try_send("a").unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooSlow { missed: 3 }), "{reason:?}");
    assert_eq!(publisher.subscribers("a"), 0);
    let stats = publisher.stats();
    assert_eq!((stats.dropped.missed, stats.refused.too_slow), (3, 1));
    // Those that were queued, and the one that fills the buffers of the system.
    assert_eq!(stats.dropped.undelivered, 3);
    assert_eq!(stats.connected, 1, "the other one stays");
    stuck.read_to_end().await;
}

#[tokio::test]
async fn a_queued_message_resets_the_count_of_missed_messages() {
    let _watchdog = Watchdog::start();
    let (publisher, mut stuck) = disconnecting(3).await;
    for _ in 0..4 {
        publisher.try_send("a").unwrap();
    }
    stuck.read_frame().await;
    for _ in 0..2 {
        assert_eq!(stuck.read_message().await, b"a");
    }
    for _ in 0..4 {
        publisher.try_send("a").unwrap();
        assert_eq!(stuck.read_message().await, b"a");
    }
    assert_eq!(publisher.stats().dropped.missed, 2);
}

/// The publisher reconnects to it, and its queue is kept for the next connection.
#[tokio::test]
async fn a_dialed_subscriber_that_was_disconnected_receives_the_queued_messages() {
    let _watchdog = Watchdog::start();
    for transport in ["tcp://127.0.0.1:*", "inproc://slow-and-dialed"] {
        let sub = Sub::builder().recv_hwm(1).build();
        sub.subscribe("a").unwrap();
        let endpoint: Endpoint = sub.bind(transport).await.unwrap();
        let publisher = Pub::builder()
            .slow_subscriber(SlowSubscriber::Disconnect { after: 1 })
            .send_hwm(1)
            .reconnect_interval(Duration::from_millis(1))
            .connect(endpoint)
            .await
            .unwrap();
        let mut monitor = publisher.monitor();
        publisher.subscribed("a").await.unwrap();
        let body = "x".repeat(LONGER_THAN_BUFFERS);
        while publisher.stats().refused.too_slow == 0 {
            publisher.send(["a", &body]).await.unwrap();
            tokio::task::yield_now().await;
        }
        while let Some(event) = monitor.next().await {
            if let EventKind::Disconnected { reason, .. } = event.unwrap().kind {
                assert!(matches!(reason, DisconnectReason::TooSlow { missed: 1 }), "{reason:?}");
                break;
            }
        }
        while publisher.stats().queued.outgoing > 0 {
            assert_eq!(sub.recv().await.unwrap()[1].len(), body.len());
        }
        assert_eq!(publisher.stats().dropped.undelivered, 0);
    }
}

/// Returns a publisher that disconnects after this number of messages, and a subscriber whose queue
/// of two messages is not taken.
async fn disconnecting(after: u32) -> (Pub, Remote) {
    let builder = Pub::builder().slow_subscriber(SlowSubscriber::Disconnect { after });
    let publisher = builder.send_hwm(2).build();
    bound(&publisher).await;
    let stuck = stuck(&publisher, "a").await;
    (publisher, stuck)
}
