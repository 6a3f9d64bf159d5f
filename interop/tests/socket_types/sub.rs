//! SUB with PUB and XPUB sockets of libzmq, and PUB with a SUB that takes it for one of ZMTP 3.0.

use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

use interop::{BytesOption, Context, Socket, SocketOption, SocketType};
use support::relay::relay_as_zmtp_3_0;
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Builder, Pub, Sub};

use crate::credentials::Credentials;
use crate::messages::{Parts, bodies};
use crate::pairing::{
    ANY_PORT, Binds, POLL_INTERVAL, guarded, over_tcp_and_ipc, own_endpoint, until_some,
    would_not_block,
};
use crate::side::reconnecting;

over_tcp_and_ipc!(only_messages_that_match_arrive);

/// Corresponds to `test_sub_forward` and `test_xpub_verbose` of libzmq.
async fn only_messages_that_match_arrive(transport: Transport) {
    for their_type in PUBLISHERS {
        for binds in Binds::EITHER {
            let (sub, publisher) = connected(Sub::builder(), their_type, binds, transport).await;
            sub.subscribe("weather.").unwrap();
            until_subscribed(&sub, &publisher, "weather.").await;
            for topic in ["news", "weather", "weather.london", "", "weather.rome"] {
                publish(&publisher, &[topic.as_bytes(), b"", b"body"]);
            }
            for topic in ["weather.london", "weather.rome"] {
                assert_eq!(sub.recv().await.unwrap(), [topic, "", "body"]);
            }
            sub.subscribe("news").unwrap();
            until_subscribed(&sub, &publisher, "news").await;
            assert!(sub.unsubscribe("weather."));
            publish(&publisher, &[b"weather.paris"]);
            publish(&publisher, &[b"news"]);
            assert_eq!(sub.recv().await.unwrap(), ["news"]);
        }
    }
}

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for credentials in Credentials::all() {
        for their_type in PUBLISHERS {
            for binds in Binds::EITHER {
                let sub = credentials.secure_ours(Sub::builder()).build();
                let publisher = socket(their_type);
                let _zap_handler = credentials.secure_theirs(&publisher);
                join(&sub, &publisher, binds, transport).await;
                sub.subscribe("a").unwrap();
                until_subscribed(&sub, &publisher, "a").await;
                for body in bodies() {
                    publish(&publisher, &[b"b", &body]);
                    publish(&publisher, &[b"a", &body]);
                    let message = sub.recv().await.unwrap();
                    assert!(message[0] == *b"a" && message[1] == body);
                }
                // The command that cancels it is sealed as well.
                assert!(sub.unsubscribe("a"));
                sub.subscribe("b").unwrap();
                until_subscribed(&sub, &publisher, "b").await;
            }
        }
    }
}

/// A SUB of libzmq announces at most 1,000 by default.
#[tokio::test]
async fn thousands_of_subscriptions_reach_every_publisher() {
    guarded(async {
        let sub = reconnecting(Sub::builder()).build();
        let expected: BTreeSet<_> =
            (0..TOPICS).map(|number| format!("topic {number}").into_bytes()).collect();
        for topic in &expected {
            sub.subscribe(topic).unwrap();
        }
        let mut publisher = socket(SocketType::XPub);
        publisher.bind(&own_endpoint(Transport::Tcp)).unwrap();
        let endpoint = publisher.last_endpoint().unwrap();
        sub.connect(&*endpoint).await.unwrap();
        for _ in 0..=10 {
            let mut announced = BTreeSet::new();
            while announced.len() < TOPICS {
                let message = recv(&publisher).await;
                assert_eq!(message[0][0], 0x01);
                assert!(announced.insert(message[0][1..].to_vec()));
            }
            assert!(announced == expected);
            publish(&publisher, &[b"topic 2999", b"body"]);
            assert_eq!(sub.recv().await.unwrap(), ["topic 2999", "body"]);
            drop(publisher);
            publisher = socket(SocketType::XPub);
            until_some(|| publisher.bind(&endpoint).ok()).await;
        }
    })
    .await;
}

/// The ends announce ZMTP 3.1 and take each other for remotes of ZMTP 3.0, as those of libzmq 4.3.2
/// and earlier, JeroMQ and NetMQ. Subscriptions are then messages, which CURVE encrypts as such.
#[tokio::test]
async fn subscriptions_pass_as_messages_of_zmtp_3_0_under_every_mechanism() {
    guarded(async {
        for credentials in iter::once(None).chain(Credentials::all().map(Some)) {
            let (publisher, sub) = (socket(SocketType::XPub), Sub::builder());
            let _zap_handler = credentials.as_ref().map(|it| it.secure_theirs(&publisher));
            let sub = match &credentials {
                Some(credentials) => credentials.secure_ours(sub).build(),
                None => sub.build(),
            };
            publisher.bind(ANY_PORT).unwrap();
            let endpoint = publisher.last_endpoint().unwrap().parse().unwrap();
            sub.connect(relay_as_zmtp_3_0(&endpoint).await).await.unwrap();
            sub.subscribe("a").unwrap();
            assert_eq!(recv(&publisher).await, [b"\x01a"]);
            publish(&publisher, &[b"a", b"b"]);
            assert_eq!(sub.recv().await.unwrap(), ["a", "b"]);
            sub.unsubscribe("a");
            assert_eq!(recv(&publisher).await, [b"\x00a"]);
        }
    })
    .await;
}

