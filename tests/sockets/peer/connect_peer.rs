//! `connect_peer`: an id that is valid before the connection, until the endpoint is disconnected.

use std::collections::HashSet;

use futures::future;
use tokio_test::{assert_pending, task};
use tokio_zmtp::{
    ConnectPeerError, DisconnectError, InprocEndpoint, Message, Peer, RouteError, TryRouteError,
};

use super::{assert_unreachable, expect, persistent, unbound, until_unreachable};
use crate::remote::{self, RemoteListener};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;
use crate::{events, remote::LONGER_THAN_BUFFERS};

over_every_transport!(messages_queue_for_an_id_before_there_is_a_listener);

async fn messages_queue_for_an_id_before_there_is_a_listener(transport: Transport) {
    let _watchdog = Watchdog::start();
    let endpoint = unbound(transport).await;
    let bob =
        Peer::builder().reconnect_interval(std::time::Duration::from_millis(1)).send_hwm(3).build();

    let to_alice = bob.connect_peer(&endpoint).await.unwrap();

    assert_eq!(bob.last_endpoint(), Some(endpoint.clone()));
    for number in 0..3_u8 {
        bob.try_route(to_alice, [number]).unwrap();
    }
    let full = bob.try_route(to_alice, "x");
    assert_eq!(full, Err(TryRouteError::Full(Message::from("x"))));
    let mut waiting = task::spawn(bob.route(to_alice, [3]));
    assert_pending!(waiting.poll());

    let alice = Peer::new();
    alice.bind(&endpoint).await.unwrap();
    for number in 0..3_u8 {
        expect(&alice, [number]).await;
    }
    waiting.await.unwrap();
    expect(&alice, [3]).await;
}

over_every_transport!(an_id_survives_reconnects_and_the_other_side_assigns_a_new_one);

async fn an_id_survives_reconnects_and_the_other_side_assigns_a_new_one(transport: Transport) {
    let _watchdog = Watchdog::start();
    let alice = Peer::new();
    let endpoint = alice.bind(transport.any()).await.unwrap();
    let bob = persistent();
    let mut monitor = bob.monitor();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    let mut ids_of_bob = HashSet::new();

    for round in 0..3_u8 {
        bob.route(to_alice, [round]).await.unwrap();
        let to_bob = expect(&alice, [round]).await;
        assert!(ids_of_bob.insert(to_bob), "the accepting side has assigned the same id again");
        alice.route(to_bob, "reply").await.unwrap();
        assert_eq!(expect(&bob, "reply").await, to_alice);

        alice.unbind(&endpoint).await.unwrap();
        events::until_disconnected(&mut monitor).await;
        until_unreachable(&alice, to_bob).await;
        assert_unreachable(&alice, to_bob).await;
        alice.bind(&endpoint).await.unwrap();
    }
    assert!(bob.stats().reconnects >= 2);
}

over_every_transport!(messages_queue_for_an_id_between_connections);

async fn messages_queue_for_an_id_between_connections(transport: Transport) {
    let _watchdog = Watchdog::start();
    let first = Peer::new();
    let endpoint = first.bind(transport.any()).await.unwrap();
    let bob = persistent();
    let mut monitor = bob.monitor();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    bob.route(to_alice, "before").await.unwrap();
    expect(&first, "before").await;
    first.close().await;
    events::until_disconnected(&mut monitor).await;

    bob.try_route(to_alice, "between").unwrap();

    let second = Peer::new();
    second.bind(&endpoint).await.unwrap();
    let to_bob = expect(&second, "between").await;
    second.route(to_bob, "after").await.unwrap();
    assert_eq!(expect(&bob, "after").await, to_alice);
}

