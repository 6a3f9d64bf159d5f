//! The view of the subscribers.

use std::time::Duration;

use futures::FutureExt;
use tokio_test::{assert_pending, task};
use tokio_zmtp::monitor::{DialFailure, DisconnectReason, EventKind};
use tokio_zmtp::{NoRemoteError, Pub, ReconnectStop};

use super::{bound, subscriber};
use crate::remote::{RemoteListener, command};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn subscribers_are_the_remotes_that_a_message_would_reach() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let endpoint = bound(&publisher).await;
    let _all = subscriber(&endpoint, &[""]).await;
    let _some = subscriber(&endpoint, &["news", "news.x", "weather"]).await;
    let other = subscriber(&endpoint, &["news.x"]).await;
    let count = |topics: [&str; 4]| topics.map(|topic| publisher.subscribers(topic));
    assert_eq!(count(["", "news", "news.x.y", "weather"]), [1, 2, 3, 2]);
    drop(other);
    while publisher.remotes().len() > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(["", "news", "news.x.y", "weather"]), [1, 2, 2, 2]);
    assert!(publisher.full_subscribers("news").is_empty());
}

#[tokio::test]
async fn subscribed_waits_for_a_topic_that_matches() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let mut remote = subscriber(&bound(&publisher).await, &["new"]).await;
    assert!(publisher.subscribed("news").now_or_never().is_some());

    let mut waiting = Box::pin(publisher.subscribed("weather.london"));
    let mut other = Box::pin(publisher.subscribed("sports"));
    assert!(futures::poll!(&mut waiting).is_pending());
    assert!(futures::poll!(&mut other).is_pending());
    for topic in ["weather.paris", "weather.london.city"] {
        remote.write(&command("SUBSCRIBE", topic.as_bytes())).await;
        remote.sync().await;
        assert!(futures::poll!(&mut waiting).is_pending(), "{topic}");
    }
    remote.write(&command("SUBSCRIBE", b"weather")).await;
    waiting.await.unwrap();
    assert!(futures::poll!(&mut other).is_pending());
    publisher.send("weather.london").await.unwrap();
    assert_eq!(remote.read_message().await, b"weather.london");
}

#[tokio::test]
async fn subscriptions_are_reported_if_configured() {
    let _watchdog = Watchdog::start();
    for reports in [false, true] {
        let publisher = Pub::builder().subscription_events(reports).build();
        let endpoint = bound(&publisher).await;
        let mut monitor = publisher.monitor();
        let mut remote = subscriber(&endpoint, &["a", "b", "a"]).await;
        for topic in ["a", "a", "c"] {
            remote.write(&command("CANCEL", topic.as_bytes())).await;
        }
        remote.sync().await;
        let id = publisher.remotes().iter().next().unwrap().connection_id();
        publisher.close().await;
        let mut reported = Vec::new();
        while let Some(event) = monitor.recv().await {
            let event = event.unwrap();
            let (name, topic) = match event.kind {
                EventKind::Subscribed { topic } => ("subscribed", topic),
                EventKind::Cancelled { topic } => ("cancelled", topic),
                _ => continue,
            };
            assert_eq!(event.connection_id, Some(id));
            reported.push((name, topic.to_str().unwrap().to_owned()));
        }
        let expected = [("subscribed", "a"), ("subscribed", "b"), ("cancelled", "a")];
        let expected = expected.map(|(name, topic)| (name, topic.to_owned()));
        assert_eq!(reported, if reports { expected.to_vec() } else { vec![] });
    }
}

#[tokio::test]
async fn a_task_that_waits_for_subscribers_is_woken_when_the_socket_is_closed() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let handle = publisher.clone();
    let waiting = tokio::spawn(async move { handle.subscribed("a").await });
    tokio::task::yield_now().await;
    publisher.close().await;
    assert!(matches!(waiting.await.unwrap(), Err(NoRemoteError::Closed)));
    assert!(matches!(publisher.subscribed("a").await, Err(NoRemoteError::Closed)));
}

