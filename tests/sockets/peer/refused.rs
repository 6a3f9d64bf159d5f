//! Sockets of other types are refused, and both sides report why.

use tokio_zmtp::monitor::{EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Client, Peer, Server, Socket, SocketType};

use super::expect;
use crate::events;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(a_peer_and_a_client_refuse_each_other);

async fn a_peer_and_a_client_refuse_each_other(transport: Transport) {
    refuse_each_other(&Peer::new(), &Client::new(), transport).await;
    refuse_each_other(&Client::new(), &Peer::new(), transport).await;
}

over_every_transport!(a_peer_and_a_server_refuse_each_other);

async fn a_peer_and_a_server_refuse_each_other(transport: Transport) {
    refuse_each_other(&Peer::new(), &Server::new(), transport).await;
    refuse_each_other(&Server::new(), &Peer::new(), transport).await;
}

#[tokio::test]
async fn a_socket_that_is_refused_does_not_affect_the_others() {
    let _watchdog = Watchdog::start();
    let alice = Peer::new();
    let endpoint = alice.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = alice.monitor();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    client.send("from a client").await.unwrap();
    failure(&mut monitor).await;

    let bob = Peer::new();
    let to_alice = bob.connect_peer(&endpoint).await.unwrap();
    bob.route(to_alice, "from a peer").await.unwrap();

    expect(&alice, "from a peer").await;
}

async fn refuse_each_other<B: Socket, C: Socket>(bound: &B, connected: &C, transport: Transport) {
    let _watchdog = Watchdog::start();
    let (mut of_bound, mut of_connected) = (bound.monitor(), connected.monitor());
    let endpoint = bound.bind(transport.any()).await.unwrap();
    connected.connect(&endpoint).await.unwrap();

    for (monitor, local, remote) in [
        (&mut of_bound, B::SOCKET_TYPE, C::SOCKET_TYPE),
        (&mut of_connected, C::SOCKET_TYPE, B::SOCKET_TYPE),
    ] {
        assert_eq!(failure(monitor).await, (local, remote));
    }
}

/// Waits until a handshake has failed. Returns the incompatible types that the event reports.
async fn failure(monitor: &mut Monitor) -> (SocketType, SocketType) {
    let failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    let event = events::until(monitor, failed).await;
    let EventKind::HandshakeFailed { reason } = event.kind else { unreachable!() };
    let HandshakeFailure::IncompatibleSocketType { local, remote } = reason else {
        panic!("{reason:?}");
    };
    assert_eq!(
        reason.to_string(),
        format!("the remote is a {remote}, which is incompatible with a {local}")
    );
    (local, remote)
}
