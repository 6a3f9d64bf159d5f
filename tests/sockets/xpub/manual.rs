//! Publishers whose application decides on requests.

use tokio_zmtp::{AnswerError, SlowSubscriber, SubscriptionRequest, TryRouteError, Upstream, XPub};

use super::{message_of_xsub, requests};
use crate::publishing::{bound, subscriber};
use crate::remote::{LONGER_THAN_BUFFERS, command, message};
use crate::watchdog::Watchdog;

/// (libzmq `test_xpub_manual`.)
#[tokio::test]
async fn a_remote_receives_what_the_application_accepts() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).build();
    let mut remote = subscriber(&bound(&publisher).await, &["A"]).await;
    let request = subscription(&publisher).await;
    assert_eq!((request.topic().as_bytes(), publisher.subscribers("A")), (&b"A"[..], 0));
    publisher.accept_as(&request, &["XA".parse().unwrap()]).unwrap();
    publisher.send("A").await.unwrap();
    publisher.send("XA").await.unwrap();
    assert_eq!(remote.read_message().await, b"XA");

    remote.write(&command("CANCEL", b"A")).await;
    remote.write(&command("SUBSCRIBE", b"B")).await;
    let cancellation = cancellation(&publisher).await;
    assert_eq!(publisher.subscribers("XA"), 1, "it has not been accepted");
    publisher.accept_as(&cancellation, &["XA".parse().unwrap()]).unwrap();
    let request = subscription(&publisher).await;
    publisher.accept(&request).unwrap();
    assert_eq!(publisher.topics(), 1);
    publisher.send("XA").await.unwrap();
    publisher.send("B").await.unwrap();
    assert_eq!(remote.read_message().await, b"B");

    // The subscriptions end with the connection, and the requested topics are cancelled.
    drop(remote);
    assert_eq!(requests(&publisher).await, ["-B"]);
    assert_eq!([publisher.subscribers("B"), publisher.topics()], [0, 0]);
}

#[tokio::test]
async fn every_request_is_received() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).build();
    let endpoint = bound(&publisher).await;
    let mut a = subscriber(&endpoint, &["x", "x"]).await;
    let b = subscriber(&endpoint, &["x"]).await;
    for topic in ["never", "x", "x"] {
        a.write(&command("CANCEL", topic.as_bytes())).await;
    }
    a.sync().await;
    drop(b);
    assert_eq!(requests(&publisher).await, ["+x", "+x", "+x", "-x", "-x"]);
}

/// In libzmq, a message of one remote can redirect the answer to another one.
#[tokio::test]
async fn an_answer_applies_to_the_remote_of_its_request() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).build();
    let endpoint = bound(&publisher).await;
    let mut a = subscriber(&endpoint, &["a"]).await;
    let first = subscription(&publisher).await;
    let mut b = subscriber(&endpoint, &["b"]).await;
    b.write(&message(b"user message")).await;
    b.sync().await;
    let second = subscription(&publisher).await;
    assert_eq!(message_of_xsub(&publisher).await, ["user message"]);
    publisher.accept(&second).unwrap();
    publisher.accept(&first).unwrap();
    for topic in ["b", "a"] {
        publisher.send(topic).await.unwrap();
    }
    assert_eq!(a.read_message().await, b"a");
    assert_eq!(b.read_message().await, b"b");
}

#[tokio::test]
async fn an_answer_to_a_remote_that_has_left_fails() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).build();
    let endpoint = bound(&publisher).await;
    let remote = subscriber(&endpoint, &["a"]).await;
    let request = subscription(&publisher).await;
    drop(remote);
    let cancellation = cancellation(&publisher).await;
    let _next = subscriber(&endpoint, &[]).await;
    assert_eq!(publisher.accept(&request), Err(AnswerError::HostUnreachable));
    assert_eq!(publisher.accept(&cancellation), Ok(()), "nothing is left to cancel");
    let sent = publisher.try_send_to(&request, "value");
    assert_eq!(sent, Err(TryRouteError::HostUnreachable("value".into())));
    assert_eq!(publisher.subscribers("a"), 0);
    publisher.close().await;
    assert_eq!(publisher.accept(&request), Err(AnswerError::Closed));
    assert_eq!(
        publisher.try_send_to(&request, "value"),
        Err(TryRouteError::Closed("value".into()))
    );
}

#[tokio::test]
async fn a_publisher_without_manual_mode_refuses_answers() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::new();
    let _remote = subscriber(&bound(&publisher).await, &["a"]).await;
    let request = subscription(&publisher).await;
    let answered = publisher.accept_as(&request, &["b".parse().unwrap()]);
    assert_eq!(answered, Err(AnswerError::NotManual));
    assert_eq!(publisher.subscribers("b"), 0);
}

/// The last value reaches only the new subscriber, before later messages. (libzmq
/// `test_xpub_manual_last_value`.)
#[tokio::test]
async fn the_last_value_is_sent_before_later_messages() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).build();
    let endpoint = bound(&publisher).await;
    let mut old = subscriber(&endpoint, &["a"]).await;
    publisher.accept(&subscription(&publisher).await).unwrap();
    let mut new = subscriber(&endpoint, &["a"]).await;
    let request = subscription(&publisher).await;
    publisher.send(["a", "before"]).await.unwrap();
    publisher.try_send_to(&request, ["a", "last value"]).unwrap();
    publisher.accept(&request).unwrap();
    publisher.send(["a", "later"]).await.unwrap();
    assert_eq!(old.read(21).await, b"\x01\x01a\x00\x06before\x01\x01a\x00\x05later");
    assert_eq!(new.read(25).await, b"\x01\x01a\x00\x0alast value\x01\x01a\x00\x05later");
}

#[tokio::test]
async fn a_message_to_a_full_remote_is_returned() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).send_hwm(1).build();
    let remote = subscriber(&bound(&publisher).await, &["a"]).await;
    let request = subscription(&publisher).await;
    publisher.try_send_to(&request, vec![b'x'; LONGER_THAN_BUFFERS]).unwrap();
    remote.peek().await;
    publisher.try_send_to(&request, "queued").unwrap();
    let sent = publisher.try_send_to(&request, "too much");
    assert_eq!(sent, Err(TryRouteError::Full("too much".into())));
    assert_eq!(publisher.stats().dropped.missed, 0);
}

#[tokio::test]
async fn the_last_value_replaces_the_queued_one_of_its_topic() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().manual(true).slow_subscriber(SlowSubscriber::KeepLast).build();
    let remote = subscriber(&bound(&publisher).await, &["a"]).await;
    let request = subscription(&publisher).await;
    publisher.accept(&request).unwrap();
    publisher.try_send_to(&request, vec![b'x'; LONGER_THAN_BUFFERS]).unwrap();
    remote.peek().await;
    publisher.send(["a", "1"]).await.unwrap();
    publisher.try_send_to(&request, ["a", "2"]).unwrap();
    publisher.send(["a", "3"]).await.unwrap();
    let stats = publisher.stats();
    assert_eq!((stats.queued.outgoing, stats.dropped.replaced), (1, 2));
}

async fn subscription(publisher: &XPub) -> SubscriptionRequest {
    match publisher.recv().await.unwrap() {
        Upstream::Subscribe(request) => request,
        other => panic!("{other:?} is not a subscription"),
    }
}

async fn cancellation(publisher: &XPub) -> SubscriptionRequest {
    match publisher.recv().await.unwrap() {
        Upstream::Cancel(request) => request,
        other => panic!("{other:?} is not a cancellation"),
    }
}