over_every_transport!(
    each_of_several_concurrent_calls_returns_its_own_id,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn each_of_several_concurrent_calls_returns_its_own_id(transport: Transport) {
    let _watchdog = Watchdog::start();
    let hub = Peer::new();
    let mut calls = Vec::new();
    let mut remotes = Vec::new();
    for _ in 0..16 {
        let remote = Peer::new();
        let endpoint = remote.bind(transport.any()).await.unwrap();
        remotes.push(remote);
        let hub = hub.clone();
        calls.push(tokio::spawn(async move { hub.connect_peer(endpoint).await.unwrap() }));
    }
    let ids: Vec<_> = future::join_all(calls).await.into_iter().map(Result::unwrap).collect();

    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    for (number, id) in (0_u8..).zip(&ids) {
        hub.route(*id, [number]).await.unwrap();
    }
    for (number, (remote, id)) in (0_u8..).zip(remotes.iter().zip(&ids)) {
        let to_hub = expect(remote, [number]).await;
        remote.route(to_hub, [number]).await.unwrap();
        assert_eq!(expect(&hub, [number]).await, *id);
    }
}

over_every_transport!(an_endpoint_that_is_connected_twice_has_two_ids);

async fn an_endpoint_that_is_connected_twice_has_two_ids(transport: Transport) {
    let _watchdog = Watchdog::start();
    let alice = Peer::new();
    let endpoint = alice.bind(transport.any()).await.unwrap();
    let bob = Peer::new();
    let (first, second) = tokio::join!(bob.connect_peer(&endpoint), bob.connect_peer(&endpoint));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first, second);

    bob.route(first, "first").await.unwrap();
    let of_first = expect(&alice, "first").await;
    bob.route(second, "second").await.unwrap();
    let of_second = expect(&alice, "second").await;

    assert_ne!(of_first, of_second);
    alice.route(of_second, "to the second").await.unwrap();
    assert_eq!(expect(&bob, "to the second").await, second);
    alice.route(of_first, "to the first").await.unwrap();
    assert_eq!(expect(&bob, "to the first").await, first);
}

#[tokio::test]
async fn the_remote_and_its_events_have_the_id_that_was_returned() {
    let _watchdog = Watchdog::start();
    let alice = Peer::new();
    let endpoint = alice.bind("tcp://127.0.0.1:*").await.unwrap();
    let bob = Peer::new();
    let mut monitor = bob.monitor();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();

    let established = events::until_established(&mut monitor).await;

    assert_eq!(established.routing_id, Some(to_alice));
    let remote = bob.remotes().get(to_alice).unwrap();
    assert_eq!(remote.routing_id(), Some(to_alice));
    assert_eq!(*remote.endpoint(), endpoint);
}

/// Whether or not the driver has handled the call, the socket works as before.
#[tokio::test]
async fn a_dropped_call_leaves_a_usable_socket() {
    let _watchdog = Watchdog::start();
    let bob = Peer::new();
    for turns in 0..8 {
        let alice = Peer::new();
        let endpoint = alice.bind("tcp://127.0.0.1:*").await.unwrap();
        let mut call = task::spawn(bob.connect_peer(&endpoint));
        let mut is_ready = false;
        for _ in 0..turns {
            is_ready |= call.poll().is_ready();
            if is_ready {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);

        match bob.disconnect(&endpoint).await {
            Ok(()) => assert!(turns > 0),
            Err(DisconnectError::NotConnected { .. }) => assert!(!is_ready),
            Err(error) => panic!("{error}"),
        }
        let to_alice = bob.connect_peer(&endpoint).await.unwrap();
        bob.route(to_alice, "hello").await.unwrap();
        let to_bob = expect(&alice, "hello").await;
        alice.route(to_bob, "hello to you").await.unwrap();
        assert_eq!(expect(&bob, "hello to you").await, to_alice);
    }
}

#[tokio::test]
async fn connect_peer_with_immediate_fails_and_connects_nothing() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let peer = Peer::builder().immediate(true).build();

    let error = peer.connect_peer(listener.endpoint()).await.unwrap_err();

    assert!(matches!(error, ConnectPeerError::Immediate), "{error:?}");
    assert_eq!(
        error.to_string(),
        "with `immediate`, a remote has no routing id until it is connected"
    );
    let connected = peer.disconnect(listener.endpoint()).await.unwrap_err();
    assert!(matches!(connected, DisconnectError::NotConnected { .. }), "{connected:?}");
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_connected_is_refused() {
    let _watchdog = Watchdog::start();
    let peer = Peer::new();
    for wrong in ["tcp://*:5555", "tcp://127.0.0.1", "nonsense"] {
        let error = peer.connect_peer(wrong).await.unwrap_err();
        assert!(matches!(error, ConnectPeerError::Endpoint(_)), "{error:?}");
    }
    peer.close().await;
    let error = peer.connect_peer("tcp://127.0.0.1:5555").await.unwrap_err();
    assert!(matches!(error, ConnectPeerError::Closed), "{error:?}");
}

over_every_transport!(an_id_ends_when_its_endpoint_is_disconnected);

async fn an_id_ends_when_its_endpoint_is_disconnected(transport: Transport) {
    let _watchdog = Watchdog::start();
    let endpoint = unbound(transport).await;
    let peer = Peer::builder().send_hwm(1).linger(std::time::Duration::ZERO).build();
    let id = peer.connect_peer(&endpoint).await.unwrap();
    peer.try_route(id, "queued").unwrap();
    let mut waiting = task::spawn(peer.route(id, "waits"));
    assert_pending!(waiting.poll());

    peer.disconnect(&endpoint).await.unwrap();

    let failed = waiting.await;
    assert_eq!(failed, Err(RouteError::HostUnreachable(Message::from("waits"))));
    assert_unreachable(&peer, id).await;
    assert_ne!(peer.connect_peer(&endpoint).await.unwrap(), id);
    assert_eq!(peer.close().await.undelivered, 1);
}

/// A remote that refuses this socket is not dialed again, so its id could never be used.
#[tokio::test]
async fn an_id_ends_when_its_remote_refuses_this_socket() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let peer = Peer::builder().send_hwm(1).build();
    let id = peer.connect_peer(listener.endpoint()).await.unwrap();
    peer.try_route(id, "queued").unwrap();
    let mut waiting = task::spawn(peer.route(id, "waits"));
    assert_pending!(waiting.poll());

    let mut remote = listener.accept().await;
    remote.write(&[&remote::GREETING[..], &remote::command("ERROR", b"\x03400")].concat()).await;

    let failed = waiting.await;
    assert_eq!(failed, Err(RouteError::HostUnreachable(Message::from("waits"))));
    assert_unreachable(&peer, id).await;
}

