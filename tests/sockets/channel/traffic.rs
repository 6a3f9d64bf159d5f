//! Messages between two channels.

use futures::{SinkExt, StreamExt};
use tokio_test::{assert_pending, task};
use tokio_zmtp::stats::Dropped;
use tokio_zmtp::{SocketType, TrySendError};

use super::*;
use crate::remote::{LONGER_THAN_BUFFERS, MORE, Remote, RemoteListener, ReservedPort};

over_every_transport!(messages_go_back_and_forth);

/// Corresponds to `test_channel`, `test_pair_inproc`, `test_pair_ipc` and `test_pair_tcp` of
/// libzmq.
async fn messages_go_back_and_forth(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (one, endpoint) = bound(transport).await;
    let other = connected(&endpoint).await;
    one.send("HELLO").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "HELLO");
    other.send("WORLD").await.unwrap();
    let (message, remote) = one.recv_from().await.unwrap();
    assert_eq!(message, "WORLD");
    assert_eq!(message.routing_id(), None);
    assert_eq!(remote.socket_type(), Some(SocketType::Channel));

    for len in [0, 1, 100, 40_000, 1_000_000] {
        one.send(vec![7; len]).await.unwrap();
        let echo = other.recv().await.unwrap();
        assert_eq!(echo, vec![7; len]);
        other.send(echo).await.unwrap();
        assert_eq!(one.recv().await.unwrap(), vec![7; len]);
    }
}

over_every_transport!(either_end_binds_first);

async fn either_end_binds_first(transport: Transport) {
    let _watchdog = Watchdog::start();
    let endpoint = match transport {
        Transport::Tcp => ReservedPort::reserve().release(),
        other => other.any(),
    };
    let one = quick().connect(&endpoint).await.unwrap();
    one.send("early").await.unwrap();
    let other = Channel::builder().bind(&endpoint).await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "early");
}

over_every_transport!(streams_and_sinks_keep_the_order, flavor = "multi_thread");

async fn streams_and_sinks_keep_the_order(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (one, endpoint) = bound(transport).await;
    let other = connected(&endpoint).await;
    let echo = tokio::spawn(other.clone().map(Ok).forward(other.clone()));
    let mut sink = one.clone();
    let sending = tokio::spawn(async move {
        for number in 0..10_000_u32 {
            sink.feed(number.to_be_bytes()).await.unwrap();
        }
        SinkExt::<[u8; 4]>::flush(&mut sink).await.unwrap();
    });
    for number in 0..10_000_u32 {
        assert_eq!(one.recv().await.unwrap(), number.to_be_bytes());
    }
    sending.await.unwrap();
    one.close().await;
    other.close().await;
    let _ = echo.await.unwrap();
}

#[tokio::test]
async fn a_channel_is_mute_without_a_remote_and_when_it_is_full() {
    let _watchdog = Watchdog::start();
    let channel = Channel::builder().send_hwm(2).build();
    let endpoint = channel.bind("tcp://127.0.0.1:*").await.unwrap();
    assert!(matches!(channel.try_send("x"), Err(TrySendError::Full(message)) if message == "x"));
    assert!(matches!(channel.try_reserve(), Err(TrySendError::Full(()))));
    let mut reserving = task::spawn(channel.reserve());
    assert_pending!(reserving.poll());

    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("CHANNEL").await;
    reserving.await.unwrap().send(vec![0; LONGER_THAN_BUFFERS]).unwrap();
    remote.peek().await;
    for _ in 0..2 {
        channel.try_send("x").unwrap();
    }
    assert!(matches!(channel.try_send("x"), Err(TrySendError::Full(_))));
    let mut sending = task::spawn(channel.send("last"));
    assert_pending!(sending.poll());
    assert_eq!(remote.read_message().await.len(), LONGER_THAN_BUFFERS);
    sending.await.unwrap();
    for expected in ["x", "x", "last"] {
        assert_eq!(remote.read_message().await, expected.as_bytes());
    }
}

#[tokio::test]
async fn messages_for_a_dialed_remote_wait_for_the_next_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let channel = quick().send_hwm(3).connect(listener.endpoint()).await.unwrap();
    let mut monitor = channel.monitor();
    let mut first = listener.accept_as("CHANNEL").await;
    channel.send("before").await.unwrap();
    assert_eq!(first.read_message().await, b"before");
    drop(first);
    events::until_disconnected(&mut monitor).await;

    for number in 0..3_u8 {
        channel.try_send([number]).unwrap();
    }
    assert!(matches!(channel.try_send("x"), Err(TrySendError::Full(_))));
    let mut second = listener.accept_as("CHANNEL").await;
    for number in 0..3_u8 {
        assert_eq!(second.read_message().await, [number]);
    }
}

#[tokio::test]
async fn messages_for_an_accepted_remote_are_not_sent_to_the_next() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound(Transport::Tcp).await;
    let mut monitor = channel.monitor();
    let mut first = Remote::dial(&endpoint).await;
    first.shake_hands("CHANNEL").await;
    channel.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    first.peek().await;
    channel.try_send("for the first").unwrap();
    first.reset();
    events::until_disconnected(&mut monitor).await;

    let second = connected(&endpoint).await;
    channel.send("for the second").await.unwrap();
    assert_eq!(second.recv().await.unwrap(), "for the second");
    assert_eq!(channel.stats().dropped.undelivered, 2);
}

#[tokio::test]
async fn multipart_messages_are_discarded_entirely_and_counted() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound(Transport::Tcp).await;
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("CHANNEL").await;
    let multipart = [&[MORE, 1][..], b"a", &[MORE, 1], b"b", &[0, 1], b"c"].concat();
    remote.write(&[&multipart.repeat(2)[..], &remote::message(b"whole")].concat()).await;
    assert_eq!(channel.recv().await.unwrap(), "whole");
    let Dropped { multipart, .. } = channel.stats().dropped;
    assert_eq!(multipart, 2);
}

over_every_transport!(a_remote_reconnects_to_a_channel_that_binds_again);

/// Corresponds to `test_reconnect_ivl` of libzmq.
async fn a_remote_reconnects_to_a_channel_that_binds_again(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound(transport).await;
    let other = connected(&endpoint).await;
    for round in ["one", "two", "three"] {
        other.send(round).await.unwrap();
        assert_eq!(channel.recv().await.unwrap(), round);
        channel.send(round).await.unwrap();
        assert_eq!(other.recv().await.unwrap(), round);
        let mut monitor = other.monitor();
        channel.unbind(&endpoint).await.unwrap();
        events::until_disconnected(&mut monitor).await;
        channel.bind(&endpoint).await.unwrap();
    }
}
