//! A second remote is refused until the first has left.

use tokio_zmtp::monitor::{DisconnectReason, EventKind, HandshakeFailure};

use super::*;
use crate::remote::{COMMAND, GREETING, Remote};
use crate::security::{AdmitAll, mechanisms};

for_either_type!(a_second_remote_receives_an_error_and_no_ready);

async fn a_second_remote_receives_an_error_and_no_ready<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let mut monitor = channel.monitor();
    let _first = connected::<S>(&endpoint).await;

    let mut second = Remote::dial(&endpoint).await;
    second.write(&[&GREETING[..], &remote::ready(S::SOCKET_TYPE.as_str())].concat()).await;
    assert_eq!(second.read(GREETING.len()).await, GREETING);
    assert_eq!(second.read_frame().await, (COMMAND, b"\x05ERROR\x08occupied".to_vec()));
    assert_eq!(second.read_to_end().await, b"");

    let ((address, connection, routing_id), failure) = until_failed(&mut monitor).await;
    assert!(matches!(failure, HandshakeFailure::Occupied), "{failure:?}");
    assert_eq!((address, routing_id), (Some(second.address()), None));
    assert!(connection.is_some());
    assert_eq!(channel.remotes().list().len(), 1);
}

for_either_type!(a_refused_channel_is_admitted_when_the_first_has_left, over every transport);

async fn a_refused_channel_is_admitted_when_the_first_has_left<S: OnlyRemote>(
    transport: Transport,
) {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(transport).await;
    let mut of_channel = channel.monitor();
    let first = connected::<S>(&endpoint).await;
    events::until_established(&mut of_channel).await;

    let second = quick::<S>().build();
    let mut of_second = second.monitor();
    second.connect(&endpoint).await.unwrap();
    second.send("early".into()).await.unwrap();
    for _ in 0..3 {
        until_refused(&mut of_second).await;
        let retried = events::next(&mut of_second).await;
        assert!(matches!(retried.kind, EventKind::ConnectRetried { .. }), "{retried:?}");
        let (_, failure) = until_failed(&mut of_channel).await;
        assert!(matches!(failure, HandshakeFailure::Occupied), "{failure:?}");
    }

    first.send("last".into()).await.unwrap();
    first.close().await;
    events::until_disconnected(&mut of_channel).await;
    second.remotes().connected().await.unwrap();
    assert_eq!(channel.recv().await.unwrap(), "last".into());
    assert_eq!(channel.recv().await.unwrap(), "early".into());
    channel.send("welcome".into()).await.unwrap();
    assert_eq!(second.recv().await.unwrap(), "welcome".into());
}

for_either_type!(a_second_remote_is_refused_under_every_mechanism_and_in_either_role);

async fn a_second_remote_is_refused_under_every_mechanism_and_in_either_role<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    for (one, other) in mechanisms() {
        for (of_bound, of_others) in [(one.clone(), other.clone()), (other, one)] {
            let others = || quick::<S>().mechanism(of_others.clone()).authenticator(AdmitAll);
            let channel = builder::<S>().mechanism(of_bound).authenticator(AdmitAll).build();
            let mut of_channel = channel.monitor();
            let endpoint = channel.bind("tcp://127.0.0.1:*").await.unwrap();
            let first = others().connect(&endpoint).await.unwrap();
            first.remotes().connected().await.unwrap();

            let second = others().build();
            let mut of_second = second.monitor();
            second.connect(&endpoint).await.unwrap();
            until_refused(&mut of_second).await;
            let (_, failure) = until_failed(&mut of_channel).await;
            assert!(matches!(failure, HandshakeFailure::Occupied), "{failure:?}");

            first.close().await;
            second.send("next".into()).await.unwrap();
            assert_eq!(channel.recv().await.unwrap(), "next".into());
            channel.send("welcome".into()).await.unwrap();
            assert_eq!(second.recv().await.unwrap(), "welcome".into());
        }
    }
}

for_either_type!(exactly_one_of_several_remotes_is_admitted, over every transport on threads);

async fn exactly_one_of_several_remotes_is_admitted<S: OnlyRemote>(transport: Transport) {
    let _watchdog = Watchdog::start();
    for _ in 0..20 {
        let (channel, endpoint) = bound::<S>(transport).await;
        let mut others = Vec::new();
        for number in 0..4 {
            let other = quick::<S>().build();
            let endpoint = endpoint.clone();
            others.push(tokio::spawn(async move {
                other.connect(endpoint).await.unwrap();
                other.send(MessageOf::<S>::numbered(number)).await.unwrap();
                // After the reply, this remote leaves, and the channel admits another.
                assert_eq!(other.recv().await.unwrap().number(), number);
                other.close().await;
            }));
        }
        let mut served = Vec::new();
        for _ in 0..4 {
            let (message, remote) = channel.recv_from().await.unwrap();
            assert!(channel.remotes().list().len() <= 1);
            served.push(message.number());
            channel.send(message).await.unwrap();
            assert!(remote.socket_type().is_some());
        }
        served.sort_unstable();
        assert_eq!(served, [0, 1, 2, 3]);
        for other in others {
            other.await.unwrap();
        }
        channel.close().await;
    }
}

for_either_type!(a_disconnected_remote_is_replaced_by_the_next);

async fn a_disconnected_remote_is_replaced_by_the_next<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let first = builder::<S>().reconnect_interval(None).connect(&endpoint).await.unwrap();
    first.send("hello".into()).await.unwrap();
    let (_, remote) = channel.recv_from().await.unwrap();
    assert!(channel.remotes().disconnect(remote.connection_id()));

    let second = connected::<S>(&endpoint).await;
    second.send("hello, too".into()).await.unwrap();
    assert_eq!(channel.recv().await.unwrap(), "hello, too".into());
}

for_either_type!(a_refused_channel_without_a_reconnect_interval_stops);

async fn a_refused_channel_without_a_reconnect_interval_stops<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (_channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let _first = connected::<S>(&endpoint).await;
    let second = builder::<S>().reconnect_interval(None).connect(&endpoint).await.unwrap();
    let Err(tokio_zmtp::NoRemoteError::Failed(DialFailure::Handshake(failure))) =
        second.remotes().connected().await
    else {
        panic!("the second channel was admitted");
    };
    assert_occupied(&failure);
}

for_either_type!(sockets_at_one_port_have_one_remote_each);

async fn sockets_at_one_port_have_one_remote_each<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let one = builder::<S>().build();
    let port = one.bind(format!("{}/one", transports::own_address())).await.unwrap();
    let other = builder::<S>().build();
    let resource = port.to_string().replace("/one", "/other");
    let other_port = other.bind(resource).await.unwrap();
    let first = connected::<S>(&port).await;
    let _second = connected::<S>(&other_port).await;

    let third = quick::<S>().build();
    let mut monitor = third.monitor();
    third.connect(&port).await.unwrap();
    until_refused(&mut monitor).await;
    first.close().await;
    third.remotes().connected().await.unwrap();
}

for_either_type!(an_admitted_remote_that_leaves_is_reported_as_closed_by_the_remote);

async fn an_admitted_remote_that_leaves_is_reported_as_closed_by_the_remote<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let mut monitor = channel.monitor();
    let first = connected::<S>(&endpoint).await;
    first.close().await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::ClosedByRemote));
}
