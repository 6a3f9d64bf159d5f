//! Sockets of other types are refused, on both sides.

use interop::{EventKind, Monitor, Socket, SocketType};
use tokio::time;
use tokio_zmtp::monitor::{EventKind as OurEventKind, HandshakeFailure};
use tokio_zmtp::{Client, Peer, Server, Socket as OurSocket, SocketType as OurSocketType};

use crate::pairing::{ANY_PORT, POLL_INTERVAL, guarded, socket};

#[tokio::test]
async fn our_peer_refuses_their_client_and_server() {
    guarded(async {
        for (their_type, remote) in [
            (SocketType::Client, OurSocketType::Client),
            (SocketType::Server, OurSocketType::Server),
        ] {
            let theirs = socket(their_type);
            refuses(&Peer::new(), &theirs, remote).await;
        }
    })
    .await;
}

#[tokio::test]
async fn their_peer_is_refused_by_our_client_and_server() {
    guarded(async {
        let theirs = socket(SocketType::Peer);
        refuses(&Client::new(), &theirs, OurSocketType::Peer).await;
        let theirs = socket(SocketType::Peer);
        refuses(&Server::new(), &theirs, OurSocketType::Peer).await;
    })
    .await;
}

/// Connects their socket to ours, and expects that both report the failure.
async fn refuses<S: OurSocket>(ours: &S, theirs: &Socket, their_type: OurSocketType) {
    let mut of_ours = ours.monitor();
    let of_theirs = theirs.monitor().unwrap();
    let endpoint = ours.bind(ANY_PORT).await.unwrap();
    theirs.connect(&endpoint.to_string()).unwrap();

    let failure = loop {
        let event = of_ours.recv().await.unwrap().unwrap();
        if let OurEventKind::HandshakeFailed { reason } = event.kind {
            break reason;
        }
    };
    let HandshakeFailure::IncompatibleSocketType { local, remote } = failure else {
        panic!("{failure:?}");
    };
    assert_eq!((local, remote), (S::SOCKET_TYPE, their_type));
    until_refused(&of_theirs).await;
}

async fn until_refused(monitor: &Monitor) {
    loop {
        match monitor.try_next().unwrap() {
            Some(event) => match event.kind {
                EventKind::Disconnected => return,
                kind if kind.is_handshake_failure() => return,
                kind => assert_ne!(kind, EventKind::HandshakeSucceeded),
            },
            None => time::sleep(POLL_INTERVAL).await,
        }
    }
}
