//! Messages between peers.

use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio_test::{assert_pending, task};
use tokio_zmtp::{Message, Peer, RouteError, RoutingId, SocketType, TryRecvError};

use super::{assert_unreachable, expect, persistent, unbound, until_unreachable};
use crate::events;
use crate::remote::{self, LONGER_THAN_BUFFERS, Remote, RemoteListener};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(each_side_assigns_its_own_id_to_the_other);

/// Corresponds to `test_peer` of libzmq.
async fn each_side_assigns_its_own_id_to_the_other(transport: Transport) {
    let _watchdog = Watchdog::start();
    let peer1 = Peer::new();
    let endpoint = peer1.bind(transport.any()).await.unwrap();
    let peer2 = Peer::new();
    let peer1_id = peer2.connect_peer(&endpoint).await.unwrap();

    peer2.route(peer1_id, [1]).await.unwrap();
    let peer2_id = expect(&peer1, [1]).await;
    peer1.route(peer2_id, [2]).await.unwrap();
    assert_eq!(expect(&peer2, [2]).await, peer1_id);
}

over_every_transport!(a_remote_that_is_disconnected_is_unreachable_immediately);

/// Corresponds to `test_peer_disconnect` of libzmq.
async fn a_remote_that_is_disconnected_is_unreachable_immediately(transport: Transport) {
    let _watchdog = Watchdog::start();
    let peer1 = Peer::new();
    let endpoint = peer1.bind(transport.any()).await.unwrap();
    let peer2 = persistent();
    let mut monitor = peer2.monitor();
    let peer1_id = peer2.connect_peer(&endpoint).await.unwrap();
    peer2.route(peer1_id, "X").await.unwrap();
    let peer2_id = expect(&peer1, "X").await;

    assert!(peer1.remotes().disconnect(peer2_id));

    assert_unreachable(&peer1, peer2_id).await;
    // The other side reconnects, and keeps its id for this side.
    events::until_disconnected(&mut monitor).await;
    peer2.route(peer1_id, "Y").await.unwrap();
    assert_ne!(expect(&peer1, "Y").await, peer2_id);
}

over_every_transport!(two_peers_that_connect_to_each_other_have_two_connections);

async fn two_peers_that_connect_to_each_other_have_two_connections(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (alice, bob) = (Peer::new(), Peer::new());
    let at_alice = alice.bind(transport.any()).await.unwrap();
    let at_bob = bob.bind(transport.any()).await.unwrap();
    let to_bob = alice.connect_peer(&at_bob).await.unwrap();
    let to_alice = bob.connect_peer(&at_alice).await.unwrap();

    alice.route(to_bob, "from alice").await.unwrap();
    let accepted_by_bob = expect(&bob, "from alice").await;
    bob.route(to_alice, "from bob").await.unwrap();
    let accepted_by_alice = expect(&alice, "from bob").await;

    assert_ne!(accepted_by_bob, to_alice);
    assert_ne!(accepted_by_alice, to_bob);
    bob.route(accepted_by_bob, "reply").await.unwrap();
    assert_eq!(expect(&alice, "reply").await, to_bob);
    alice.route(accepted_by_alice, "reply").await.unwrap();
    assert_eq!(expect(&bob, "reply").await, to_alice);
    assert_eq!((alice.remotes().len(), bob.remotes().len()), (2, 2));
}

#[tokio::test]
async fn an_unknown_id_is_an_error_with_the_message() {
    let _watchdog = Watchdog::start();
    let peer = Peer::new();
    assert_unreachable(&peer, RoutingId::new(77).unwrap()).await;
    let replied = peer.reply(&Message::from("not received"), "x").await;
    assert_eq!(replied, Err(RouteError::HostUnreachable(Message::from("x"))));
}

over_every_transport!(a_remote_that_has_left_is_unreachable_and_its_messages_remain);

async fn a_remote_that_has_left_is_unreachable_and_its_messages_remain(transport: Transport) {
    let _watchdog = Watchdog::start();
    let alice = Peer::new();
    let endpoint = alice.bind(transport.any()).await.unwrap();
    let bob = Peer::new();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    bob.route(to_alice, "hello").await.unwrap();
    let to_bob = expect(&alice, "hello").await;
    bob.route(to_alice, "last words").await.unwrap();
    bob.close().await;

    until_unreachable(&alice, to_bob).await;

    assert_unreachable(&alice, to_bob).await;
    assert_eq!(expect(&alice, "last words").await, to_bob);
}

#[tokio::test]
async fn one_full_remote_does_not_block_the_others() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let alice = Peer::new();
    let endpoint = alice.bind("tcp://127.0.0.1:*").await.unwrap();
    let bob = Peer::builder().send_hwm(1).build();
    let to_idle = bob.connect_peer(listener.endpoint()).await.unwrap();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    let mut idle = listener.accept_as("PEER").await;
    bob.route(to_idle, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    idle.peek().await;
    bob.route(to_idle, "queued").await.unwrap();
    let mut waiting = task::spawn(bob.route(to_idle, "waits"));
    assert_pending!(waiting.poll());

    for number in 0..100_u8 {
        bob.route(to_alice, [number]).await.unwrap();
        expect(&alice, [number]).await;
    }

    assert_pending!(waiting.poll());
    assert_eq!(idle.read_message().await.len(), LONGER_THAN_BUFFERS);
    waiting.await.unwrap();
    assert_eq!(idle.read_message().await, b"queued");
    assert_eq!(idle.read_message().await, b"waits");
}

