//! XPUB with SUB and XSUB sockets of libzmq.

use interop::{Socket, SocketOption, SocketType};
use support::relay::relay_as_zmtp_3_0;
use support::transports::Transport;
use tokio_zmtp::{Builder, Multipart, SubscriptionRequest, Upstream, Verbosity, XPub};

use crate::credentials::Credentials;
use crate::messages::bodies;
use crate::pairing::{
    ANY_PORT, Binds, POLL_INTERVAL, guarded, over_tcp_and_ipc, until_some, would_not_block,
};
use crate::theirs::{SUBSCRIBERS, cancel, join, recv, send, socket, subscribe};

over_tcp_and_ipc!(requests_and_messages_are_exchanged);

async fn requests_and_messages_are_exchanged(transport: Transport) {
    for their_type in SUBSCRIBERS {
        for binds in Binds::EITHER {
            let (publisher, subscriber) = (XPub::new(), socket(their_type));
            join(&publisher, &subscriber, binds, transport).await;
            exchange(&publisher, subscriber, their_type).await;
        }
    }
}

/// Exchanges requests, messages and user messages, until the subscriber leaves.
async fn exchange(publisher: &XPub, subscriber: Socket, their_type: SocketType) {
    subscribe(&subscriber, their_type, b"weather.").await;
    assert_eq!(request(publisher, &subscriber).await, "+weather.");
    for topic in ["news", "weather", "weather.london"] {
        publisher.send([topic, "", "body"]).await.unwrap();
    }
    assert_eq!(recv(&subscriber).await, [&b"weather.london"[..], b"", b"body"]);
    subscribe(&subscriber, their_type, b"news").await;
    assert_eq!(request(publisher, &subscriber).await, "+news");
    cancel(&subscriber, their_type, b"weather.").await;
    assert_eq!(request(publisher, &subscriber).await, "-weather.");
    if their_type == SocketType::XSub {
        for message in [vec![b"".to_vec()], vec![b"\x02user".to_vec(), b"".to_vec(), b"b".to_vec()]]
        {
            send(&subscriber, &message).await;
            assert_eq!(user_message(publisher).await, message.iter().collect::<Multipart>());
        }
    }
    publisher.send("weather.paris").await.unwrap();
    publisher.send("news").await.unwrap();
    assert_eq!(recv(&subscriber).await, [b"news"]);
    drop(subscriber);
    assert_eq!(shown(&publisher.recv().await.unwrap()), "-news");
    assert_eq!(publisher.topics(), 0);
}

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for credentials in Credentials::all() {
        for their_type in SUBSCRIBERS {
            for binds in Binds::EITHER {
                let publisher = credentials.secure_ours(XPub::builder()).build();
                let subscriber = socket(their_type);
                let _zap_handler = credentials.secure_theirs(&subscriber);
                join(&publisher, &subscriber, binds, transport).await;
                subscribe(&subscriber, their_type, b"a").await;
                assert_eq!(request(&publisher, &subscriber).await, "+a");
                for body in bodies() {
                    publisher.send(("b", &body)).await.unwrap();
                    publisher.send(("a", &body)).await.unwrap();
                    let message = recv(&subscriber).await;
                    assert!(message[0] == b"a" && message[1] == body);
                    if their_type == SocketType::XSub {
                        // No part begins with 0 or 1: their XSUB would treat it as a subscription.
                        let body = [b"user", &body[..]].concat();
                        send(&subscriber, &[b"user".to_vec(), body.clone()]).await;
                        let message = user_message(&publisher).await;
                        assert!(message == [&b"user"[..], &body]);
                    }
                }
                // The command that cancels it is sealed as well.
                cancel(&subscriber, their_type, b"a").await;
                assert_eq!(request(&publisher, &subscriber).await, "-a");
            }
        }
    }
}

