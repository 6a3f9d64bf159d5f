//! Messages between PUB and SUB sockets of this crate.

use std::time::Duration;

use futures::StreamExt;
use tokio_zmtp::{Pub, Sub, Topic, TryRecvError, proxy};

use super::subscriber::{Subscriber, for_either_subscriber};
use crate::over_transport::OverTransport;
use crate::publishing::until_subscribed;
use crate::remote::ReservedPort;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(a_message_is_received_by_its_subscribers);

async fn a_message_is_received_by_its_subscribers(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().over(transport).build();
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    let [movies, tv] = ["movies.", "tv."].map(|topic| {
        let sub = Sub::builder().over(transport).build();
        sub.subscribe(topic).unwrap();
        sub.subscribe("end").unwrap();
        sub
    });
    for sub in [&movies, &tv] {
        transport.connect(sub, &publisher, endpoint.clone()).await;
    }
    until_subscribed(&publisher, "movies.", 1).await;
    until_subscribed(&publisher, "end", 2).await;
    for message in [["tv.1", "Friends"], ["none", "x"], ["movies.1", "Godfather"], ["end", ""]] {
        publisher.send(message).await.unwrap();
    }
    assert_eq!(movies.recv().await.unwrap(), ["movies.1", "Godfather"]);
    assert_eq!(movies.recv().await.unwrap(), ["end", ""]);
    assert_eq!(tv.recv().await.unwrap(), ["tv.1", "Friends"]);
    assert_eq!(tv.recv().await.unwrap(), ["end", ""]);
    assert_eq!(publisher.stats().dropped.missed, 0);
}

over_every_transport_and_streams!(subscriptions_change_at_any_time);

async fn subscriptions_change_at_any_time(transport: Transport) {
    let _watchdog = Watchdog::start();
    let sub = Sub::builder().over(transport).subscribe("first".parse().unwrap()).build();
    let endpoint = sub.bind(transport.any()).await.unwrap();
    let publisher = Pub::builder().over(transport).build();
    transport.connect(&publisher, &sub, endpoint.clone()).await;
    until_subscribed(&publisher, "first", 1).await;
    sub.subscribe("").unwrap();
    until_subscribed(&publisher, "other", 1).await;
    assert!(sub.unsubscribe("first"));
    assert!(sub.unsubscribe(""));
    until_subscribed(&publisher, "first", 0).await;
    sub.subscribe("last").unwrap();
    until_subscribed(&publisher, "last", 1).await;
    publisher.send(["first", "x"]).await.unwrap();
    publisher.send(["last", "y"]).await.unwrap();
    assert_eq!(sub.recv().await.unwrap(), ["last", "y"]);
    assert_eq!(sub.subscriptions(), ["last"]);
}

over_every_transport_and_streams!(messages_of_every_size_pass);

async fn messages_of_every_size_pass(transport: Transport) {
    let _watchdog = Watchdog::start();
    let long = vec![7; 300];
    let sub = Sub::builder().over(transport).subscribe(Topic::try_from(&long[..]).unwrap()).build();
    let publisher = Pub::builder().over(transport).bind(transport.any()).await.unwrap();
    transport.connect(&sub, &publisher, publisher.last_endpoint().unwrap()).await;
    until_subscribed(&publisher, &long, 1).await;
    for len in [0, 1, 61, 255, 256, 0x7FF0, 0x8000, 0x10_0000] {
        let body = vec![0x55; len];
        publisher.send([&long[1..], &body]).await.unwrap();
        publisher.send([&long[..], b"", &body]).await.unwrap();
        publisher.send([&long[..], &body].concat()).await.unwrap();
        assert!(sub.recv().await.unwrap() == [&long[..], b"", &body], "{len} bytes");
        assert!(sub.recv().await.unwrap() == [[&long[..], &body].concat()], "{len} bytes");
    }
    assert_eq!(sub.try_recv(), Err(TryRecvError::Empty));
}

for_either_subscriber!(every_reconnect_replays_thousands_of_subscriptions);

/// No high-water mark applies to subscriptions: there are more than the queues of either end hold.
async fn every_reconnect_replays_thousands_of_subscriptions<S: Subscriber>() {
    const TOPICS: usize = 3_000;
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let builder = S::builder().recv_hwm(1).reconnect_interval(Duration::from_millis(1));
    let mut sub = builder.connect(port.endpoint()).await.unwrap();
    let topics: Vec<_> = (0..TOPICS).map(|number| format!("topic {number}.")).collect();
    for topic in &topics {
        sub.subscribe(topic);
    }
    let endpoint = port.release();
    for _ in 0..=10 {
        let publisher = Pub::builder().send_hwm(1).bind(&endpoint).await.unwrap();
        for topic in &topics {
            until_subscribed(&publisher, topic, 1).await;
        }
        for topic in [&topics[0], &topics[TOPICS - 1]] {
            publisher.send([&**topic, "x"]).await.unwrap();
            assert_eq!(sub.next().await.unwrap(), [&**topic, "x"]);
        }
        publisher.close().await;
    }
}

#[tokio::test]
async fn a_proxy_publishes_what_a_sub_receives() {
    let _watchdog = Watchdog::start();
    let (source, frontend) = (Pub::new(), Sub::new());
    frontend.subscribe("a").unwrap();
    frontend.connect(source.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    let (backend, sub) = (Pub::new(), Sub::new());
    sub.subscribe("a1").unwrap();
    sub.connect(backend.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    until_subscribed(&source, "a", 1).await;
    until_subscribed(&backend, "a1", 1).await;
    let forwarding = tokio::spawn(proxy(&frontend, &backend).into_future());
    for message in [["a2", "x"], ["b1", "y"], ["a1", "z"]] {
        source.send(message).await.unwrap();
    }
    assert_eq!(sub.recv().await.unwrap(), ["a1", "z"]);
    frontend.close().await;
    forwarding.await.unwrap();
}
