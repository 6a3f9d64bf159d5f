//! XPUB and SUB.

use tokio::task;
use tokio_zmtp::{Sub, XPub};

use super::{requests, shown};
use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport!(requests_and_messages_are_exchanged);

async fn requests_and_messages_are_exchanged(transport: Transport) {
    let _watchdog = Watchdog::start();
    for publisher_binds in [true, false] {
        let (publisher, sub) = (XPub::new(), Sub::new());
        if publisher_binds {
            sub.connect(publisher.bind(transport.any()).await.unwrap()).await.unwrap();
        } else {
            publisher.connect(sub.bind(transport.any()).await.unwrap()).await.unwrap();
        }
        for topic in ["a", "b"] {
            sub.subscribe(topic).unwrap();
            assert_eq!(requests(&publisher).await, [format!("+{topic}")]);
        }
        publisher.send(["none", "1"]).await.unwrap();
        publisher.send(["b", "2"]).await.unwrap();
        assert_eq!(sub.recv().await.unwrap(), ["b", "2"]);
        assert!(sub.unsubscribe("b"));
        assert_eq!(requests(&publisher).await, ["-b"]);
        drop(sub);
        assert_eq!(requests(&publisher).await, ["-a"]);
        assert_eq!(publisher.topics(), 0);
    }
}

over_every_transport_and_streams!(a_sub_with_many_topics_waits_for_the_publisher);

/// Many subscriptions from before the connection arrive as the requests are received.
async fn a_sub_with_many_topics_waits_for_the_publisher(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().over(transport).recv_hwm(10).build();
    let (sub, topics) = (Sub::builder().over(transport).build(), 1_000);
    for number in 0..topics {
        sub.subscribe(format!("{number:04}")).unwrap();
    }
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    transport.connect(&sub, &publisher, endpoint).await;
    let mut received = Vec::new();
    while received.len() < topics {
        assert!(publisher.stats().queued.incoming <= 10);
        received.push(shown(&publisher.recv().await.unwrap()));
    }
    received.sort_unstable();
    let expected: Vec<_> = (0..topics).map(|number| format!("+{number:04}")).collect();
    assert_eq!(received, expected);
    publisher.send("0999").await.unwrap();
    assert_eq!(sub.recv().await.unwrap(), ["0999"]);
}

over_every_transport_and_streams!(a_welcome_message_is_received_by_its_subscribers);

async fn a_welcome_message_is_received_by_its_subscribers(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().over(transport).welcome_message("welcome").build();
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    let (welcomed, other) =
        (Sub::builder().over(transport).build(), Sub::builder().over(transport).build());
    welcomed.subscribe("welcome").unwrap();
    for sub in [&welcomed, &other] {
        sub.subscribe("news").unwrap();
        transport.connect(sub, &publisher, endpoint.clone()).await;
    }
    while publisher.subscribers("news") < 2 {
        task::yield_now().await;
    }
    publisher.send("news").await.unwrap();
    assert_eq!(welcomed.recv().await.unwrap(), ["welcome"]);
    assert_eq!(welcomed.recv().await.unwrap(), ["news"]);
    assert_eq!(other.recv().await.unwrap(), ["news"]);
}

over_every_transport_and_streams!(inverted_matching_sends_what_does_not_match);

/// (libzmq `test_pub_invert_matching`.)
async fn inverted_matching_sends_what_does_not_match(transport: Transport) {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().over(transport).invert_matching(true).build();
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    let subs = [(); 2].map(|()| Sub::builder().over(transport).invert_matching(true).build());
    subs[0].subscribe("PREFIX").unwrap();
    subs[1].subscribe("p").unwrap();
    for sub in &subs {
        transport.connect(sub, &publisher, endpoint.clone()).await;
    }
    let mut received: [_; 2] = requests(&publisher).await;
    received.sort_unstable();
    assert_eq!(received, ["+PREFIX", "+p"]);
    assert_eq!(["PREFIXA", "p", "q"].map(|part| publisher.subscribers(part)), [1, 1, 2]);
    for message in ["PREFIXA", "p", "q"] {
        publisher.send(message).await.unwrap();
    }
    for (sub, expected) in subs.iter().zip([["p", "q"], ["PREFIXA", "q"]]) {
        for message in expected {
            assert_eq!(sub.recv().await.unwrap(), [message]);
        }
    }
}
