//! The messages that a SUB receives.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::task;
use tokio_zmtp::{Push, RecvError, Sub, TryRecvError, proxy};

use super::{connect_publisher, published};
use crate::remote::{Remote, message};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn messages_that_match_no_subscription_are_discarded() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(&["weather.", "news"]).await;
    for topic in ["weather", "weather.london", "", "new", "news", "sports", "newspaper"] {
        remote.write(&published(topic, "body")).await;
    }
    remote.write(&message(b"weather.alone")).await;
    for topic in ["weather.london", "news", "newspaper"] {
        assert_eq!(sub.recv().await.unwrap(), [topic, "body"]);
    }
    assert_eq!(sub.recv().await.unwrap(), ["weather.alone"]);
    assert_eq!(sub.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sub.stats().queued.incoming, 0);
}

#[tokio::test]
async fn without_a_subscription_nothing_is_received_and_the_empty_topic_matches_everything() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(&[]).await;
    remote.write(&published("a", "early")).await;
    remote.sync().await;
    assert_eq!(sub.try_recv(), Err(TryRecvError::Empty));
    sub.subscribe("").unwrap();
    assert_eq!(remote.read_frame().await.1, b"\x09SUBSCRIBE");
    for frames in [published("a", "b"), published("", "c"), message(b""), message(&[0x00, 0xFF])] {
        remote.write(&frames).await;
    }
    assert_eq!(sub.recv().await.unwrap(), ["a", "b"]);
    assert_eq!(sub.recv().await.unwrap(), ["", "c"]);
    assert_eq!(sub.recv().await.unwrap(), [""]);
    assert_eq!(sub.recv().await.unwrap(), [[0x00, 0xFF]]);
}

#[tokio::test]
async fn no_message_is_received_after_the_socket_unsubscribed() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(&["a", "b"]).await;
    for number in 0..100 {
        remote.write(&published("a", &number.to_string())).await;
    }
    remote.write(&published("b", "end")).await;
    while sub.stats().received.messages < 101 {
        task::yield_now().await;
    }
    assert_eq!(sub.try_recv().unwrap(), ["a", "0"]);
    sub.subscribe("a").unwrap();
    sub.unsubscribe("a");
    assert_eq!(sub.try_recv().unwrap(), ["a", "1"], "the topic was subscribed to twice");
    sub.unsubscribe("a");
    let (received, from) = sub.recv_from().await.unwrap();
    assert_eq!(received, ["b", "end"]);
    assert_eq!(from.connection_id(), sub.remotes().list()[0].connection_id());
    assert_eq!(sub.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sub.stats().queued.incoming, 0);
}

/// Unmatched messages may continue to arrive, so discarding them counts as waiting.
#[tokio::test]
async fn a_receiver_that_discards_many_messages_observes_its_time_limit() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(&["kept"]).await;
    fill(&sub, &mut remote).await;
    let received = sub.recv_timeout(Duration::ZERO).now_or_never();
    assert_eq!(received.unwrap().unwrap_err(), RecvError::Timeout);
    assert_eq!(sub.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(sub.recv().await.unwrap(), ["kept", "y"]);
}

/// libzmq loops in a receive that does not wait for as long as unmatched messages arrive.
#[tokio::test]
async fn unmatched_messages_do_not_keep_other_tasks_from_running() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(&["kept"]).await;
    fill(&sub, &mut remote).await;
    let before = sub.stats().queued.incoming;
    let mut receiving = Box::pin(sub.recv());
    assert!(futures::poll!(&mut receiving).is_pending());
    let discarded = before - sub.stats().queued.incoming;
    assert!((1..5_000).contains(&discarded), "{discarded} messages before the first yield");
    assert_eq!(receiving.await.unwrap(), ["kept", "y"]);
}

#[tokio::test]
async fn inverted_matching_discards_the_messages_that_match() {
    let _watchdog = Watchdog::start();
    let builder = Sub::builder().invert_matching(true).subscribe("a".parse().unwrap());
    let sub = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&sub, "PUB").await;
    assert_eq!(remote.read_frame().await.1, b"\x09SUBSCRIBEa");
    for topic in ["a", "b", "ab", ""] {
        remote.write(&published(topic, "x")).await;
    }
    assert_eq!(sub.recv().await.unwrap(), ["b", "x"]);
    assert_eq!(sub.recv().await.unwrap(), ["", "x"]);
}

#[tokio::test]
async fn a_sub_is_a_stream_and_receives_many_messages_together() {
    let _watchdog = Watchdog::start();
    let (mut sub, mut remote) = sub_and_remote(&["a"]).await;
    for topic in ["a1", "b1", "a2", "b2", "a3", "a4"] {
        remote.write(&published(topic, "x")).await;
    }
    while sub.stats().received.messages < 6 {
        task::yield_now().await;
    }
    assert_eq!(sub.next().await.unwrap(), ["a1", "x"]);
    let mut many = Vec::new();
    assert_eq!(sub.recv_many(&mut many, 2).await.unwrap(), 2);
    assert_eq!(many, [["a2", "x"], ["a3", "x"]]);
    assert_eq!(sub.recv().await.unwrap(), ["a4", "x"]);
    sub.close().await;
    assert!(sub.next().await.is_none());
}

#[tokio::test]
async fn a_proxy_forwards_what_matches_the_subscriptions() {
    let _watchdog = Watchdog::start();
    let (sub, mut remote) = sub_and_remote(&["a"]).await;
    let push = Push::builder().bind("inproc://from-a-sub").await.unwrap();
    let pull = tokio_zmtp::Pull::builder().connect("inproc://from-a-sub").await.unwrap();
    let running = proxy(&sub, &push);
    let handle = running.handle();
    let task = tokio::spawn(running);
    for topic in ["a1", "b1", "a2"] {
        remote.write(&published(topic, "x")).await;
    }
    assert_eq!(pull.recv().await.unwrap(), ["a1", "x"]);
    assert_eq!(pull.recv().await.unwrap(), ["a2", "x"]);
    assert_eq!(handle.stats().to_backend.messages, 2);
    handle.stop();
    task.await.unwrap();
}

/// Queues 10,000 messages that are not wanted, and one that is.
async fn fill(sub: &Sub, remote: &mut Remote) {
    remote.write(&published("other", "x").repeat(10_000)).await;
    remote.write(&published("kept", "y")).await;
    while sub.stats().received.messages < 10_001 {
        task::yield_now().await;
    }
}

/// Creates a SUB and a scripted PUB that has received its subscriptions.
async fn sub_and_remote(topics: &[&str]) -> (Sub, Remote) {
    let sub = Sub::builder().recv_hwm(0).bind("tcp://127.0.0.1:*").await.unwrap();
    for topic in topics {
        sub.subscribe(topic).unwrap();
    }
    let mut remote = connect_publisher(&sub, "PUB").await;
    for _ in topics {
        remote.read_frame().await;
    }
    (sub, remote)
}
