//! Messages that are not requests.

use std::time::Duration;

use tokio_zmtp::monitor::{DisconnectReason, DropCause, EventKind};
use tokio_zmtp::{RecvError, Rep, TryRecvError};

use super::{rep_and_requester, rep_and_requester_with, request, requester};
use crate::events;
use crate::watchdog::Watchdog;

/// Messages without an empty part before their last part.
const MALFORMED: [&[u8]; 5] = [
    b"\x00\x00",
    b"\x00\x05hello",
    b"\x01\x02id\x00\x00",
    b"\x01\x02id\x00\x05hello",
    b"\x01\x01a\x01\x01b\x01\x01c\x00\x01d",
];

#[tokio::test]
async fn messages_without_an_envelope_are_discarded_and_their_connection_continues() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut discarded = 0;
    for malformed in MALFORMED {
        remote.write(malformed).await;
        remote.sync().await;
        // In libzmq, the socket polls as readable, and the receive blocks.
        assert_eq!(rep.try_recv().err(), Some(TryRecvError::Empty));
        remote.write(&[malformed, &request(b"good")].concat()).await;
        let (received, mut replier) = rep.recv().await.unwrap();
        assert_eq!(received, ["good"]);
        replier.reply("reply").await.unwrap();
        assert_eq!(remote.read(9).await, request(b"reply"));
        discarded += 2;
        assert_eq!(rep.stats().dropped.malformed_requests, discarded);
    }
    assert_eq!(rep.stats().connected, 1);
}

#[tokio::test]
async fn the_first_of_a_series_is_reported() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut monitor = rep.monitor();
    for _ in 0..2 {
        remote.write(&[MALFORMED.concat().repeat(10), request(b"good")].concat()).await;
        rep.recv().await.unwrap().1.reply("").await.unwrap();
    }
    let about = events::until_dropped(&mut monitor, 2, DropCause::MalformedRequest).await;
    assert_eq!(about.0, Some(remote.address()));
    assert_eq!(rep.stats().dropped.malformed_requests, 100);
    rep.close().await;
    let rest = events::rest(monitor).await;
    let is_drop = |kind: &EventKind| matches!(kind, EventKind::MessagesDropped { .. });
    assert!(!rest.iter().any(|event| is_drop(&event.kind)), "{rest:?}");
}

/// After such a message, a REP of libzmq swallows the reply to the next request (`rollback`).
#[tokio::test]
async fn a_malformed_request_of_a_remote_that_has_left_disturbs_no_other_reply() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut monitor = rep.monitor();
    for malformed in MALFORMED {
        remote.write(malformed).await;
    }
    remote.sync().await;
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    for _ in 0..2 {
        let mut other = requester(&rep.last_endpoint().unwrap()).await;
        other.write(&request(b"?")).await;
        rep.recv().await.unwrap().1.reply("!").await.unwrap();
        assert_eq!(other.read(5).await, request(b"!"));
    }
    assert_eq!(rep.stats().dropped.malformed_requests, 5);
}

#[tokio::test]
async fn a_flood_of_malformed_requests_does_not_starve_other_remotes() {
    let _watchdog = Watchdog::start();
    let (rep, mut flood) = rep_and_requester().await;
    let mut other = requester(&rep.last_endpoint().unwrap()).await;
    let flooding = tokio::spawn(async move {
        let many = b"\x00\x00".repeat(10_000);
        loop {
            flood.write_what_is_taken(&many).await;
        }
    });
    for _ in 0..10 {
        other.write(&request(b"?")).await;
        rep.recv().await.unwrap().1.reply("!").await.unwrap();
        assert_eq!(other.read(5).await, request(b"!"));
    }
    // The time limit applies although messages arrive.
    assert_eq!(rep.recv_timeout(Duration::from_millis(20)).await.err(), Some(RecvError::Timeout));
    flooding.abort();
    assert!(rep.stats().dropped.malformed_requests > 0);
}

#[tokio::test]
async fn messages_of_very_many_parts_without_an_envelope_are_discarded() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester_with(Rep::builder().max_message_parts(0)).await;
    let parts = b"\x01\x01x".repeat(100_000);
    remote.write(&[&parts[..], b"\x00\x00"].concat().repeat(3)).await;
    // An envelope of as many parts is kept and returned.
    let envelope = [&parts[..], b"\x01\x00"].concat();
    remote.write(&[&envelope[..], b"\x00\x01?"].concat()).await;
    let (received, mut replier) = rep.recv().await.unwrap();
    assert_eq!(received, ["?"]);
    replier.reply("!").await.unwrap();
    assert!(remote.read(envelope.len() + 3).await == [&envelope[..], b"\x00\x01!"].concat());
    assert_eq!(rep.stats().dropped.malformed_requests, 3);
}

#[tokio::test]
async fn by_default_an_envelope_of_too_many_parts_ends_the_connection() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut monitor = rep.monitor();
    let endless = b"\x01\x01x".repeat(100_000);
    let (reason, ()) = tokio::join!(
        events::until_disconnected(&mut monitor),
        remote.write_what_is_taken(&endless)
    );
    assert!(matches!(reason, DisconnectReason::TooManyParts { limit: 0x1_0000 }), "{reason:?}");
    let mut other = requester(&rep.last_endpoint().unwrap()).await;
    other.write(&request(b"unaffected")).await;
    assert_eq!(rep.recv().await.unwrap().0, ["unaffected"]);
}

#[tokio::test]
async fn the_envelope_counts_towards_the_size_of_a_request() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester_with(Rep::builder().max_message_size(10)).await;
    let mut monitor = rep.monitor();
    remote.write(b"\x01\x05ident\x01\x00\x00\x05hello").await;
    assert_eq!(rep.recv().await.unwrap().0, ["hello"]);
    remote.write(b"\x01\x06identi\x01\x00\x00\x05").await;
    let reason = events::until_disconnected(&mut monitor).await;
    let is_expected = matches!(reason, DisconnectReason::MessageTooLarge { size: 11, limit: 10 });
    assert!(is_expected, "{reason:?}");
}
