//! XSUB with PUB and XPUB sockets of libzmq.

use std::collections::BTreeSet;
use std::iter;

use interop::{Socket, SocketOption, SocketType};
use support::relay::relay_as_zmtp_3_0;
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::XSub;

use crate::credentials::Credentials;
use crate::messages::{Parts, bodies};
use crate::pairing::{
    ANY_PORT, Binds, POLL_INTERVAL, guarded, over_tcp_and_ipc, own_endpoint, until_some,
};
use crate::side::reconnecting;
use crate::theirs::{join, recv, send, socket};

over_tcp_and_ipc!(messages_pass_down_and_user_messages_pass_up);

async fn messages_pass_down_and_user_messages_pass_up(transport: Transport) {
    for binds in Binds::EITHER {
        let (xsub, publisher) = (XSub::new(), socket(SocketType::XPub));
        join(&xsub, &publisher, binds, transport).await;
        xsub.subscribe("weather.").unwrap();
        assert_eq!(recv(&publisher).await, [b"\x01weather."]);
        xsub.send(b"\x01news").await.unwrap();
        assert_eq!(recv(&publisher).await, [b"\x01news"]);
        for topic in ["news", "weather", "weather.london", "sports"] {
            send(&publisher, &[topic.into(), b"body".into()]).await;
        }
        for topic in ["news", "weather.london"] {
            assert_eq!(xsub.recv().await.unwrap(), [topic, "body"]);
        }
        for body in bodies() {
            xsub.send(("user", &body)).await.unwrap();
            let message = recv(&publisher).await;
            assert!(message == [b"user".to_vec(), body.clone()], "{} bytes", body.len());
        }
        xsub.send("").await.unwrap();
        assert_eq!(recv(&publisher).await, [b""]);
        xsub.send(b"\x00news").await.unwrap();
        assert_eq!(recv(&publisher).await, [b"\x00news"]);
        assert!(xsub.unsubscribe("weather."));
        assert_eq!(recv(&publisher).await, [b"\x00weather."]);
    }
}

over_tcp_and_ipc!(a_publisher_that_does_not_receive_gets_the_subscriptions);

async fn a_publisher_that_does_not_receive_gets_the_subscriptions(transport: Transport) {
    for binds in Binds::EITHER {
        let (xsub, publisher) = (XSub::new(), socket(SocketType::Pub));
        join(&xsub, &publisher, binds, transport).await;
        xsub.send("dropped").await.unwrap();
        xsub.send(b"\x01a").await.unwrap();
        until_subscribed(&xsub, &publisher, "a").await;
        xsub.subscribe("b").unwrap();
        assert!(xsub.unsubscribe("a"));
        until_subscribed(&xsub, &publisher, "b").await;
        send(&publisher, &[b"a".into()]).await;
        send(&publisher, &[b"b".into(), b"".into()]).await;
        assert_eq!(xsub.recv().await.unwrap(), ["b", ""]);
    }
}

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for credentials in Credentials::all() {
        for binds in Binds::EITHER {
            let xsub = credentials.secure_ours(XSub::builder()).build();
            let publisher = socket(SocketType::XPub);
            let _zap_handler = credentials.secure_theirs(&publisher);
            join(&xsub, &publisher, binds, transport).await;
            xsub.subscribe("a").unwrap();
            assert_eq!(recv(&publisher).await, [b"\x01a"]);
            for body in bodies() {
                send(&publisher, &[b"b".into(), body.clone()]).await;
                send(&publisher, &[b"a".into(), body.clone()]).await;
                let message = xsub.recv().await.unwrap();
                assert!(message[0] == *b"a" && message[1] == body);
                xsub.send(("user", &body)).await.unwrap();
                let message = recv(&publisher).await;
                assert!(message[0] == b"user" && message[1] == body);
            }
            xsub.send(b"\x00a").await.unwrap();
            assert_eq!(recv(&publisher).await, [b"\x00a"]);
        }
    }
}