#[tokio::test]
async fn a_task_that_waits_for_subscribers_fails_when_the_last_endpoint_is_abandoned() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let builder = Pub::builder().reconnect_stop([ReconnectStop::AfterDisconnect]);
    let publisher = builder.connect(listener.endpoint()).await.unwrap();
    let mut waiting = task::spawn(publisher.subscribed("a"));
    assert_pending!(waiting.poll());
    let remote = listener.accept_as("SUB").await;
    assert_pending!(waiting.poll());
    drop(remote);
    for error in [waiting.await.unwrap_err(), publisher.subscribed("a").await.unwrap_err()] {
        let NoRemoteError::Failed(DialFailure::Disconnected(reason)) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
    }

    let endpoint = bound(&publisher).await;
    let mut waiting = task::spawn(publisher.subscribed("a"));
    assert_pending!(waiting.poll(), "another remote may subscribe");
    let _remote = subscriber(&endpoint, &["a"]).await;
    waiting.await.unwrap();
}

#[tokio::test]
async fn a_task_waits_for_subscribers_after_the_application_has_unbound_the_last_endpoint() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let mut waiting = task::spawn(publisher.subscribed("a"));
    assert_pending!(waiting.poll(), "there is no endpoint yet");
    let endpoint = bound(&publisher).await;
    publisher.unbind(endpoint).await.unwrap();
    assert_pending!(waiting.poll());
    let endpoint = bound(&publisher).await;
    let _remote = subscriber(&endpoint, &["a"]).await;
    waiting.await.unwrap();
}

/// The subscriptions of a remote that leaves are released in portions, between which messages are
/// sent.
#[tokio::test]
async fn a_remote_with_many_topics_leaves_without_delaying_others() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let endpoint = bound(&publisher).await;
    let mut staying = subscriber(&endpoint, &["topic 1"]).await;
    let topics = 50_000;
    let mut leaving = subscriber(&endpoint, &[]).await;
    let mut subscriptions = Vec::new();
    for number in 0..topics {
        subscriptions.extend(command("SUBSCRIBE", format!("topic {number}").as_bytes()));
    }
    leaving.write(&subscriptions).await;
    leaving.sync().await;
    assert_eq!(publisher.subscribers("topic 1"), 2);
    drop(leaving);
    let mut sends = 0;
    while publisher.remotes().len() > 1 || sends < 1_000 {
        publisher.send("topic 1").await.unwrap();
        sends += 1;
        assert_eq!(staying.read_message().await, b"topic 1");
    }
    assert_eq!(publisher.subscribers("topic 1"), 1);
}

/// They are released with the subscriptions of the next connection.
#[tokio::test]
async fn a_subscriber_that_returns_does_not_wait_for_the_release_of_its_earlier_topics() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let publisher = Pub::builder().reconnect_interval(Duration::from_millis(1)).build();
    publisher.connect(listener.endpoint()).await.unwrap();
    let mut first = listener.accept_as("SUB").await;
    let topics = 1_000;
    let subscriptions = |topics: usize| {
        let topics = (0..topics).map(|number| format!("{number}"));
        topics.flat_map(|topic| command("SUBSCRIBE", topic.as_bytes())).collect::<Vec<_>>()
    };
    first.write(&subscriptions(topics)).await;
    first.sync().await;
    drop(first);
    let mut second = listener.accept_as("SUB").await;
    second.write(&command("SUBSCRIBE", b"new")).await;
    second.sync().await;
    assert_eq!(["new", "1"].map(|part| publisher.subscribers(part)), [1, 0]);
    assert!(publisher.topics() > topics / 2, "earlier topics count until they are released");
    second.write(&subscriptions(topics / 2)).await;
    second.sync().await;
    assert_eq!(publisher.topics(), 1 + topics / 2);
}
