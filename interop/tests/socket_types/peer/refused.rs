//! Sockets of other types are refused, on both sides.

use interop::SocketType;
use tokio_zmtp::{Client, Peer, Server, SocketType as OurSocketType};

use crate::pairing::{guarded, refuse_each_other, socket};

#[tokio::test]
async fn our_peer_refuses_their_client_and_server() {
    guarded(async {
        for (their_type, remote) in [
            (SocketType::Client, OurSocketType::Client),
            (SocketType::Server, OurSocketType::Server),
        ] {
            let theirs = socket(their_type);
            refuse_each_other(&Peer::new(), &theirs, remote).await;
        }
    })
    .await;
}

#[tokio::test]
async fn their_peer_is_refused_by_our_client_and_server() {
    guarded(async {
        let theirs = socket(SocketType::Peer);
        refuse_each_other(&Client::new(), &theirs, OurSocketType::Peer).await;
        let theirs = socket(SocketType::Peer);
        refuse_each_other(&Server::new(), &theirs, OurSocketType::Peer).await;
    })
    .await;
}