/// Each end treats the other as a remote of ZMTP 3.0.
#[tokio::test]
async fn subscriptions_pass_as_messages_of_zmtp_3_0_under_every_mechanism() {
    guarded(async {
        for credentials in iter::once(None).chain(Credentials::all().map(Some)) {
            let (publisher, xsub) = (socket(SocketType::XPub), XSub::builder());
            let _zap_handler = credentials.as_ref().map(|it| it.secure_theirs(&publisher));
            let xsub = match &credentials {
                Some(credentials) => credentials.secure_ours(xsub).build(),
                None => xsub.build(),
            };
            publisher.bind(ANY_PORT).unwrap();
            let endpoint = publisher.last_endpoint().unwrap().parse().unwrap();
            xsub.connect(relay_as_zmtp_3_0(&endpoint).await).await.unwrap();
            xsub.send(b"\x01a").await.unwrap();
            assert_eq!(recv(&publisher).await, [b"\x01a"]);
            send(&publisher, &[b"a".into(), b"b".into()]).await;
            assert_eq!(xsub.recv().await.unwrap(), ["a", "b"]);
            xsub.send(["user", "message"]).await.unwrap();
            assert_eq!(recv(&publisher).await, [&b"user"[..], b"message"]);
            assert!(xsub.unsubscribe("a"));
            assert_eq!(recv(&publisher).await, [b"\x00a"]);
        }
    })
    .await;
}

/// libzmq queues subscriptions as messages, and drops those above its high-water mark of 1,000.
#[tokio::test]
async fn thousands_of_subscriptions_reach_a_publisher_that_restarts() {
    const TOPICS: usize = 3_000;
    guarded(async {
        let xsub = reconnecting(XSub::builder()).build();
        let expected: BTreeSet<_> =
            (0..TOPICS).map(|number| format!("topic {number}").into_bytes()).collect();
        for topic in &expected {
            xsub.send([b"\x01", &topic[..]].concat()).await.unwrap();
        }
        let mut publisher = socket(SocketType::XPub);
        publisher.bind(&own_endpoint(Transport::Tcp)).unwrap();
        let endpoint = publisher.last_endpoint().unwrap();
        xsub.connect(&*endpoint).await.unwrap();
        for _ in 0..3 {
            let mut announced = BTreeSet::new();
            while announced.len() < TOPICS {
                let message = recv(&publisher).await;
                assert_eq!(message[0][0], 0x01);
                assert!(announced.insert(message[0][1..].to_vec()));
            }
            assert!(announced == expected);
            send(&publisher, &[b"topic 2999".into(), b"body".into()]).await;
            assert_eq!(xsub.recv().await.unwrap(), ["topic 2999", "body"]);
            xsub.send("user").await.unwrap();
            assert_eq!(recv(&publisher).await, [b"user"]);
            drop(publisher);
            publisher = socket(SocketType::XPub);
            until_some(|| publisher.bind(&endpoint).ok()).await;
        }
    })
    .await;
}

/// A publisher of libzmq keeps a set of topics for each remote: each is announced once.
#[tokio::test]
async fn a_topic_that_was_subscribed_to_twice_is_cancelled_once() {
    guarded(async {
        let (xsub, publisher) = (XSub::new(), socket(SocketType::XPub));
        publisher.set(SocketOption::XpubVerboser, 1).unwrap();
        join(&xsub, &publisher, Binds::First, Transport::Tcp).await;
        xsub.send(b"\x01a").await.unwrap();
        xsub.subscribe("a").unwrap();
        assert!(xsub.unsubscribe("a"));
        assert_eq!(recv(&publisher).await, [b"\x01a"]);
        xsub.send("user").await.unwrap();
        assert_eq!(recv(&publisher).await, [b"user"]);
        xsub.send(b"\x00a").await.unwrap();
        assert_eq!(recv(&publisher).await, [b"\x00a"]);
    })
    .await;
}

/// An XPUB of libzmq treats each part that begins with 0 or 1 as a subscription, and ends the
/// message there.
#[tokio::test]
async fn their_xpub_treats_parts_of_user_messages_as_subscriptions() {
    guarded(async {
        let (xsub, publisher) = (XSub::new(), socket(SocketType::XPub));
        join(&xsub, &publisher, Binds::First, Transport::Tcp).await;
        xsub.remotes().connected().await.unwrap();
        xsub.send(["hello", "\x01p", "x"]).await.unwrap();
        let received: [Parts; 2] = [recv(&publisher).await, recv(&publisher).await];
        assert_eq!(received, [vec![b"hello".to_vec(), b"\x01p".to_vec()], vec![b"x".to_vec()]]);
        assert!(xsub.subscriptions().is_empty());
    })
    .await;
}

/// Publishes messages until one arrives, and receives all of them.
async fn until_subscribed(xsub: &XSub, publisher: &Socket, topic: &str) {
    let mut last = 0_u32;
    loop {
        last += 1;
        send(publisher, &[topic.into(), last.to_be_bytes().into()]).await;
        time::sleep(POLL_INTERVAL).await;
        if let Ok(mut message) = xsub.try_recv() {
            while message[1] != last.to_be_bytes() {
                message = xsub.recv().await.unwrap();
            }
            return;
        }
    }
}
