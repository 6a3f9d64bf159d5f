//! A channel with a remote or an endpoint neither connects nor accepts others.

use tokio_zmtp::ConnectError;

use super::*;
use crate::remote::{RemoteListener, ReservedPort};

for_either_type!(a_channel_connects_to_one_endpoint, over every transport);

async fn a_channel_connects_to_one_endpoint<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let ((one, there), (other, elsewhere)) =
            (bound::<S>(transport).await, bound::<S>(transport).await);
        let channel = builder::<S>().immediate(immediate).connect(&there).await.unwrap();
        for endpoint in [&there, &elsewhere] {
            assert_occupied(channel.connect(endpoint).await, endpoint);
            assert_occupied(channel.connect_all(endpoint).await, endpoint);
        }
        assert_eq!(channel.last_endpoint().as_ref(), Some(&there));

        channel.disconnect(&there).await.unwrap();
        channel.connect(&elsewhere).await.unwrap();
        channel.send("moved".into()).await.unwrap();
        assert_eq!(other.recv().await.unwrap(), "moved".into());
        one.close().await;
    }
}

for_either_type!(a_channel_is_occupied_while_it_attempts_to_connect);

async fn a_channel_is_occupied_while_it_attempts_to_connect<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let (place, elsewhere) = (ReservedPort::reserve(), ReservedPort::reserve().endpoint());
        let channel = builder::<S>().immediate(immediate).build();
        channel.connect(place.endpoint()).await.unwrap();
        assert_occupied(channel.connect(&elsewhere).await, &elsewhere);
    }
}

for_either_type!(messages_for_a_former_remote_are_written_while_the_next_is_connected);

async fn messages_for_a_former_remote_are_written_while_the_next_is_connected<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let former = RemoteListener::bind();
    let (next, endpoint) = bound::<S>(Transport::Tcp).await;
    let channel = builder::<S>().build();
    channel.connect(former.endpoint()).await.unwrap();
    channel.send("before".into()).await.unwrap();
    channel.disconnect(former.endpoint()).await.unwrap();
    channel.connect(&endpoint).await.unwrap();
    channel.send("after".into()).await.unwrap();
    assert_eq!(next.recv().await.unwrap(), "after".into());
    assert_eq!(former.accept_as(S::SOCKET_TYPE.as_str()).await.read_message().await, b"before");
}

for_either_type!(a_channel_that_has_accepted_a_remote_does_not_connect, over every transport);

async fn a_channel_that_has_accepted_a_remote_does_not_connect<S: OnlyRemote>(
    transport: Transport,
) {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let channel = builder::<S>().immediate(immediate).bind(transport.any()).await.unwrap();
        let mut monitor = channel.monitor();
        let other = connected::<S>(&channel.last_endpoint().unwrap()).await;
        let (third, endpoint) = bound::<S>(transport).await;
        assert_occupied(channel.connect(&endpoint).await, &endpoint);

        other.close().await;
        events::until_disconnected(&mut monitor).await;
        // The event is published before the channel is free.
        while let Err(error) = channel.connect(&endpoint).await {
            assert!(matches!(error, ConnectError::Occupied { .. }));
            tokio::task::yield_now().await;
        }
        channel.send("hello".into()).await.unwrap();
        assert_eq!(third.recv().await.unwrap(), "hello".into());
    }
}

for_either_type!(a_channel_that_connects_accepts_no_remote, over every transport);

async fn a_channel_that_connects_accepts_no_remote<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(transport).await;
    let place = ReservedPort::reserve();
    channel.connect(place.endpoint()).await.unwrap();

    let other = quick::<S>().build();
    let mut monitor = other.monitor();
    other.connect(&endpoint).await.unwrap();
    until_refused(&mut monitor).await;

    channel.disconnect(place.endpoint()).await.unwrap();
    other.remotes().connected().await.unwrap();
    other.send("hello".into()).await.unwrap();
    assert_eq!(channel.recv().await.unwrap(), "hello".into());
}

for_either_type!(an_endpoint_that_is_no_longer_dialed_can_be_replaced);

async fn an_endpoint_that_is_no_longer_dialed_can_be_replaced<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let place = ReservedPort::reserve();
        let builder = builder::<S>().immediate(immediate).reconnect_interval(None);
        let channel = builder.build();
        let mut monitor = channel.monitor();
        channel.connect(place.endpoint()).await.unwrap();
        events::until(&mut monitor, |kind| matches!(kind, EventKind::Closed)).await;
        let (other, endpoint) = bound::<S>(Transport::Tcp).await;
        while channel.connect(&endpoint).await.is_err() {
            tokio::task::yield_now().await;
        }
        channel.send("hello".into()).await.unwrap();
        assert_eq!(other.recv().await.unwrap(), "hello".into());
    }
}

fn assert_occupied(outcome: Result<(), ConnectError>, asked: &Endpoint) {
    let Err(ConnectError::Occupied { endpoint }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(endpoint, *asked);
}
