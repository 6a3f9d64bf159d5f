//! Automatic messages (hello, disconnect, hiccup) between the two libraries.

use interop::{BytesOption, Socket, SocketType};
use tokio_zmtp::Peer;

use super::side::PeerSide;
use crate::pairing::{ANY_PORT, RECONNECT_INTERVAL, guarded, socket};

#[tokio::test]
async fn our_peer_announces_and_reports_connections_to_theirs() {
    guarded(async {
        let ours = our_peer();
        let theirs: Socket = PeerSide::new();
        let to_theirs =
            PeerSide::connect_peer(&ours, &PeerSide::bind(&theirs, ANY_PORT).await).await;
        theirs.expect(b"hello").await;
        drop(theirs);
        assert_eq!(ours.expect(b"hiccup").await, to_theirs);

        let theirs: Socket = PeerSide::new();
        PeerSide::connect_peer(&theirs, &PeerSide::bind(&ours, ANY_PORT).await).await;
        let to_ours = theirs.expect(b"hello").await;
        PeerSide::route(&theirs, to_ours, b"request").await;
        let accepted = ours.expect(b"request").await;
        drop(theirs);
        assert_eq!(ours.expect(b"gone").await, accepted);
    })
    .await;
}

#[tokio::test]
async fn their_peer_announces_and_reports_connections_to_ours() {
    guarded(async {
        let theirs = their_peer();
        let ours: Peer = PeerSide::new();
        let to_ours = PeerSide::connect_peer(&theirs, &PeerSide::bind(&ours, ANY_PORT).await).await;
        let accepted = ours.expect(b"hello").await;
        assert!(ours.remotes().disconnect(accepted));
        assert_eq!(theirs.expect(b"hiccup").await, to_ours);

        let theirs = their_peer();
        let ours: Peer = PeerSide::new();
        PeerSide::connect_peer(&ours, &PeerSide::bind(&theirs, ANY_PORT).await).await;
        let to_theirs = ours.expect(b"hello").await;
        PeerSide::route(&ours, to_theirs, b"request").await;
        let accepted = theirs.expect(b"request").await;
        ours.close().await;
        assert_eq!(theirs.expect(b"gone").await, accepted);
    })
    .await;
}

fn our_peer() -> Peer {
    Peer::builder()
        .hello_message("hello")
        .disconnect_message("gone")
        .hiccup_message("hiccup")
        .reconnect_interval(RECONNECT_INTERVAL)
        .build()
}

fn their_peer() -> Socket {
    let socket = socket(SocketType::Peer);
    socket.set_bytes(BytesOption::HelloMessage, b"hello").unwrap();
    socket.set_bytes(BytesOption::DisconnectMessage, b"gone").unwrap();
    socket.set_bytes(BytesOption::HiccupMessage, b"hiccup").unwrap();
    socket
}
