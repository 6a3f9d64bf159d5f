//! PUB with SUB and XSUB sockets of libzmq.

use interop::{Socket, SocketOption, SocketType};
use support::publisher::Publisher;
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::{Pub, SlowSubscriber, XPub};

use crate::credentials::Credentials;
use crate::messages::bodies;
use crate::pairing::{Binds, POLL_INTERVAL, guarded, over_tcp_and_ipc, own_endpoint};
use crate::side::reconnecting;
use crate::theirs::{SUBSCRIBERS, cancel, join, recv, socket, subscribe};

over_tcp_and_ipc!(only_messages_that_match_arrive);

/// Corresponds to `test_sub_forward` of libzmq.
async fn only_messages_that_match_arrive(transport: Transport) {
    for their_type in SUBSCRIBERS {
        for binds in Binds::EITHER {
            let (publisher, subscriber) = (Pub::new(), subscriber(their_type));
            join(&publisher, &subscriber, binds, transport).await;
            subscribe(&subscriber, their_type, b"weather.").await;
            until_subscribed(&publisher, &subscriber, "weather.").await;
            for topic in ["news", "weather", "weather.london", "", "weather.rome"] {
                publisher.send([topic, "", "body"]).await.unwrap();
            }
            for topic in ["weather.london", "weather.rome"] {
                assert_eq!(recv(&subscriber).await, [topic.as_bytes(), b"", b"body"]);
            }
            subscribe(&subscriber, their_type, b"news").await;
            until_subscribed(&publisher, &subscriber, "news").await;
            cancel(&subscriber, their_type, b"weather.").await;
            while publisher.subscribers("weather.paris") > 0 {
                time::sleep(POLL_INTERVAL).await;
            }
            publisher.send("weather.paris").await.unwrap();
            publisher.send("news").await.unwrap();
            assert_eq!(recv(&subscriber).await, [b"news"]);
        }
    }
}

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for credentials in Credentials::all() {
        for their_type in SUBSCRIBERS {
            for binds in Binds::EITHER {
                let publisher = credentials.secure_ours(Pub::builder()).build();
                let subscriber = subscriber(their_type);
                let _zap_handler = credentials.secure_theirs(&subscriber);
                join(&publisher, &subscriber, binds, transport).await;
                subscribe(&subscriber, their_type, b"a").await;
                until_subscribed(&publisher, &subscriber, "a").await;
                for body in bodies() {
                    publisher.send(("b", &body)).await.unwrap();
                    publisher.send(("a", &body)).await.unwrap();
                    let message = recv(&subscriber).await;
                    assert!(message[0] == b"a" && message[1] == body);
                }
                // The command that cancels it is sealed as well.
                cancel(&subscriber, their_type, b"a").await;
                while publisher.subscribers("a") > 0 {
                    time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    }
}

/// Corresponds to `test_xpub_topic` of libzmq.
#[tokio::test]
async fn topics_of_every_header_arrive() {
    guarded(async {
        for their_type in SUBSCRIBERS {
            let (publisher, subscriber) = (Pub::new(), subscriber(their_type));
            join(&publisher, &subscriber, Binds::First, Transport::Tcp).await;
            for len in [0, 1, 245, 246, 248, 249, 254, 255, 256, 1_000] {
                let topic = vec![b'x'; len];
                subscribe(&subscriber, their_type, &topic).await;
                until_subscribed(&publisher, &subscriber, &topic).await;
                publisher.send(&topic[..]).await.unwrap();
                assert!(recv(&subscriber).await == [topic.clone()]);
                cancel(&subscriber, their_type, &topic).await;
                while publisher.subscribers(&topic) > 0 {
                    time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    })
    .await;
}

/// A SUB of libzmq sends every SUBSCRIBE of a repeated topic, but only the last CANCEL.
#[tokio::test]
async fn a_topic_that_their_sub_subscribed_to_twice_is_cancelled_once() {
    guarded(async {
        let (publisher, subscriber) = (Pub::new(), subscriber(SocketType::Sub));
        join(&publisher, &subscriber, Binds::First, Transport::Tcp).await;
        for topic in [b"a", b"a", b"b"] {
            subscribe(&subscriber, SocketType::Sub, topic).await;
        }
        until_subscribed(&publisher, &subscriber, "b").await;
        for (topic, left) in [("a", 1), ("b", 0)] {
            cancel(&subscriber, SocketType::Sub, topic.as_bytes()).await;
            while publisher.subscribers("b") > 0 && left == 0 {
                time::sleep(POLL_INTERVAL).await;
            }
            assert_eq!(publisher.subscribers("a"), 1);
        }
        cancel(&subscriber, SocketType::Sub, b"a").await;
        while publisher.subscribers("a") > 0 {
            time::sleep(POLL_INTERVAL).await;
        }
    })
    .await;
}

#[tokio::test]
async fn their_subscriber_replays_its_subscriptions_after_a_reconnect() {
    guarded(async {
        for their_type in SUBSCRIBERS {
            reconnect::<Pub>(their_type).await;
            reconnect::<XPub>(their_type).await;
        }
    })
    .await;
}

async fn reconnect<P: Publisher>(their_type: SocketType) {
    let subscriber = subscriber(their_type);
    subscriber.set(SocketOption::ReconnectInterval, 10).unwrap();
    let mut publisher = reconnecting(P::builder()).build();
    let endpoint = publisher.bind(own_endpoint(Transport::Tcp)).await.unwrap();
    subscriber.connect(&endpoint.to_string()).unwrap();
    for topic in [b"a", b"b"] {
        subscribe(&subscriber, their_type, topic).await;
    }
    for _ in 0..3 {
        for topic in ["a", "b"] {
            until_subscribed(&publisher, &subscriber, topic).await;
            publisher.send(topic).await.unwrap();
            assert_eq!(recv(&subscriber).await, [topic.as_bytes()]);
        }
        publisher.close().await;
        publisher = reconnecting(P::builder()).build();
        while publisher.bind(&endpoint).await.is_err() {
            time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Corresponds to `test_xpub_nodrop` of libzmq.
#[tokio::test]
async fn without_drops_their_full_subscriber_receives_everything() {
    guarded(async {
        for their_type in SUBSCRIBERS {
            let publisher =
                Pub::builder().slow_subscriber(SlowSubscriber::Wait).send_hwm(1).build();
            let subscriber = subscriber(their_type);
            subscriber.set(SocketOption::RecvHwm, 1).unwrap();
            join(&publisher, &subscriber, Binds::First, Transport::Tcp).await;
            subscribe(&subscriber, their_type, b"").await;
            until_subscribed(&publisher, &subscriber, "").await;
            let body = vec![b'x'; 0x10_0000];
            let mut sent = 0_u32;
            while publisher.try_send((sent.to_be_bytes(), &body)).is_ok() {
                sent += 1;
                // Their I/O thread reads meanwhile.
                time::sleep(POLL_INTERVAL).await;
            }
            assert_eq!(publisher.full_subscribers("").len(), 1);
            let waiting = publisher.send((sent.to_be_bytes(), &body));
            let receiving = async {
                for number in 0..=sent {
                    assert_eq!(recv(&subscriber).await[0], number.to_be_bytes());
                }
            };
            let (result, ()) = tokio::join!(waiting, receiving);
            result.unwrap();
            assert_eq!(publisher.stats().dropped.missed, 0);
        }
    })
    .await;
}

/// The queue holds one message for each topic.
#[tokio::test]
async fn their_stalled_subscriber_receives_the_last_messages() {
    guarded(async {
        for slow in [SlowSubscriber::DropOldest, SlowSubscriber::KeepLast] {
            let publisher = Pub::builder().slow_subscriber(slow).send_hwm(3).build();
            let subscriber = stalling(&publisher).await;
            let (mut round, body) = (0_u32, vec![b'x'; 0x10_0000]);
            while publisher.stats().dropped.missed + publisher.stats().dropped.replaced < 30 {
                round += 1;
                for topic in ["a", "b", "c"] {
                    publisher.try_send((topic, round.to_be_bytes(), &body)).unwrap();
                }
                time::sleep(POLL_INTERVAL).await;
            }
            let mut last = [0; 3];
            while last != [round; 3] {
                let message = recv(&subscriber).await;
                assert_eq!((message.len(), message[2].len()), (3, body.len()));
                let number = u32::from_be_bytes(message[1][..].try_into().unwrap());
                let last = &mut last[usize::from(message[0][0] - b'a')];
                assert!(number > *last, "in order");
                *last = number;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn their_stalled_subscriber_is_disconnected_and_returns() {
    guarded(async {
        let slow = SlowSubscriber::Disconnect { after: 10 };
        let publisher = Pub::builder().slow_subscriber(slow).send_hwm(3).build();
        let subscriber = stalling(&publisher).await;
        let body = vec![b'x'; 0x10_0000];
        while publisher.stats().refused.too_slow == 0 {
            publisher.try_send(("old", &body)).unwrap();
            time::sleep(POLL_INTERVAL).await;
        }
        loop {
            publisher.try_send("new").unwrap();
            match subscriber.try_recv_parts() {
                Ok(message) if message[0] == b"new" => break,
                Ok(message) => assert_eq!(message[0], b"old"),
                Err(_) => time::sleep(POLL_INTERVAL).await,
            }
        }
        assert_eq!(publisher.stats().dropped.missed, 10);
    })
    .await;
}

/// Connects a subscriber to all messages whose queue holds one.
async fn stalling(publisher: &Pub) -> Socket {
    let subscriber = subscriber(SocketType::Sub);
    subscriber.set(SocketOption::RecvHwm, 1).unwrap();
    subscriber.set(SocketOption::ReconnectInterval, 10).unwrap();
    join(publisher, &subscriber, Binds::First, Transport::Tcp).await;
    subscribe(&subscriber, SocketType::Sub, b"").await;
    until_subscribed(publisher, &subscriber, "").await;
    subscriber
}

fn subscriber(socket_type: SocketType) -> Socket {
    let subscriber = socket(socket_type);
    subscriber.set(SocketOption::Linger, 0).unwrap();
    subscriber
}

/// A bound socket of theirs sends its subscriptions to a new remote only when it is used.
async fn until_subscribed(
    publisher: &impl Publisher,
    subscriber: &Socket,
    topic: impl AsRef<[u8]>,
) {
    while publisher.subscribers(&topic) == 0 {
        assert!(subscriber.try_recv_parts().is_err(), "nothing was published");
        time::sleep(POLL_INTERVAL).await;
    }
}
