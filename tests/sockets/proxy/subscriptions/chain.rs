//! Subscriptions and messages in a chain of three proxies.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use tokio::task;
use tokio_zmtp::{Multipart, Sub, Upstream, XPub, XSub};

use super::{Hop, chain, request};
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(subscriptions_pass_a_chain_to_the_publisher);

async fn subscriptions_pass_a_chain_to_the_publisher(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().bind(transport.any()).await.unwrap();
    let hops = chain::<3>(transport, &publisher.last_endpoint().unwrap()).await;
    let subs = [Sub::new(), Sub::new(), Sub::new()];
    for (sub, hop) in subs.iter().zip([&hops[2], &hops[2], &hops[0]]) {
        sub.connect(&hop.endpoint).await.unwrap();
    }
    let [near, far, other] = subs;
    near.subscribe("a").unwrap();
    assert_eq!(request(&publisher).await, "+a");
    // The publisher already sends these messages.
    for sub in [&far, &other] {
        sub.subscribe("a").unwrap();
    }
    hops[2].backend.subscribed("a").await.unwrap();
    while hops[2].backend.subscribers("a") < 2 || hops[0].backend.subscribers("a") < 2 {
        task::yield_now().await;
    }
    other.subscribe("b").unwrap();
    assert_eq!(request(&publisher).await, "+b");
    for (hop, topics) in hops.iter().zip([&["a", "b"][..], &["a"], &["a"]]) {
        hop.until_subscribed(topics).await;
    }
    for message in [["c", "0"], ["a", "1"], ["b", "2"]] {
        publisher.send(message).await.unwrap();
    }
    for sub in [&near, &far, &other] {
        assert_eq!(sub.recv().await.unwrap(), ["a", "1"]);
    }
    assert_eq!(other.recv().await.unwrap(), ["b", "2"]);

    // One subscriber of each hop is left.
    near.unsubscribe("a");
    while hops[2].backend.subscribers("a") > 1 {
        task::yield_now().await;
    }
    other.close().await;
    assert_eq!(request(&publisher).await, "-b");
    for hop in &hops {
        hop.until_subscribed(&["a"]).await;
    }
    publisher.send(["a", "3"]).await.unwrap();
    assert_eq!(far.recv().await.unwrap(), ["a", "3"]);
    // A subscriber that vanishes cancels its subscriptions at every hop.
    drop(far);
    assert_eq!(request(&publisher).await, "-a");
    for hop in hops {
        hop.until_subscribed(&[]).await;
        // Each has forwarded a subscription and a cancellation of each topic.
        let stats = hop.handle.stats();
        assert!(matches!(stats.to_frontend.messages, 2 | 4), "{stats:?}");
        hop.end().await;
    }
}

/// When a connection breaks, the subscriptions behind it end. They are re-established when the hop
/// has reconnected.
#[tokio::test]
async fn a_hop_replays_its_subscriptions_after_a_reconnect() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let hops = chain::<3>(Transport::Tcp, &publisher.last_endpoint().unwrap()).await;
    let sub = Sub::builder().connect(&hops[2].endpoint).await.unwrap();
    for topic in ["a", "b"] {
        sub.subscribe(topic).unwrap();
        assert_eq!(request(&publisher).await, format!("+{topic}"));
    }
    for broken in 0..3 {
        let upstream = if broken == 0 { &publisher } else { &hops[broken - 1].backend };
        let connection = upstream.remotes().list()[0].connection_id();
        assert!(upstream.remotes().disconnect(connection));
        let mut requests = Vec::new();
        for _ in 0..4 {
            requests.push(request(&publisher).await);
        }
        for topic in ["a", "b"] {
            let of_topic = requests.iter().filter(|request| request.ends_with(topic));
            assert!(of_topic.eq([&format!("-{topic}"), &format!("+{topic}")]), "{requests:?}");
        }
        for hop in &hops {
            hop.until_subscribed(&["a", "b"]).await;
        }
        publisher.send(["b", "after"]).await.unwrap();
        assert_eq!(sub.recv().await.unwrap(), ["b", "after"]);
    }
    sub.unsubscribe("b");
    assert_eq!(request(&publisher).await, "-b");
    sub.close().await;
    assert_eq!(request(&publisher).await, "-a");
    for hop in &hops {
        hop.until_subscribed(&[]).await;
    }
}

