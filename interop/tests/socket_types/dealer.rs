//! DEALER with remotes of other types, and its identity.

use interop::{BytesOption, Socket, SocketType};
use support::transports::Transport;
use tokio_zmtp::{Builder, Dealer, Identity};

use crate::pairing::{guarded, over_tcp_and_ipc, own_endpoint};
use crate::side::reconnecting;
use crate::theirs::{recv, send, socket};

over_tcp_and_ipc!(their_rep_answers_our_dealer);

/// The delimiter comes first, both ways.
async fn their_rep_answers_our_dealer(transport: Transport) {
    let rep = socket(SocketType::Rep);
    let dealer = dealer(Dealer::builder(), &rep, transport).await;
    for number in 0..100_u8 {
        dealer.send([&b""[..], &[number], b"", b"last"]).await.unwrap();
    }
    for number in 0..100_u8 {
        let request = recv(&rep).await;
        assert_eq!(request, [vec![number], vec![], b"last".to_vec()]);
        send(&rep, &[b"reply".to_vec(), vec![number]]).await;
        assert_eq!(dealer.recv().await.unwrap(), [&b""[..], b"reply", &[number]]);
    }
}

over_tcp_and_ipc!(a_router_of_theirs_knows_our_dealer_by_its_identity);

async fn a_router_of_theirs_knows_our_dealer_by_its_identity(transport: Transport) {
    for identity in [&b"worker"[..], b"\0\0", &[0xFF; 255]] {
        let router = socket(SocketType::Router);
        let builder = Dealer::builder().identity(Identity::try_from(identity).unwrap());
        let dealer = dealer(builder, &router, transport).await;
        dealer.send(["here", "I am"]).await.unwrap();
        let expected = [identity.to_vec(), b"here".to_vec(), b"I am".to_vec()];
        assert_eq!(recv(&router).await, expected);
        send(&router, &expected).await;
        assert_eq!(dealer.recv().await.unwrap(), ["here", "I am"]);
    }
}

over_tcp_and_ipc!(a_router_of_theirs_receives_the_probe_of_our_dealer);

/// Corresponds to the part of `test_probe_router` of libzmq about DEALER.
async fn a_router_of_theirs_receives_the_probe_of_our_dealer(transport: Transport) {
    let router = socket(SocketType::Router);
    let builder = Dealer::builder().identity("X".parse().unwrap()).probe_router(true);
    let dealer = dealer(builder, &router, transport).await;
    assert_eq!(recv(&router).await, [b"X".to_vec(), vec![]]);
    send(&router, &[b"X".to_vec(), b"Hello".to_vec()]).await;
    assert_eq!(dealer.recv().await.unwrap(), ["Hello"]);
}

#[tokio::test]
async fn our_dealer_reports_the_identity_of_theirs() {
    guarded(async {
        let theirs = socket(SocketType::Dealer);
        theirs.set_bytes(BytesOption::RoutingId, b"theirs").unwrap();
        let dealer = dealer(Dealer::builder(), &theirs, Transport::Tcp).await;
        send(&theirs, &[b"hello".to_vec()]).await;
        let (message, remote) = dealer.recv_from().await.unwrap();
        assert_eq!(message, ["hello"]);
        assert_eq!(remote.identity().unwrap(), "theirs");
    })
    .await;
}

/// Connects a dealer of ours to a socket of theirs.
async fn dealer(builder: Builder<Dealer>, theirs: &Socket, transport: Transport) -> Dealer {
    theirs.bind(&own_endpoint(transport)).unwrap();
    reconnecting(builder).connect(theirs.last_endpoint().unwrap()).await.unwrap()
}
