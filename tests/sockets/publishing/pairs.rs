//! PUB and SUB.

use std::env;

use tokio::task;
use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{ConnectionId, Pub, SlowSubscriber, Sub};

use super::drops::stuck;
use crate::events;
use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(messages_arrive_at_their_subscribers);

async fn messages_arrive_at_their_subscribers(transport: Transport) {
    let _watchdog = Watchdog::start();
    for publisher_binds in [true, false] {
        let (publisher, subs) = (
            Pub::builder().over(transport).build(),
            [Sub::builder().over(transport).build(), Sub::builder().over(transport).build()],
        );
        if publisher_binds {
            let endpoint = publisher.bind(transport.any()).await.unwrap();
            for sub in &subs {
                transport.connect(sub, &publisher, endpoint.clone()).await;
            }
        } else {
            for sub in &subs {
                let endpoint = sub.bind(transport.any()).await.unwrap();
                transport.connect(&publisher, sub, endpoint).await;
            }
        }
        for (sub, topic) in subs.iter().zip(["a", "b"]) {
            sub.subscribe(topic).unwrap();
            sub.subscribe("every").unwrap();
            publisher.subscribed(topic).await.unwrap();
        }
        while publisher.subscribers("every") < 2 {
            task::yield_now().await;
        }
        let long = "x".repeat(100_000);
        for message in [["none", "1"], ["b1", "2"], ["every", &long], ["a1", "3"], ["every", "4"]] {
            publisher.send(message).await.unwrap();
        }
        for (sub, own) in
            subs.iter().zip([[["every", &*long], ["a1", "3"]], [["b1", "2"], ["every", &*long]]])
        {
            for message in [own[0], own[1], ["every", "4"]] {
                assert_eq!(sub.recv().await.unwrap(), message);
            }
            assert!(sub.unsubscribe("every"));
        }
        while publisher.subscribers("every") > 0 {
            task::yield_now().await;
        }
    }
}

over_every_transport_and_streams!(without_drops_a_slow_subscriber_receives_everything);

async fn without_drops_a_slow_subscriber_receives_everything(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher =
        Pub::builder().over(transport).slow_subscriber(SlowSubscriber::Wait).send_hwm(2).build();
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    let sub = Sub::builder().over(transport).recv_hwm(2).build();
    sub.subscribe("n").unwrap();
    transport.connect(&sub, &publisher, endpoint).await;
    publisher.subscribed("n").await.unwrap();
    let sending = async {
        for number in 0..500 {
            publisher.send(format!("n{number}")).await.unwrap();
        }
    };
    let receiving = async {
        for number in 0..500 {
            task::yield_now().await;
            assert_eq!(sub.recv().await.unwrap(), [format!("n{number}")]);
        }
    };
    tokio::join!(sending, receiving);
    assert_eq!(publisher.stats().dropped.missed, 0);
}

/// Over `inproc`, the publisher also ends the connection, whichever side dialed.
#[tokio::test]
async fn a_sub_in_this_process_with_too_many_topics_is_disconnected() {
    let _watchdog = Watchdog::start();
    for publisher_dials in [false, true] {
        let publisher = Pub::builder().max_topics_per_remote(1).build();
        let sub = Sub::new();
        sub.subscribe("a").unwrap();
        sub.subscribe("b").unwrap();
        let (mut refusing, mut refused) = (publisher.monitor(), sub.monitor());
        let endpoint = format!("inproc://too-many-topics-{publisher_dials}");
        if publisher_dials {
            sub.bind(&*endpoint).await.unwrap();
            publisher.connect(&*endpoint).await.unwrap();
        } else {
            publisher.bind(&*endpoint).await.unwrap();
            sub.connect(&*endpoint).await.unwrap();
        }
        let reason = events::until_disconnected(&mut refusing).await;
        assert!(matches!(reason, DisconnectReason::TooManyTopics), "{reason:?}");
        let reason = events::until_disconnected(&mut refused).await;
        assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
        assert!(publisher.stats().refused.too_many_topics > 0);
    }
}

/// The other subscribers receive every message, and missed messages are counted for each one.
#[tokio::test]
async fn subscribers_that_do_not_read_cost_the_others_nothing() {
    let _watchdog = Watchdog::start();
    let subscribers: usize =
        env::var("SUBSCRIBERS").map_or(SUBSCRIBERS, |subscribers| subscribers.parse().unwrap());
    let (stuck_subscribers, messages, hwm) = (subscribers / 10, 100, 10);
    let publisher = Pub::builder().send_hwm(hwm).build();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remotes = Vec::new();
    for _ in 0..stuck_subscribers {
        remotes.push(stuck(&publisher, "a").await);
    }
    let stuck_ids: Vec<_> =
        publisher.remotes().iter().map(|remote| remote.connection_id()).collect();
    let before: Vec<_> = stuck_ids.iter().map(|id| counts(&publisher, *id)).collect();
    let mut readers = Vec::new();
    for _ in stuck_subscribers..subscribers {
        let sub = Sub::builder().connect(&endpoint).await.unwrap();
        sub.subscribe("a").unwrap();
        readers.push(sub);
    }
    while publisher.subscribers("a") < subscribers {
        task::yield_now().await;
    }
    for number in 0..messages {
        publisher.send(format!("a{number}")).await.unwrap();
        for sub in &readers {
            assert_eq!(sub.recv().await.unwrap(), [format!("a{number}")]);
        }
    }
    for (id, (queued_before, missed_before)) in stuck_ids.iter().zip(before) {
        let (queued, missed) = counts(&publisher, *id);
        assert!(queued <= hwm, "the queue exceeds its limit");
        assert_eq!(missed - missed_before, (messages - (queued - queued_before)) as u64);
    }
    for remote in publisher.remotes() {
        let id = remote.connection_id();
        if !stuck_ids.contains(&id) {
            assert_eq!(counts(&publisher, id), (0, 0));
        }
    }
    // All leave at the same time.
    drop((remotes, readers));
    while !publisher.remotes().is_empty() {
        publisher.send("a").await.unwrap();
        task::yield_now().await;
    }
    assert_eq!(publisher.subscribers("a"), 0);
}

/// Returns the number of messages that are queued for a subscriber, and of those that it has
/// missed.
fn counts(publisher: &Pub, id: ConnectionId) -> (usize, u64) {
    let stats = publisher.remotes().stats(id).unwrap();
    (stats.queued.outgoing, stats.missed)
}

/// The number of subscribers, a tenth of which do not read. The environment variable `SUBSCRIBERS`
/// sets another number. Each takes two file descriptors.
const SUBSCRIBERS: usize = 50;