#[tokio::test]
async fn our_publisher_accepts_their_messages_of_zmtp_3_0_under_every_mechanism() {
    guarded(async {
        for credentials in iter::once(None).chain(Credentials::all().map(Some)) {
            let (publisher, sub) = (Pub::builder(), socket(SocketType::Sub));
            let _zap_handler = credentials.as_ref().map(|it| it.secure_theirs(&sub));
            let publisher = match &credentials {
                Some(credentials) => credentials.secure_ours(publisher).build(),
                None => publisher.build(),
            };
            let endpoint = publisher.bind(ANY_PORT).await.unwrap();
            sub.connect(&relay_as_zmtp_3_0(&endpoint).await.to_string()).unwrap();
            sub.set_bytes(BytesOption::Subscribe, b"a").unwrap();
            publisher.subscribed("a").await.unwrap();
            publisher.send(["a", "b"]).await.unwrap();
            assert_eq!(recv(&sub).await, [b"a", b"b"]);
            sub.set_bytes(BytesOption::Unsubscribe, b"a").unwrap();
            while publisher.subscribers("a") > 0 {
                // libzmq sends the cancellation when the socket is used.
                assert!(would_not_block(sub.try_recv_parts()).is_none());
                time::sleep(POLL_INTERVAL).await;
            }
        }
    })
    .await;
}

/// A publisher of libzmq keeps a set of topics for each remote, and removes a topic at its first
/// cancellation.
#[tokio::test]
async fn a_topic_that_was_subscribed_to_twice_is_cancelled_once() {
    guarded(async {
        let (sub, publisher) =
            connected(Sub::builder(), SocketType::XPub, Binds::First, Transport::Tcp).await;
        publisher.set(SocketOption::XpubVerboser, 1).unwrap();
        sub.subscribe("a").unwrap();
        assert_eq!(recv(&publisher).await, [b"\x01a"]);
        sub.subscribe("a").unwrap();
        assert!(sub.unsubscribe("a"));
        sub.subscribe("b").unwrap();
        assert_eq!(recv(&publisher).await, [b"\x01b"]);
        publish(&publisher, &[b"a"]);
        assert_eq!(sub.recv().await.unwrap(), ["a"]);
        assert!(sub.unsubscribe("a"));
        assert_eq!(recv(&publisher).await, [b"\x00a"]);
    })
    .await;
}

/// Corresponds to `test_pub_invert_matching` of libzmq.
#[tokio::test]
async fn inverted_matching_discards_the_messages_that_match() {
    guarded(async {
        let publisher = socket(SocketType::XPub);
        publisher.set(SocketOption::InvertMatching, 1).unwrap();
        let sub = Sub::builder().invert_matching(true).build();
        join(&sub, &publisher, Binds::First, Transport::Tcp).await;
        sub.subscribe("PREFIX").unwrap();
        assert_eq!(recv(&publisher).await, [b"\x01PREFIX"]);
        for body in ["PREFIXtest", "prefixtest", "test"] {
            publish(&publisher, &[body.as_bytes()]);
        }
        assert_eq!(sub.recv().await.unwrap(), ["prefixtest"]);
        assert_eq!(sub.recv().await.unwrap(), ["test"]);
    })
    .await;
}

/// Heartbeats detect a publisher that fails without closing its connections. (libzmq#1199)
#[tokio::test]
async fn heartbeats_keep_the_connection_of_a_publisher_that_answers() {
    guarded(async {
        let builder = Sub::builder().heartbeat_interval(Duration::from_millis(20));
        let builder = builder.heartbeat_timeout(Duration::from_secs(5));
        let (sub, publisher) =
            connected(builder, SocketType::Pub, Binds::Second, Transport::Tcp).await;
        sub.subscribe("").unwrap();
        until_subscribed(&sub, &publisher, "").await;
        let remote = sub.remotes().list()[0].connection_id();
        let mut monitor = sub.monitor();
        while sub.remotes().stats(remote).unwrap().heartbeat_round_trip.is_none() {
            time::sleep(POLL_INTERVAL).await;
        }
        drop(publisher);
        let reason = support::events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
    })
    .await;
}

/// Creates a SUB and a publisher of theirs, and connects them. The first is the SUB.
async fn connected(
    builder: Builder<Sub>,
    their_type: SocketType,
    binds: Binds,
    transport: Transport,
) -> (Sub, Socket) {
    let (sub, publisher) = (builder.build(), socket(their_type));
    join(&sub, &publisher, binds, transport).await;
    (sub, publisher)
}

async fn join(sub: &Sub, publisher: &Socket, binds: Binds, transport: Transport) {
    let endpoint = own_endpoint(transport);
    if binds == Binds::First {
        let endpoint = sub.bind(&*endpoint).await.unwrap();
        publisher.connect(&endpoint.to_string()).unwrap();
    } else {
        publisher.bind(&endpoint).unwrap();
        sub.connect(publisher.last_endpoint().unwrap()).await.unwrap();
    }
}

/// Publishes messages until one arrives, and receives all of them.
async fn until_subscribed(sub: &Sub, publisher: &Socket, topic: &str) {
    let mut last = 0_u32;
    loop {
        last += 1;
        publish(publisher, &[topic.as_bytes(), &last.to_be_bytes()]);
        time::sleep(POLL_INTERVAL).await;
        if let Ok(mut message) = sub.try_recv() {
            while message[1] != last.to_be_bytes() {
                message = sub.recv().await.unwrap();
            }
            return;
        }
    }
}

fn publish(publisher: &Socket, parts: &[&[u8]]) {
    publisher.try_send_parts(parts).unwrap();
}

async fn recv(publisher: &Socket) -> Parts {
    until_some(|| would_not_block(publisher.try_recv_parts())).await
}

fn socket(socket_type: SocketType) -> Socket {
    let socket = Socket::new(&Context::new().unwrap(), socket_type).unwrap();
    socket.set(SocketOption::Linger, 0).unwrap();
    socket
}

const PUBLISHERS: [SocketType; 2] = [SocketType::Pub, SocketType::XPub];

const TOPICS: usize = 3_000;
