//! ROUTER with remotes of libzmq, and the identities of both.

use interop::{BytesOption, Context, Socket, SocketOption, SocketType};
use support::events;
use support::transports::Transport;
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Builder, Endpoint, Identity, Router, TryRouteError};

use crate::messages::Parts;
use crate::pairing::{over_tcp_and_ipc, own_endpoint, until_some, would_not_block};
use crate::side::reconnecting;

over_tcp_and_ipc!(our_router_knows_their_dealer_by_its_identity);

async fn our_router_knows_their_dealer_by_its_identity(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    for identity in [&b"worker"[..], b"\0\0", &[0xFF; 255]] {
        let dealer = dealer(identity, &endpoint);
        send(&dealer, &[b"here".to_vec(), vec![], b"I am".to_vec()]).await;
        let message = router.recv().await.unwrap();
        assert_eq!(message.identity(), identity);
        assert_eq!(*message, ["here", "", "I am"]);
        router.reply(&message, ["welcome", ""]).await.unwrap();
        assert_eq!(recv(&dealer).await, [b"welcome".to_vec(), vec![]]);
    }
}

over_tcp_and_ipc!(our_router_connects_to_theirs_and_to_their_dealer);

/// Corresponds to `test_connect_rid` of libzmq.
async fn our_router_connects_to_theirs_and_to_their_dealer(transport: Transport) {
    for socket_type in [SocketType::Router, SocketType::Dealer] {
        let theirs = socket(socket_type);
        theirs.bind(&own_endpoint(transport)).unwrap();
        let router = reconnecting(Router::builder().identity(identity("ours"))).build();
        let assigned = identity("assigned");
        router.connect_identity(theirs.last_endpoint().unwrap(), &assigned).await.unwrap();
        router.route(&assigned, ["hello", ""]).await.unwrap();
        let mut expected = vec![b"hello".to_vec(), vec![]];
        if let SocketType::Router = socket_type {
            expected.insert(0, b"ours".to_vec());
        }
        assert_eq!(recv(&theirs).await, expected);
        send(&theirs, &expected).await;
        let message = router.recv().await.unwrap();
        assert_eq!((message.identity(), message.len()), (&assigned, 2));
    }
}

over_tcp_and_ipc!(our_router_answers_their_req);

async fn our_router_answers_their_req(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let req = socket(SocketType::Req);
    req.connect(&endpoint.to_string()).unwrap();
    for number in 0..100_u8 {
        send(&req, &[vec![number]]).await;
        let request = router.recv().await.unwrap();
        assert_eq!(*request, [&b""[..], &[number]]);
        router.reply(&request, ["", "reply"]).await.unwrap();
        assert_eq!(recv(&req).await, [b"reply".to_vec()]);
    }
}

over_tcp_and_ipc!(our_router_answers_their_req_with_its_correlation_id);

async fn our_router_answers_their_req_with_its_correlation_id(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let req = socket(SocketType::Req);
    req.set(SocketOption::ReqCorrelate, 1).unwrap();
    req.connect(&endpoint.to_string()).unwrap();
    for number in 0..100_u8 {
        send(&req, &[vec![number]]).await;
        let request = router.recv().await.unwrap();
        let id = &request[0];
        assert_eq!(id.len(), 4);
        assert_eq!(*request, [id, b"", &[number]]);
        // libzmq skips a reply with another id.
        router.reply(&request, [&b"none"[..], b"", b"stray"]).await.unwrap();
        router.reply(&request, [id, b"", b"reply"]).await.unwrap();
        assert_eq!(recv(&req).await, [b"reply".to_vec()]);
    }
}

over_tcp_and_ipc!(their_duplicate_is_refused_and_the_first_is_not_affected);

async fn their_duplicate_is_refused_and_the_first_is_not_affected(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let mut of_router = router.monitor();
    let first = dealer(b"same", &endpoint);
    events::until_established(&mut of_router).await;
    let _second = dealer(b"same", &endpoint);
    let failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    let EventKind::HandshakeFailed { reason } = events::until(&mut of_router, failed).await.kind
    else {
        unreachable!()
    };
    assert!(matches!(reason, HandshakeFailure::DuplicateIdentity { .. }), "{reason:?}");
    send(&first, &[b"hello".to_vec()]).await;
    let hello = router.recv().await.unwrap();
    router.reply(&hello, "welcome").await.unwrap();
    assert_eq!(recv(&first).await, [b"welcome".to_vec()]);
}

over_tcp_and_ipc!(their_newcomer_takes_over_the_identity);

/// Corresponds to `test_router_handover` of libzmq.
async fn their_newcomer_takes_over_the_identity(transport: Transport) {
    let (router, endpoint) = bound(Router::builder().handover(true), transport).await;
    let first = dealer(b"same", &endpoint);
    send(&first, &[b"first".to_vec()]).await;
    assert_eq!(*router.recv().await.unwrap(), ["first"]);
    first.disconnect(&endpoint.to_string()).unwrap();
    let second = dealer(b"same", &endpoint);
    send(&second, &[b"second".to_vec()]).await;
    let message = router.recv().await.unwrap();
    assert_eq!(*message, ["second"]);
    router.reply(&message, "welcome").await.unwrap();
    assert_eq!(recv(&second).await, [b"welcome".to_vec()]);
}

over_tcp_and_ipc!(their_short_lived_dealers_are_served);

/// Corresponds to `test_issue_566` of libzmq, with one identity for all.
async fn their_short_lived_dealers_are_served(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let mut of_router = router.monitor();
    for number in 0..100_u8 {
        let dealer = dealer(b"same", &endpoint);
        send(&dealer, &[vec![number]]).await;
        let request = router.recv().await.unwrap();
        assert_eq!((request.identity(), &request[0]), (&identity("same"), &[number][..]));
        router.reply(&request, "reply").await.unwrap();
        assert_eq!(recv(&dealer).await, [b"reply".to_vec()]);
        drop(dealer);
        events::until_disconnected(&mut of_router).await;
        let gone = router.try_route(&identity("same"), "gone");
        assert!(matches!(gone, Err(TryRouteError::HostUnreachable(_))), "{gone:?}");
    }
}

/// Returns a bound router of ours and its endpoint.
async fn bound(builder: Builder<Router>, transport: Transport) -> (Router, Endpoint) {
    let router = builder.build();
    let endpoint = router.bind(&*own_endpoint(transport)).await.unwrap();
    (router, endpoint)
}

/// Connects a dealer of theirs to a socket of ours.
fn dealer(identity: &[u8], endpoint: &Endpoint) -> Socket {
    let dealer = socket(SocketType::Dealer);
    dealer.set_bytes(BytesOption::RoutingId, identity).unwrap();
    dealer.connect(&endpoint.to_string()).unwrap();
    dealer
}

fn socket(socket_type: SocketType) -> Socket {
    Socket::new(&Context::new().unwrap(), socket_type).unwrap()
}

async fn send(theirs: &Socket, message: &[Vec<u8>]) {
    until_some(|| would_not_block(theirs.try_send_parts(message))).await;
}

async fn recv(theirs: &Socket) -> Parts {
    until_some(|| would_not_block(theirs.try_recv_parts())).await
}

fn identity(text: &str) -> Identity {
    text.parse().unwrap()
}
