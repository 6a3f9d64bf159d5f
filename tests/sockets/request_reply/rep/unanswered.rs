//! Repliers that are dropped.

use tokio_zmtp::Rep;
use tokio_zmtp::monitor::{DropCause, EventKind};

use super::{rep_and_requester, rep_and_requester_with, request, requester};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn dropped_repliers_are_counted_and_the_first_of_a_series_is_reported() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut monitor = rep.monitor();
    for _ in 0..2 {
        remote.write(&request(b"?").repeat(4)).await;
        for _ in 0..3 {
            drop(rep.recv().await.unwrap());
        }
        rep.recv().await.unwrap().1.reply("!").await.unwrap();
        // The only reply is that to the last request.
        assert_eq!(remote.read(5).await, request(b"!"));
    }
    assert_eq!(rep.stats().dropped.unanswered_requests, 6);
    let about = events::until_dropped(&mut monitor, 2, DropCause::UnansweredRequest).await;
    assert_eq!(about.0, Some(remote.address()));
    rep.close().await;
    let rest = events::rest(monitor).await;
    let is_drop = |kind: &EventKind| matches!(kind, EventKind::MessagesDropped { .. });
    assert!(!rest.iter().any(|event| is_drop(&event.kind)), "{rest:?}");
}

#[tokio::test]
async fn dropped_repliers_are_answered_if_requested() {
    let _watchdog = Watchdog::start();
    let builder = Rep::builder().reply_on_drop(["error", "?"]);
    let (rep, mut remote) = rep_and_requester_with(builder).await;
    remote.write(b"\x01\x02id\x01\x00\x00\x01?").await;
    drop(rep.recv().await.unwrap());
    let expected = b"\x01\x02id\x01\x00\x01\x05error\x00\x01?";
    assert_eq!(remote.read(expected.len()).await, expected);

    remote.write(&request(b"?")).await;
    let (_, replier) = rep.recv().await.unwrap();
    let panicked = tokio::spawn(async move {
        let _replier = replier;
        panic!("a fault of a service, expected by this test");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(remote.read(12).await, b"\x01\x00\x01\x05error\x00\x01?");

    remote.write(&request(b"?")).await;
    rep.recv().await.unwrap().1.reply("!").await.unwrap();
    assert_eq!(remote.read(5).await, request(b"!"));
    assert_eq!(rep.stats().dropped.unanswered_requests, 2);
    remote.sync().await;
}

#[tokio::test]
async fn an_answer_to_a_requester_that_has_left_is_dropped() {
    let _watchdog = Watchdog::start();
    let builder = Rep::builder().reply_on_drop("error");
    let (rep, mut remote) = rep_and_requester_with(builder).await;
    let mut monitor = rep.monitor();
    remote.write(&request(b"?")).await;
    let unanswered = rep.recv().await.unwrap();
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    drop(unanswered);
    assert_eq!(rep.stats().dropped.unanswered_requests, 1);

    let mut other = requester(&rep.last_endpoint().unwrap()).await;
    other.write(&request(b"?")).await;
    rep.recv().await.unwrap().1.reply("!").await.unwrap();
    assert_eq!(other.read(5).await, request(b"!"));
}