/// The peer receives from remotes that it dialed and from remotes that it accepted.
#[tokio::test]
async fn one_message_is_received_from_each_remote_in_turn() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let peer = Peer::new();
    let endpoint = peer.bind("tcp://127.0.0.1:*").await.unwrap();
    peer.connect_peer(listener.endpoint()).await.unwrap();
    let mut dialed = listener.accept_as("PEER").await;
    let mut accepted = Remote::dial(&endpoint).await;
    accepted.shake_hands("PEER").await;
    for (remote, body) in [(&mut dialed, b"a"), (&mut accepted, b"b")] {
        remote.write(&remote::message(body).repeat(3)).await;
        remote.sync().await;
    }

    for body in ["a", "b", "a", "b", "a", "b"] {
        assert_eq!(peer.try_recv().unwrap(), body);
    }
    assert_eq!(peer.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn a_multipart_message_is_discarded_and_counted() {
    let _watchdog = Watchdog::start();
    let peer = Peer::new();
    let endpoint = peer.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands("PEER").await;

    let multipart = [remote::MORE, 1, b'a', 0, 1, b'b'];
    remote.write(&[&multipart[..], &remote::message(b"whole")].concat()).await;

    expect(&peer, "whole").await;
    assert_eq!(peer.stats().dropped.multipart, 1);
}

over_every_transport!(notices_carry_the_id_of_their_remote);

async fn notices_carry_the_id_of_their_remote(transport: Transport) {
    let _watchdog = Watchdog::start();
    let endpoint = unbound(transport).await;
    let bob = Peer::builder()
        .hello_message("hello")
        .hiccup_message("hiccup")
        .reconnect_interval(Duration::from_millis(1))
        .build();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    let alice = Peer::builder().disconnect_message("gone").build();
    alice.bind(&endpoint).await.unwrap();
    let first = expect(&alice, "hello").await;

    assert!(alice.remotes().disconnect(first));

    assert_eq!(expect(&bob, "hiccup").await, to_alice);
    let second = expect(&alice, "hello").await;
    assert_ne!(first, second);
    bob.close().await;
    assert_eq!(expect(&alice, "gone").await, second);
}

#[tokio::test]
async fn a_body_moves_inside_the_process_without_a_copy() {
    let _watchdog = Watchdog::start();
    let (alice, bob) = (Peer::new(), Peer::new());
    let endpoint = alice.bind(Transport::Inproc.any()).await.unwrap();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    let body = Bytes::from(vec![7; 1_000]);

    bob.route(to_alice, body.clone()).await.unwrap();
    let request = alice.recv().await.unwrap();
    alice.reply(&request, &request).await.unwrap();

    assert_eq!(request.into_bytes().as_ptr(), body.as_ptr());
    assert_eq!(bob.recv().await.unwrap().into_bytes().as_ptr(), body.as_ptr());
}

over_every_transport!(
    messages_keep_their_order_in_both_directions,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn messages_keep_their_order_in_both_directions(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (alice, bob) = (Peer::new(), Peer::new());
    let endpoint = alice.bind(transport.any()).await.unwrap();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    bob.route(to_alice, "hello").await.unwrap();
    let to_bob = expect(&alice, "hello").await;
    let count = 20_000_u32;
    let senders = [(alice.clone(), to_bob), (bob.clone(), to_alice)].map(|(peer, id)| {
        tokio::spawn(async move {
            for number in 0..count {
                peer.route(id, number.to_be_bytes()).await.unwrap();
            }
        })
    });

    for number in 0..count {
        assert_eq!(expect(&alice, number.to_be_bytes()).await, to_bob);
        assert_eq!(expect(&bob, number.to_be_bytes()).await, to_alice);
    }

    for sender in senders {
        sender.await.unwrap();
    }
}

#[tokio::test]
async fn a_peer_is_a_stream_and_a_sink_of_messages_with_ids() {
    let _watchdog = Watchdog::start();
    let (alice, mut bob) = (Peer::new(), Peer::new());
    let endpoint = alice.bind(Transport::Inproc.any()).await.unwrap();
    tokio::spawn(alice.clone().map(Ok).forward(alice.lossy()));
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();

    bob.send(Message::from("echo").with_routing_id(to_alice)).await.unwrap();

    let echo = bob.next().await.unwrap();
    assert_eq!(echo, "echo");
    assert_eq!(echo.routing_id(), Some(to_alice));
}

#[tokio::test]
async fn a_remote_reports_its_socket_type() {
    let _watchdog = Watchdog::start();
    let (alice, bob) = (Peer::new(), Peer::new());
    let endpoint = alice.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = bob.monitor();
    bob.connect(&endpoint).await.unwrap();
    let to_alice = events::until_established(&mut monitor).await.routing_id.unwrap();
    assert_eq!(bob.remotes().get(to_alice).unwrap().socket_type(), Some(SocketType::Peer));
    bob.route(to_alice, "hello").await.unwrap();
    let (_, remote) = alice.recv_from().await.unwrap();
    assert_eq!(remote.socket_type(), Some(SocketType::Peer));
}