/// When a proxy ends, so do its subscriptions. A new proxy at its endpoint re-establishes them.
#[tokio::test]
async fn a_hop_that_is_replaced_has_the_subscriptions_of_the_next() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let [first, second] = chain::<2>(Transport::Tcp, &publisher.last_endpoint().unwrap()).await;
    let builder = XSub::builder().reconnect_interval(Duration::from_millis(1));
    let subscriber = builder.connect(&second.endpoint).await.unwrap();
    subscriber.subscribe("a").unwrap();
    assert_eq!(request(&publisher).await, "+a");
    let endpoint = second.endpoint.clone();
    second.end().await;
    assert_eq!(request(&publisher).await, "-a");
    first.until_subscribed(&[]).await;
    subscriber.subscribe("b").unwrap();

    let backend = XPub::builder().bind(&endpoint).await.unwrap();
    let second = Hop::with_backend(&first.endpoint, backend).await;
    let requests = BTreeSet::from([request(&publisher).await, request(&publisher).await]);
    assert_eq!(requests, BTreeSet::from(["+a".to_owned(), "+b".to_owned()]));
    second.until_subscribed(&["a", "b"]).await;
    publisher.send(["b", "x"]).await.unwrap();
    assert_eq!(subscriber.recv().await.unwrap(), ["b", "x"]);
}

/// There are more topics than the limits of unread requests and of queued messages.
#[tokio::test]
async fn a_subscriber_of_thousands_of_topics_vanishes() {
    const TOPICS: usize = 3_000;
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().recv_hwm(10).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut hops = Vec::<Hop>::new();
    for _ in 0..3 {
        let backend = XPub::builder().recv_hwm(10).bind("tcp://127.0.0.1:*").await.unwrap();
        let upstream = hops.last().map(|hop| hop.endpoint.clone());
        let upstream = upstream.or_else(|| publisher.last_endpoint()).unwrap();
        hops.push(Hop::with_backend(&upstream, backend).await);
    }
    let expected: BTreeSet<_> = (0..TOPICS).map(|number| format!("+{number}")).collect();
    let sub = Sub::new();
    for topic in &expected {
        sub.subscribe(&topic[1..]).unwrap();
    }
    sub.connect(&hops[2].endpoint).await.unwrap();
    let mut requests = BTreeSet::new();
    while requests.len() < TOPICS {
        assert!(requests.insert(request(&publisher).await));
    }
    assert_eq!(requests, expected);
    assert_eq!(hops[0].frontend.subscriptions().len(), TOPICS);
    drop(sub);
    for _ in 0..TOPICS {
        let request = request(&publisher).await.replace('-', "+");
        assert!(requests.remove(&request), "{request}");
    }
    for hop in &hops {
        hop.until_subscribed(&[]).await;
    }
}

over_every_transport!(user_messages_pass_a_chain_to_the_publisher);

async fn user_messages_pass_a_chain_to_the_publisher(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().bind(transport.any()).await.unwrap();
    let hops = chain::<3>(transport, &publisher.last_endpoint().unwrap()).await;
    let xsub = XSub::builder().connect(&hops[2].endpoint).await.unwrap();
    xsub.subscribe("a").unwrap();
    assert_eq!(request(&publisher).await, "+a");
    let messages = ["".into(), "user".into(), Multipart::from([&b"\x01a"[..], b"", b"x"])];
    for message in messages {
        xsub.send(&message).await.unwrap();
        let Upstream::Message(received) = publisher.recv().await.unwrap() else {
            panic!("a user message is received as such");
        };
        assert_eq!(received, message);
    }
    xsub.send(b"\x00a").await.unwrap();
    assert_eq!(request(&publisher).await, "-a");
}

/// Subscribers come, go and change their subscriptions at random. Whenever they pause, each hop has
/// exactly the topics that its subscribers have.
#[tokio::test]
async fn random_subscribers_leave_no_subscription_and_miss_none() {
    let _watchdog = Watchdog::start();
    let mut rng = Rng::with_seed(seed());
    let publisher = XPub::builder().bind("inproc://random-subscribers").await.unwrap();
    let hops = chain::<3>(Transport::Inproc, &publisher.last_endpoint().unwrap()).await;
    // Each subscriber, with the hop that it is connected to.
    let mut subs = Vec::<(usize, Sub)>::new();
    for _ in 0..60 {
        for _ in 0..rng.usize(1..8) {
            if subs.is_empty() || subs.len() < 8 && rng.u8(..4) == 0 {
                let hop = rng.usize(..hops.len());
                subs.push((hop, Sub::builder().connect(&hops[hop].endpoint).await.unwrap()));
                continue;
            }
            let at = rng.usize(..subs.len());
            let topic = ["a", "ab", "b", ""][rng.usize(..4)];
            match rng.u8(..8) {
                0..=3 => subs[at].1.subscribe(topic).unwrap(),
                4..=6 => drop(subs[at].1.unsubscribe(topic)),
                _ => drop(subs.swap_remove(at)),
            }
        }
        for (at, hop) in hops.iter().enumerate() {
            let behind = subs.iter().filter(|(connected, _)| *connected >= at);
            let topics: BTreeSet<_> = behind.flat_map(|(_, sub)| sub.subscriptions()).collect();
            let topics: Vec<_> = topics.iter().map(|topic| topic.to_str().unwrap()).collect();
            hop.until_subscribed(&topics).await;
        }
    }
    for (_, sub) in subs {
        sub.close().await;
    }
    for hop in &hops {
        hop.until_subscribed(&[]).await;
    }
    while publisher.topics() > 0 {
        task::yield_now().await;
    }
}
