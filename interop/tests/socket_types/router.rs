//! ROUTER with remotes of libzmq, and the identities of both.

mod notices;
mod probes;
mod unroutable;

use interop::{BytesOption, Socket, SocketOption, SocketType};
use support::events;
use support::transports::Transport;
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Builder, Endpoint, Identity, Router, TryRouteError};

use crate::credentials::Credentials;
use crate::messages::bodies;
use crate::pairing::{Binds, guarded, over_tcp_and_ipc, own_endpoint, until_some, would_not_block};
use crate::side::reconnecting;
use crate::theirs::{join, recv, send, socket};

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

over_tcp_and_ipc!(plain_and_curve_work_in_both_roles);

async fn plain_and_curve_work_in_both_roles(transport: Transport) {
    for credentials in Credentials::all() {
        for binds in Binds::EITHER {
            let router = credentials.secure_ours(Router::builder()).build();
            let dealer = socket(SocketType::Dealer);
            dealer.set_bytes(BytesOption::RoutingId, b"worker").unwrap();
            let _zap_handler = credentials.secure_theirs(&dealer);
            join(&router, &dealer, binds, transport).await;
            for body in bodies() {
                let parts = [vec![], body.clone(), vec![], body];
                send(&dealer, &parts).await;
                let message = router.recv().await.unwrap();
                assert_eq!(message.identity(), "worker");
                router.reply(&message, &*message).await.unwrap();
                assert!(recv(&dealer).await == parts);
            }
        }
    }
}

over_tcp_and_ipc!(their_dealers_are_served_in_turn);

/// Corresponds to `test_fair_queue_in` in `test_spec_router` of libzmq.
async fn their_dealers_are_served_in_turn(transport: Transport) {
    let (router, endpoint) = bound(Router::builder(), transport).await;
    let names = [b"A\0", b"B\0", b"C\0", b"D\0", b"E\0"];
    let dealers = names.map(|name| dealer(name, &endpoint));
    for _ in 0..2 {
        for dealer in &dealers {
            send(dealer, &[b"M".to_vec()]).await;
        }
    }
    until_some(|| (router.stats().queued.incoming == 10).then_some(())).await;
    for _ in 0..2 {
        let mut round = Vec::new();
        for _ in &dealers {
            round.push(router.recv().await.unwrap().identity().clone());
        }
        round.sort();
        assert_eq!(round, names.map(|name| Identity::try_from(name).unwrap()));
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

/// Disconnects a dealer of theirs, and waits. A socket of libzmq ends a connection only while the
/// application calls it.
async fn disconnect<T>(dealer: &Socket, endpoint: &Endpoint, wait: impl Future<Output = T>) -> T {
    dealer.disconnect(&endpoint.to_string()).unwrap();
    let call = until_some(|| would_not_block(dealer.try_recv_parts()));
    tokio::select! {
        waited = wait => waited,
        unexpected = call => panic!("received {unexpected:?}"),
    }
}

fn identity(text: &str) -> Identity {
    text.parse().unwrap()
}
