//! Messages between PUB and XSUB sockets of this crate.

use std::time::Duration;

use futures::StreamExt;
use tokio_zmtp::{Pub, TryRecvError, XSub};

use super::until_subscribed;
use crate::remote::ReservedPort;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(an_xsub_receives_what_it_has_subscribed_to);

async fn an_xsub_receives_what_it_has_subscribed_to(transport: Transport) {
    let _watchdog = Watchdog::start();
    for publisher_binds in [true, false] {
        let (publisher, mut xsub) = (Pub::new(), XSub::new());
        xsub.subscribe("movies.").unwrap();
        if publisher_binds {
            let endpoint = publisher.bind(transport.any()).await.unwrap();
            xsub.connect(endpoint).await.unwrap();
        } else {
            let endpoint = xsub.bind(transport.any()).await.unwrap();
            publisher.connect(endpoint).await.unwrap();
        }
        until_subscribed(&publisher, "movies.", 1).await;
        // Both ways to subscribe and to unsubscribe change the same state.
        xsub.send(b"\x01tv.").await.unwrap();
        until_subscribed(&publisher, "tv.", 1).await;
        assert_eq!(xsub.subscriptions(), ["movies.", "tv."]);
        let long = vec![7; 0x1_0000];
        for message in [["tv.1", "Friends"], ["none", "x"], ["movies.1", "Godfather"]] {
            publisher.send(message).await.unwrap();
        }
        publisher.send([b"tv.", &long[..]]).await.unwrap();
        assert_eq!(xsub.recv().await.unwrap(), ["tv.1", "Friends"]);
        assert_eq!(xsub.next().await.unwrap(), ["movies.1", "Godfather"]);
        assert!(xsub.recv().await.unwrap() == [b"tv.", &long[..]]);
        assert!(xsub.unsubscribe("tv."));
        xsub.send(b"\x00movies.").await.unwrap();
        until_subscribed(&publisher, "movies.", 0).await;
        until_subscribed(&publisher, "tv.", 0).await;
        assert!(xsub.subscriptions().is_empty());
        assert_eq!(xsub.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(xsub.stats().sent.messages, 0, "subscriptions are not messages");
    }
}

/// No high-water mark applies to subscriptions, in either form.
#[tokio::test]
async fn every_reconnect_announces_thousands_of_topics_again() {
    const TOPICS: usize = 3_000;
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let builder = XSub::builder().recv_hwm(1).send_hwm(1);
    let builder = builder.reconnect_interval(Duration::from_millis(1));
    let xsub = builder.connect(port.endpoint()).await.unwrap();
    let topics: Vec<_> = (0..TOPICS).map(|number| format!("topic {number}.")).collect();
    for topic in &topics {
        xsub.try_send(format!("\x01{topic}")).unwrap();
    }
    let endpoint = port.release();
    for _ in 0..=10 {
        let publisher = Pub::builder().send_hwm(1).bind(&endpoint).await.unwrap();
        for topic in &topics {
            until_subscribed(&publisher, topic, 1).await;
        }
        for topic in [&topics[0], &topics[TOPICS - 1]] {
            publisher.send([&**topic, "x"]).await.unwrap();
            assert_eq!(xsub.recv().await.unwrap(), [&**topic, "x"]);
        }
        publisher.close().await;
    }
}
