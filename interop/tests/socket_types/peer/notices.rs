//! Automatic messages (hello, disconnect, hiccup) between the two libraries.

use interop::BytesOption;
use tokio_zmtp::Peer;

use super::side::PeerSide;
use crate::pairing::{ANY_PORT, guarded};
use crate::side::{Ours, Side, Theirs, reconnecting};

#[tokio::test]
async fn our_peer_announces_and_reports_connections_to_theirs() {
    guarded(async {
        let ours = our_peer();
        let theirs = Theirs::<Peer>::new();
        let to_theirs = ours.connect_peer(&theirs.bind(ANY_PORT).await).await;
        theirs.expect(b"hello").await;
        drop(theirs);
        assert_eq!(ours.expect(b"hiccup").await, to_theirs);

        let theirs = Theirs::<Peer>::new();
        theirs.connect_peer(&ours.bind(ANY_PORT).await).await;
        let to_ours = theirs.expect(b"hello").await;
        theirs.route(to_ours, b"request").await;
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
        let ours = Ours::<Peer>::new();
        let to_ours = theirs.connect_peer(&ours.bind(ANY_PORT).await).await;
        let accepted = ours.expect(b"hello").await;
        assert!(ours.0.remotes().disconnect(accepted));
        assert_eq!(theirs.expect(b"hiccup").await, to_ours);

        let theirs = their_peer();
        let ours = Ours::<Peer>::new();
        ours.connect_peer(&theirs.bind(ANY_PORT).await).await;
        let to_theirs = ours.expect(b"hello").await;
        ours.route(to_theirs, b"request").await;
        let accepted = theirs.expect(b"request").await;
        ours.0.close().await;
        assert_eq!(theirs.expect(b"gone").await, accepted);
    })
    .await;
}

fn our_peer() -> Ours<Peer> {
    let builder = Peer::builder().hello_message("hello").disconnect_message("gone");
    Ours(reconnecting(builder.hiccup_message("hiccup")).build())
}

fn their_peer() -> Theirs<Peer> {
    let theirs = Theirs::new();
    for (option, message) in [
        (BytesOption::HelloMessage, "hello"),
        (BytesOption::DisconnectMessage, "gone"),
        (BytesOption::HiccupMessage, "hiccup"),
    ] {
        theirs.socket.set_bytes(option, message.as_bytes()).unwrap();
    }
    theirs
}
