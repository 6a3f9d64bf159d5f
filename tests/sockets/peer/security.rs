//! PEER with a mechanism and an authenticator.

use tokio_zmtp::auth::{CurveKeypair, Keys, Users};
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Mechanism, Peer};

use super::{assert_unreachable, expect, until_unreachable};
use crate::events;
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_peer_identifies_an_admitted_remote_by_name() {
    let _watchdog = Watchdog::start();
    for transport in [
        Transport::Tcp,
        #[cfg(unix)]
        Transport::Ipc,
    ] {
        for (guest, host) in [plain(), curve()] {
            // The roles do not depend on the side that connects.
            let endpoint = host.bind(transport.any()).await.unwrap();
            let to_host = guest.connect_peer(&endpoint).await.unwrap();
            guest.route(to_host, "hello").await.unwrap();
            let hello = host.recv().await.unwrap();
            let remote = host.remotes().get(hello.routing_id().unwrap()).unwrap();
            assert_eq!(remote.user_id(), Some("guest"));
            host.reply(&hello, "welcome").await.unwrap();
            assert_eq!(expect(&guest, "welcome").await, to_host);

            let endpoint = guest.bind(transport.any()).await.unwrap();
            let to_guest = host.connect_peer(&endpoint).await.unwrap();
            host.route(to_guest, "hello").await.unwrap();
            let hello = guest.recv().await.unwrap();
            let remote = host.remotes().get(to_guest).unwrap();
            assert_eq!(remote.user_id(), Some("guest"));
            guest.reply(&hello, "welcome").await.unwrap();
            assert_eq!(expect(&host, "welcome").await, to_guest);
        }
    }
}

#[tokio::test]
async fn the_id_of_a_remote_that_does_not_admit_this_peer_ends() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let stranger = Mechanism::curve_client(keypair.public_key());
    let host = Peer::builder()
        .mechanism(Mechanism::curve_server(keypair))
        .authenticator(Keys::new())
        .build();
    let endpoint = host.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut of_host = host.monitor();
    let stranger = Peer::builder().mechanism(stranger).build();
    let mut of_stranger = stranger.monitor();

    let to_host = stranger.connect_peer(&endpoint).await.unwrap();

    let failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    let event = events::until(&mut of_host, failed).await;
    assert!(matches!(
        event.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::Rejected { .. } }
    ));
    let event = events::until(&mut of_stranger, failed).await;
    assert!(matches!(
        event.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::Refused { .. } }
    ));
    until_unreachable(&stranger, to_host).await;
    assert_unreachable(&stranger, to_host).await;
}

/// Returns a peer with a username and a password, and a peer that admits it.
fn plain() -> (Peer, Peer) {
    let guest = Mechanism::plain_client("guest", "swordfish").unwrap();
    let users = Users::from_iter([("guest", "swordfish")]);
    let host = Peer::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    (Peer::builder().mechanism(guest).build(), host.build())
}

/// Returns a peer with a key pair, and a peer that admits it.
fn curve() -> (Peer, Peer) {
    let (of_guest, of_host) = (CurveKeypair::generate(), CurveKeypair::generate());
    let keys = Keys::from_iter([(of_guest.public_key(), "guest")]);
    let guest = Mechanism::curve_client((of_host.public_key(), of_guest));
    let host = Mechanism::curve_server(of_host);
    let host = Peer::builder().mechanism(host).authenticator(keys);
    (Peer::builder().mechanism(guest).build(), host.build())
}