#[tokio::test]
async fn a_partially_written_message_is_sent_on_the_next_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let peer = persistent();
    let id = peer.connect_peer(listener.endpoint()).await.unwrap();
    let first = listener.accept_as("PEER").await;
    peer.route(id, vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    first.peek().await;
    drop(first);

    let mut second = listener.accept_as("PEER").await;
    assert_eq!(second.read_message().await.len(), LONGER_THAN_BUFFERS);
}

over_every_transport!(messages_to_a_remote_that_never_connected_are_returned_at_the_end);

async fn messages_to_a_remote_that_never_connected_are_returned_at_the_end(transport: Transport) {
    let _watchdog = Watchdog::start();
    let peer = Peer::builder().linger(std::time::Duration::ZERO).build();
    let id = peer.connect_peer(unbound(transport).await).await.unwrap();
    peer.route(id, "a").await.unwrap();
    peer.route(id, "b").await.unwrap();

    let (report, undelivered) = peer.close_with_undelivered().await;

    assert_eq!((report.written, report.undelivered), (0, 2));
    assert_eq!(undelivered, ["a", "b"].map(Message::from));
    assert!(undelivered.iter().all(|message| message.routing_id() == Some(id)));
}

/// Without another attempt to connect, messages to the id could never be sent.
#[tokio::test]
async fn an_id_ends_with_its_connection_if_the_options_permit_no_other() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let peer = Peer::builder().reconnect_interval(None).build();
    let id = peer.connect_peer(listener.endpoint()).await.unwrap();
    peer.route(id, "hello").await.unwrap();
    let mut remote = listener.accept_as("PEER").await;
    assert_eq!(remote.read_message().await, b"hello");

    drop(remote);

    until_unreachable(&peer, id).await;
    assert_unreachable(&peer, id).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_abstract_socket_can_be_connected_first() {
    let _watchdog = Watchdog::start();
    let endpoint = format!("ipc://@{}", InprocEndpoint::unique().name());
    let bob = persistent();
    let to_alice = bob.connect_peer(&*endpoint).await.unwrap();
    bob.route(to_alice, "early").await.unwrap();
    let alice = Peer::new();
    alice.bind(&*endpoint).await.unwrap();
    let early = alice.recv().await.unwrap();
    assert_eq!(early, "early");
    alice.reply(&early, "here").await.unwrap();
    assert_eq!(expect(&bob, "here").await, to_alice);
}