/// The subscribers believe that the publisher speaks ZMTP 3.0, and send messages instead of
/// commands.
#[tokio::test]
async fn their_subscribers_of_zmtp_3_0_are_served() {
    guarded(async {
        for their_type in SUBSCRIBERS {
            let (publisher, subscriber) = (XPub::new(), socket(their_type));
            let endpoint = publisher.bind(ANY_PORT).await.unwrap();
            let relay = relay_as_zmtp_3_0(&endpoint).await;
            subscriber.connect(&relay.to_string()).unwrap();
            exchange(&publisher, subscriber, their_type).await;
        }
    })
    .await;
}

/// Corresponds to `test_xpub_verbose` of libzmq.
#[tokio::test]
async fn the_verbosity_determines_the_requests_of_their_subscribers() {
    guarded(async {
        for (verbosity, expected) in [
            (Verbosity::Changes, &["+x", "+end", "-x"][..]),
            (Verbosity::Verbose, &["+x", "+x", "+x", "+end", "-x"]),
            (Verbosity::Verboser, &["+x", "+x", "+x", "+end", "-x", "-x"]),
        ] {
            let publisher = XPub::builder().verbosity(verbosity).build();
            let endpoint = publisher.bind(ANY_PORT).await.unwrap();
            let subscribers = [(); 2].map(|()| socket(SocketType::Sub));
            for (number, subscriber) in subscribers.iter().enumerate() {
                subscriber.connect(&endpoint.to_string()).unwrap();
                subscribe(subscriber, SocketType::Sub, b"x").await;
                while publisher.subscribers("x") <= number {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
            // Each of their subscriptions is sent.
            subscribe(&subscribers[0], SocketType::Sub, b"x").await;
            subscribe(&subscribers[0], SocketType::Sub, b"end").await;
            while publisher.subscribers("end") == 0 {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            for topic in ["x", "x", "never"] {
                cancel(&subscribers[0], SocketType::Sub, topic.as_bytes()).await;
            }
            while publisher.subscribers("x") > 1 {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            cancel(&subscribers[1], SocketType::Sub, b"x").await;
            for expected in expected {
                assert_eq!(shown(&publisher.recv().await.unwrap()), *expected, "{verbosity:?}");
            }
            assert_eq!(publisher.topics(), 1);
        }
    })
    .await;
}

/// Corresponds to `test_xpub_manual` of libzmq. Their SUB would discard what it has not subscribed
/// to.
#[tokio::test]
async fn their_xsub_receives_what_the_application_accepts() {
    guarded(async {
        let their_type = SocketType::XSub;
        let (publisher, subscriber) = joined(XPub::builder().manual(true), their_type).await;
        subscribe(&subscriber, their_type, b"A").await;
        let asked = subscription(&publisher, &subscriber).await;
        publisher.accept_as(&asked, &["XA".parse().unwrap()]).unwrap();
        publisher.send("A").await.unwrap();
        publisher.send("XA").await.unwrap();
        assert_eq!(recv(&subscriber).await, [b"XA"]);
        cancel(&subscriber, their_type, b"A").await;
        let Upstream::Cancel(asked) = upstream(&publisher, &subscriber).await else {
            panic!("a cancellation is due");
        };
        publisher.accept_as(&asked, &["XA".parse().unwrap()]).unwrap();
        assert_eq!(publisher.subscribers("XA"), 0);
    })
    .await;
}

/// Corresponds to `test_xpub_manual_last_value` of libzmq.
#[tokio::test]
async fn the_last_value_reaches_their_new_subscriber_alone() {
    guarded(async {
        for their_type in SUBSCRIBERS {
            let builder = XPub::builder().manual(true);
            let (publisher, old) = joined(builder, their_type).await;
            subscribe(&old, their_type, b"a").await;
            publisher.accept(&subscription(&publisher, &old).await).unwrap();
            let new = socket(their_type);
            new.connect(&publisher.last_endpoint().unwrap().to_string()).unwrap();
            subscribe(&new, their_type, b"a").await;
            let asked = subscription(&publisher, &new).await;
            publisher.try_send_to(&asked, ["a", "last value"]).unwrap();
            publisher.accept(&asked).unwrap();
            publisher.send(["a", "later"]).await.unwrap();
            assert_eq!(recv(&new).await, [&b"a"[..], b"last value"]);
            for subscriber in [&old, &new] {
                assert_eq!(recv(subscriber).await, [&b"a"[..], b"later"]);
            }
        }
    })
    .await;
}

/// Corresponds to `test_xpub_welcome_msg` of libzmq.
#[tokio::test]
async fn their_subscribers_receive_the_welcome_message() {
    guarded(async {
        for their_type in SUBSCRIBERS {
            let publisher = XPub::builder().welcome_message("W").build();
            let endpoint = publisher.bind(ANY_PORT).await.unwrap();
            let subscriber = socket(their_type);
            subscribe(&subscriber, their_type, b"W").await;
            subscriber.connect(&endpoint.to_string()).unwrap();
            assert_eq!(recv(&subscriber).await, [b"W"]);
            assert_eq!(shown(&publisher.recv().await.unwrap()), "+W");
        }
    })
    .await;
}

/// Corresponds to `test_pub_invert_matching` of libzmq.
#[tokio::test]
async fn inverted_matching_sends_what_their_subscriber_has_not_subscribed_to() {
    guarded(async {
        let builder = XPub::builder().invert_matching(true);
        let (publisher, subscriber) = joined(builder, SocketType::Sub).await;
        subscriber.set(SocketOption::InvertMatching, 1).unwrap();
        subscribe(&subscriber, SocketType::Sub, b"PREFIX").await;
        assert_eq!(request(&publisher, &subscriber).await, "+PREFIX");
        for message in ["PREFIX1", "other", "PREFIX2", ""] {
            publisher.send(message).await.unwrap();
        }
        assert_eq!(recv(&subscriber).await, [b"other"]);
        assert_eq!(recv(&subscriber).await, [b""]);
    })
    .await;
}

/// Their socket sends further subscriptions when the earlier ones have been received.
#[tokio::test]
async fn their_subscriber_waits_while_its_requests_are_unread() {
    guarded(async {
        let (publisher, subscriber) = joined(XPub::builder().recv_hwm(10), SocketType::Sub).await;
        for number in 0..500 {
            subscribe(&subscriber, SocketType::Sub, format!("{number}").as_bytes()).await;
        }
        for number in 0..500 {
            assert!(publisher.stats().queued.incoming <= 10);
            assert_eq!(request(&publisher, &subscriber).await, format!("+{number}"));
        }
    })
    .await;
}

/// Binds a publisher, and connects a subscriber.
async fn joined(builder: Builder<XPub>, their_type: SocketType) -> (XPub, Socket) {
    let (publisher, subscriber) = (builder.build(), socket(their_type));
    join(&publisher, &subscriber, Binds::First, Transport::Tcp).await;
    (publisher, subscriber)
}

/// Receives a request, which is shown as the sign and the topic.
async fn request(publisher: &XPub, subscriber: &Socket) -> String {
    shown(&upstream(publisher, subscriber).await)
}

async fn subscription(publisher: &XPub, subscriber: &Socket) -> SubscriptionRequest {
    match upstream(publisher, subscriber).await {
        Upstream::Subscribe(request) => request,
        other => panic!("{other:?} is not a subscription"),
    }
}

/// Receives the request or message of a subscriber. A bound socket of theirs sends its
/// subscriptions to a new remote only when it is used.
async fn upstream(publisher: &XPub, subscriber: &Socket) -> Upstream {
    until_some(|| {
        let nothing = would_not_block(subscriber.try_recv_parts());
        assert_eq!(nothing, None, "nothing was published");
        publisher.try_recv().ok()
    })
    .await
}

async fn user_message(publisher: &XPub) -> Multipart {
    match publisher.recv().await.unwrap() {
        Upstream::Message(message) => message,
        other => panic!("{other:?} is not a user message"),
    }
}

fn shown(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Subscribe(request) => format!("+{}", request.topic()),
        Upstream::Cancel(request) => format!("-{}", request.topic()),
        Upstream::Message(message) => panic!("{message:?} is not a request"),
    }
}
