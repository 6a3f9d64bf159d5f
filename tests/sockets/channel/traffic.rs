//! Messages between two channels.

use futures::{SinkExt, StreamExt};
use tokio_test::{assert_pending, task};
use tokio_zmtp::stats::Dropped;
use tokio_zmtp::{Channel, Pair, TrySendError};

use super::*;
use crate::remote::{LONGER_THAN_BUFFERS, MORE, Remote, RemoteListener, ReservedPort};

for_either_type!(messages_go_back_and_forth, over every transport);

/// Corresponds to `test_channel`, `test_pair_inproc`, `test_pair_ipc` and `test_pair_tcp` of
/// libzmq.
async fn messages_go_back_and_forth<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (one, endpoint) = bound::<S>(transport).await;
    let other = connected::<S>(&endpoint).await;
    one.send("HELLO".into()).await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "HELLO".into());
    other.send("WORLD".into()).await.unwrap();
    let (message, remote) = one.recv_from().await.unwrap();
    assert_eq!(message, "WORLD".into());
    assert_eq!(remote.socket_type(), Some(S::SOCKET_TYPE));

    for message in MessageOf::<S>::samples() {
        one.send(message.clone()).await.unwrap();
        let echo = other.recv().await.unwrap();
        assert!(echo == message);
        other.send(echo).await.unwrap();
        assert!(one.recv().await.unwrap() == message);
    }
}

for_either_type!(either_end_binds_first, over every transport);

async fn either_end_binds_first<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let endpoint = match transport {
        Transport::Tcp => ReservedPort::reserve().release(),
        other => other.any(),
    };
    let one = quick::<S>().connect(&endpoint).await.unwrap();
    one.send("early".into()).await.unwrap();
    let other = builder::<S>().bind(&endpoint).await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "early".into());
}

for_either_type!(streams_and_sinks_keep_the_order, over every transport on threads);

async fn streams_and_sinks_keep_the_order<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (one, endpoint) = bound::<S>(transport).await;
    let other = connected::<S>(&endpoint).await;
    let echo = tokio::spawn(other.clone().map(Ok).forward(other.clone()));
    let mut sink = one.clone();
    let sending = tokio::spawn(async move {
        for number in 0..10_000_u32 {
            sink.feed(MessageOf::<S>::numbered(number)).await.unwrap();
        }
        sink.flush().await.unwrap();
    });
    for number in 0..10_000_u32 {
        assert_eq!(one.recv().await.unwrap().number(), number);
    }
    sending.await.unwrap();
    one.close().await;
    other.close().await;
    let _ = echo.await.unwrap();
}

for_either_type!(a_channel_is_mute_without_a_remote_and_when_it_is_full);

async fn a_channel_is_mute_without_a_remote_and_when_it_is_full<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let channel = builder::<S>().send_hwm(2).build();
    let endpoint = channel.bind("tcp://127.0.0.1:*").await.unwrap();
    assert!(
        matches!(channel.try_send("x".into()), Err(TrySendError::Full(message)) if message == "x".into())
    );
    assert!(matches!(channel.try_reserve(), Err(TrySendError::Full(()))));
    let mut reserving = task::spawn(channel.reserve());
    assert_pending!(reserving.poll());

    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands(S::SOCKET_TYPE.as_str()).await;
    let permit = reserving.await.unwrap();
    S::send_through(permit, MessageOf::<S>::of_len(LONGER_THAN_BUFFERS)).unwrap();
    remote.peek().await;
    for _ in 0..2 {
        channel.try_send("x".into()).unwrap();
    }
    assert!(matches!(channel.try_send("x".into()), Err(TrySendError::Full(_))));
    let mut sending = task::spawn(channel.send("last".into()));
    assert_pending!(sending.poll());
    // The message may have several parts.
    while remote.read_frame().await.0 & MORE != 0 {}
    sending.await.unwrap();
    for expected in ["x", "x", "last"] {
        assert_eq!(remote.read_message().await, expected.as_bytes());
    }
}

