//! Replies to requesters that have left.

use std::time::Duration;

use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Dealer, Multipart, Rep, ReplyError, TryReplyError};

use super::{rep_and_requester, rep_and_requester_with, request, requester};
use crate::events;
use crate::remote::{LONGER_THAN_BUFFERS, RemoteListener};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(a_reply_to_a_requester_that_has_left_is_returned);

async fn a_reply_to_a_requester_that_has_left_is_returned(transport: Transport) {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().bind(transport.any()).await.unwrap();
    let endpoint = rep.last_endpoint().unwrap();
    let mut monitor = rep.monitor();
    let dealer = Dealer::builder().connect(endpoint.clone()).await.unwrap();
    dealer.send(["", "?"]).await.unwrap();
    let (_, mut replier) = rep.recv().await.unwrap();
    dealer.close().await;
    events::until_disconnected(&mut monitor).await;
    let reply = Multipart::from(["too", "late"]);
    assert_eq!(replier.try_reply(&reply), Err(TryReplyError::HostUnreachable(reply.clone())));
    assert_eq!(replier.reply(&reply).await, Err(ReplyError::HostUnreachable(reply)));
    drop(replier);
    assert_eq!(rep.stats().dropped.unanswered_requests, 0, "the program knows");

    let dealer = Dealer::builder().connect(endpoint).await.unwrap();
    dealer.send(["", "?"]).await.unwrap();
    rep.recv().await.unwrap().1.reply("!").await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), ["", "!"]);
}

#[tokio::test]
async fn a_waiting_reply_is_returned_when_its_requester_leaves() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester_with(Rep::builder().send_hwm(1)).await;
    remote.write(&request(b"?").repeat(5)).await;
    let long = Multipart::from(vec![7; LONGER_THAN_BUFFERS]);
    let mut replier = rep.recv().await.unwrap().1;
    while !matches!(replier.try_reply(&long), Err(TryReplyError::Full(_))) {
        tokio::task::yield_now().await;
        replier = rep.recv().await.unwrap().1;
    }
    let (replied, ()) = tokio::join!(replier.reply(&long), async { remote.reset() });
    assert_eq!(replied, Err(ReplyError::HostUnreachable(long)));
}

/// A requester that disconnects may have been replaced by another one at the same endpoint.
#[tokio::test]
async fn a_reply_does_not_go_to_the_next_connection_of_an_endpoint() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let rep = Rep::builder()
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut remote = listener.accept_as("DEALER").await;
    remote.write(&request(b"first")).await;
    let (_, mut replier) = rep.recv().await.unwrap();
    drop(remote);

    let mut remote = listener.accept_as("DEALER").await;
    remote.write(&request(b"second")).await;
    let (_, mut next) = rep.recv().await.unwrap();
    let reply = Multipart::from("first");
    assert_eq!(replier.reply(&reply).await, Err(ReplyError::HostUnreachable(reply)));
    next.reply("second").await.unwrap();
    assert_eq!(remote.read(10).await, request(b"second"));
}

#[tokio::test]
async fn replies_that_a_connection_leaves_are_undelivered() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let rep = Rep::builder()
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut monitor = rep.monitor();
    let mut remote = listener.accept_as("DEALER").await;
    remote.write(&request(b"?").repeat(3)).await;
    for _ in 0..3 {
        let (_, mut replier) = rep.recv().await.unwrap();
        replier.reply(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    }
    assert_eq!(remote.read(2).await, b"\x01\x00");
    remote.reset();
    events::until_dropped(&mut monitor, 3, DropCause::Undelivered).await;

    let mut remote = listener.accept_as("DEALER").await;
    remote.write(&request(b"?")).await;
    let (_, mut replier) = rep.recv().await.unwrap();
    replier.reply("!").await.unwrap();
    assert_eq!(remote.read(5).await, request(b"!"));
    assert_eq!(rep.stats().dropped.undelivered, 3);
    assert_eq!(rep.close().await.undelivered, 3);
}

#[tokio::test]
async fn closing_returns_replies_in_their_envelopes() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester_with(Rep::builder().linger(Duration::ZERO)).await;
    remote.write(&[&b"\x01\x02id"[..], &request(b"?")].concat().repeat(2)).await;
    for _ in 0..2 {
        let (_, mut replier) = rep.recv().await.unwrap();
        replier.reply(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    }
    let (report, undelivered) = rep.close_with_undelivered().await;
    assert_eq!(report.undelivered, 2);
    for reply in undelivered {
        assert_eq!((reply.len(), &reply[0], &reply[1]), (3, &b"id"[..], &b""[..]));
    }
}

#[tokio::test]
async fn requests_of_a_remote_that_has_left_are_received_without_delaying_others() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    let mut monitor = rep.monitor();
    remote.write(&request(b"gone").repeat(3)).await;
    remote.sync().await;
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    let mut other = requester(&rep.last_endpoint().unwrap()).await;
    other.write(&request(b"here")).await;
    for _ in 0..4 {
        let (received, mut replier) = rep.recv().await.unwrap();
        match replier.try_reply(&received) {
            Ok(()) => assert_eq!(received, ["here"]),
            Err(TryReplyError::HostUnreachable(reply)) => assert_eq!(reply, ["gone"]),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(other.read(8).await, request(b"here"));
}

#[tokio::test]
async fn a_remote_that_is_disconnected_gets_no_more_replies() {
    let _watchdog = Watchdog::start();
    let (rep, mut remote) = rep_and_requester().await;
    remote.write(&request(b"?")).await;
    let (_, mut replier) = rep.recv().await.unwrap();
    assert!(rep.remotes().disconnect(replier.remote().connection_id()));
    assert_eq!(replier.reply("!").await, Err(ReplyError::HostUnreachable("!".into())));
    assert!(remote.read_to_end().await.is_empty());
}
