//! Requests that are not received.

use tokio_zmtp::{Upstream, XPub};

use super::{requests, shown};
use crate::publishing::{bound, subscriber};
use crate::remote::command;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_remote_with_many_unread_requests_is_not_read_from() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().recv_hwm(4).build();
    let endpoint = bound(&publisher).await;
    let mut greedy = subscriber(&endpoint, &[]).await;
    let topics: Vec<_> = (0..20).map(|number| format!("{number:02}")).collect();
    for topic in &topics {
        greedy.write(&command("SUBSCRIBE", topic.as_bytes())).await;
    }
    while publisher.topics() < 4 {
        tokio::task::yield_now().await;
    }
    // Others are read from.
    let _other = subscriber(&endpoint, &["other"]).await;
    assert_eq!(publisher.topics(), 5);
    let id = publisher.remotes().iter().next().unwrap().connection_id();
    assert_eq!(publisher.remotes().stats(id).unwrap().queued.incoming, 4);
    assert_eq!(publisher.stats().queued.incoming, 5);
    assert_eq!(requests(&publisher).await, ["+00", "+01", "+02", "+03", "+other"]);
    for topic in &topics[4..] {
        assert!(publisher.stats().queued.incoming <= 4);
        assert_eq!(requests(&publisher).await, [format!("+{topic}")]);
    }
    greedy.sync().await;
}

/// The notices of a remote that leaves with many topics are queued as they are received, and delay
/// no other remote.
#[tokio::test]
async fn a_remote_leaves_with_more_topics_than_may_be_unread() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().recv_hwm(10).build();
    let endpoint = bound(&publisher).await;
    let topics = 1_000;
    let leaving = {
        let subscribing = async {
            let mut remote = subscriber(&endpoint, &[]).await;
            let mut subscriptions = Vec::new();
            for number in 0..topics {
                subscriptions.extend(command("SUBSCRIBE", format!("{number}").as_bytes()));
            }
            remote.write(&subscriptions).await;
            remote.sync().await;
            remote
        };
        let receiving = async {
            for number in 0..topics {
                assert_eq!(requests(&publisher).await, [format!("+{number}")]);
            }
        };
        tokio::join!(subscribing, receiving).0
    };
    drop(leaving);
    while !publisher.remotes().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(publisher.subscribers("1"), 0);
    let mut staying = subscriber(&endpoint, &["new"]).await;
    let (mut cancelled, mut most) = (0, 0);
    while cancelled < topics {
        most = most.max(publisher.stats().queued.incoming);
        match publisher.recv().await.unwrap() {
            Upstream::Cancel(_) => cancelled += 1,
            other => assert_eq!(shown(&other), "+new"),
        }
        publisher.send("new").await.unwrap();
        assert_eq!(staying.read_message().await, b"new");
    }
    assert!(most <= 11, "{most} unread requests");
    assert_eq!(publisher.topics(), 1);
}

/// While the unread requests of remotes that have left exceed their limit, no remote is accepted.
#[tokio::test]
async fn unread_requests_of_remotes_that_have_left_are_limited() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().ended_hwm_bytes(1).build();
    let endpoint = bound(&publisher).await;
    let mut monitor = publisher.monitor();
    drop(subscriber(&endpoint, &["a"]).await);
    crate::events::until(&mut monitor, |kind| {
        matches!(kind, tokio_zmtp::monitor::EventKind::ConnectionsPaused { .. })
    })
    .await;
    while publisher.topics() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(publisher.stats().ended.messages, 2);
    assert_eq!(requests(&publisher).await, ["+a", "-a"]);
    assert_eq!(publisher.stats().ended, Default::default());
    subscriber(&endpoint, &["b"]).await;
}