for_either_type!(messages_for_a_dialed_remote_wait_for_the_next_connection);

async fn messages_for_a_dialed_remote_wait_for_the_next_connection<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let channel = quick::<S>().send_hwm(3).connect(listener.endpoint()).await.unwrap();
    let mut monitor = channel.monitor();
    let mut first = listener.accept_as(S::SOCKET_TYPE.as_str()).await;
    channel.send("before".into()).await.unwrap();
    assert_eq!(first.read_message().await, b"before");
    drop(first);
    events::until_disconnected(&mut monitor).await;

    let texts = ["one", "two", "three"];
    for text in texts {
        channel.try_send(text.into()).unwrap();
    }
    assert!(matches!(channel.try_send("x".into()), Err(TrySendError::Full(_))));
    let mut second = listener.accept_as(S::SOCKET_TYPE.as_str()).await;
    for text in texts {
        assert_eq!(second.read_message().await, text.as_bytes());
    }
}

for_either_type!(messages_for_an_accepted_remote_are_not_sent_to_the_next);

async fn messages_for_an_accepted_remote_are_not_sent_to_the_next<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let mut monitor = channel.monitor();
    let mut first = Remote::dial(&endpoint).await;
    first.shake_hands(S::SOCKET_TYPE.as_str()).await;
    channel.send(MessageOf::<S>::of_len(LONGER_THAN_BUFFERS)).await.unwrap();
    first.peek().await;
    channel.try_send("for the first".into()).unwrap();
    first.reset();
    events::until_disconnected(&mut monitor).await;

    let second = connected::<S>(&endpoint).await;
    channel.send("for the second".into()).await.unwrap();
    assert_eq!(second.recv().await.unwrap(), "for the second".into());
    assert_eq!(channel.stats().dropped.undelivered, 2);
}

#[tokio::test]
async fn multipart_messages_are_discarded_entirely_and_counted() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<Channel>(Transport::Tcp).await;
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("CHANNEL").await;
    remote.write(&[&MULTIPART.repeat(2)[..], &remote::message(b"whole")].concat()).await;
    assert_eq!(channel.recv().await.unwrap(), "whole");
    let Dropped { multipart, .. } = channel.stats().dropped;
    assert_eq!(multipart, 2);
}

#[tokio::test]
async fn a_pair_exchanges_messages_of_several_parts() {
    let _watchdog = Watchdog::start();
    let (pair, endpoint) = bound::<Pair>(Transport::Tcp).await;
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("PAIR").await;
    for byte in MULTIPART {
        assert!(futures::poll!(Box::pin(pair.recv())).is_pending());
        remote.write(&[*byte]).await;
    }
    assert_eq!(pair.recv().await.unwrap(), ["a", "b", "c"]);
    pair.send(["a", "b", "c"]).await.unwrap();
    assert_eq!(remote.read(MULTIPART.len()).await, MULTIPART);
    assert_eq!(pair.stats().dropped.multipart, 0);
}

for_either_type!(a_remote_reconnects_to_a_channel_that_binds_again, over every transport);

/// Corresponds to `test_reconnect_ivl` of libzmq.
async fn a_remote_reconnects_to_a_channel_that_binds_again<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(transport).await;
    let other = connected::<S>(&endpoint).await;
    for round in ["one", "two", "three"] {
        other.send(round.into()).await.unwrap();
        assert_eq!(channel.recv().await.unwrap(), round.into());
        channel.send(round.into()).await.unwrap();
        assert_eq!(other.recv().await.unwrap(), round.into());
        let mut monitor = other.monitor();
        channel.unbind(&endpoint).await.unwrap();
        events::until_disconnected(&mut monitor).await;
        channel.bind(&endpoint).await.unwrap();
    }
}

const MULTIPART: &[u8] = b"\x01\x01a\x01\x01b\x00\x01c";
