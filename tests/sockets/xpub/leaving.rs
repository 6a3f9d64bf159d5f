//! Subscribers that leave while messages wait for them.

use std::time::Duration;

use futures::poll;
use tokio_zmtp::monitor::{DropCause, EventKind};
use tokio_zmtp::{InprocEndpoint, SlowSubscriber, Sub, TryRouteError, Upstream, XPub, XSub};

use super::{message_of_xsub, requests};
use crate::events;
use crate::publishing::{bound, subscriber};
use crate::remote::{LONGER_THAN_BUFFERS, RemoteListener, command};
use crate::watchdog::Watchdog;

/// The publisher had connected to it: its queue remains, but the message is no longer for it.
#[tokio::test]
async fn a_sender_that_waits_for_a_subscriber_is_released_when_its_connection_ends() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let publisher = XPub::builder()
        .slow_subscriber(SlowSubscriber::Wait)
        .send_hwm(1)
        .reconnect_interval(Duration::from_secs(3_600))
        .build();
    publisher.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SUB").await;
    remote.write(&command("SUBSCRIBE", b"x")).await;
    assert_eq!(requests(&publisher).await, ["+x"]);
    publisher.send(vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    publisher.send("x is queued").await.unwrap();
    let mut sending = Box::pin(publisher.send("x waits"));
    assert!(poll!(&mut sending).is_pending());
    drop(remote);
    sending.await.unwrap();
    assert_eq!(requests(&publisher).await, ["-x"]);
}

#[tokio::test]
async fn the_topics_of_a_remote_that_is_disconnected_end_before_its_queue_is_written() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().linger(None).build();
    let remote = subscriber(&bound(&publisher).await, &["x"]).await;
    let Upstream::Subscribe(request) = publisher.recv().await.unwrap() else { panic!() };
    publisher.send(vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    assert!(publisher.remotes().disconnect(request.remote().connection_id()));
    assert_eq!(requests(&publisher).await, ["-x"]);
    drop(remote);
}

/// The next connection to the endpoint may be to another program.
#[tokio::test]
async fn messages_for_one_connection_never_reach_the_next() {
    let _watchdog = Watchdog::start();
    for manual in [true, false] {
        let listener = RemoteListener::bind();
        let publisher =
            XPub::builder().manual(manual).reconnect_interval(Duration::from_millis(1)).build();
        let mut monitor = publisher.monitor();
        publisher.connect(listener.endpoint()).await.unwrap();
        let mut first = listener.accept_as("SUB").await;
        first.write(&command("SUBSCRIBE", b"x")).await;
        let Upstream::Subscribe(request) = publisher.recv().await.unwrap() else { panic!() };
        if manual {
            publisher.accept(&request).unwrap();
        }
        publisher.send(vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
        first.peek().await;
        for number in 0..3 {
            publisher.send(["x", &number.to_string()]).await.unwrap();
        }
        publisher.try_send_to(&request, ["x", "secret"]).unwrap();
        publisher.send(vec![b'x'; 1_000]).await.unwrap();
        drop(first);
        events::until(&mut monitor, |kind| {
            matches!(kind, EventKind::MessagesDropped { cause: DropCause::Undelivered, .. })
        })
        .await;
        // The first one as well: only a part of it was written.
        assert_eq!(publisher.stats().dropped.undelivered, 6);
        assert_eq!(publisher.stats().queued.outgoing, 0);

        let mut second = listener.accept_as("SUB").await;
        second.write(&command("SUBSCRIBE", b"x")).await;
        assert_eq!(requests(&publisher).await, ["-x"]);
        let Upstream::Subscribe(next) = publisher.recv().await.unwrap() else { panic!() };
        let sent = publisher.try_send_to(&request, "secret");
        assert_eq!(sent, Err(TryRouteError::HostUnreachable("secret".into())));
        publisher.try_send_to(&next, "later").unwrap();
        assert_eq!(second.read_message().await, b"later");
    }
}

/// Its further subscriptions wait until the publisher has received the first one.
#[tokio::test]
async fn a_subscriber_of_the_same_process_closes_without_waiting_for_the_publisher() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().recv_hwm(1).build();
    let endpoint = publisher.bind(InprocEndpoint::unique()).await.unwrap();
    let sub = Sub::builder().linger(None).build();
    for topic in ["a", "b", "c"] {
        sub.subscribe(topic).unwrap();
    }
    sub.connect(endpoint).await.unwrap();
    sub.remotes().connected().await.unwrap();
    sub.close().await;
    assert_eq!(requests(&publisher).await, ["+a", "-a"]);
    assert_eq!(publisher.topics(), 0);
}

/// Its messages do not wait with its subscriptions.
#[tokio::test]
async fn the_messages_of_a_subscriber_of_the_same_process_arrive_when_it_closes() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().recv_hwm(1).build();
    let endpoint = publisher.bind(InprocEndpoint::unique()).await.unwrap();
    let xsub = XSub::builder().linger(None).build();
    for topic in ["a", "b", "c"] {
        xsub.subscribe(topic).unwrap();
    }
    xsub.connect(endpoint).await.unwrap();
    xsub.remotes().connected().await.unwrap();
    xsub.send("user message").await.unwrap();
    assert_eq!(xsub.close().await.undelivered, 0);
    assert_eq!(requests(&publisher).await, ["+a"]);
    assert_eq!(message_of_xsub(&publisher).await, ["user message"]);
    assert_eq!(requests(&publisher).await, ["-a"]);
}
