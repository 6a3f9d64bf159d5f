//! Routing ids that `connect_peer` returns.

use interop::SocketOption;
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::{ConnectPeerError, Peer};

use super::side::{PeerSide, Routed, between_peers, connect, unbound};
use crate::pairing::{ANY_PORT, POLL_INTERVAL, guarded, own_endpoint};
use crate::side::{Ours, Side, Theirs};

between_peers!(messages_queue_for_an_id_before_there_is_a_listener);

async fn messages_queue_for_an_id_before_there_is_a_listener<C: PeerSide, B: PeerSide>(
    transport: Transport,
) {
    let endpoint = unbound(transport).await;
    let connected = C::with_hwm(3);
    let to_bound = connected.connect_peer(&endpoint).await;
    for number in 0..3 {
        assert_eq!(connected.try_route(to_bound, &[number]), Routed::Sent);
    }
    assert_eq!(connected.try_route(to_bound, b"x"), Routed::Full);

    let bound = B::new();
    bound.bind(&endpoint).await;

    for number in 0..3 {
        bound.expect(&[number]).await;
    }
}

between_peers!(an_id_survives_a_restart_of_its_remote);

async fn an_id_survives_a_restart_of_its_remote<C: PeerSide, B: PeerSide>(transport: Transport) {
    let connected = C::new();
    let bound = B::new();
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    let to_bound = connected.connect_peer(&endpoint).await;
    exchange(&connected, to_bound, &bound, b"before").await;
    drop(bound);

    for round in 0..3 {
        let bound = B::new();
        bound.bind(&endpoint).await;
        exchange(&connected, to_bound, &bound, &[round]).await;
        drop(bound);
    }
}

between_peers!(an_unknown_id_is_unreachable);

async fn an_unknown_id_is_unreachable<C: PeerSide, B: PeerSide>(transport: Transport) {
    let (connected, bound) = (C::new(), B::new());
    let to_bound = connect(&connected, &bound, transport).await;
    connected.route(to_bound, b"hello").await;
    bound.expect(b"hello").await;
    assert_eq!(connected.try_route(C::unassigned_id(UNUSED), b"x"), Routed::Unreachable);
    assert_eq!(bound.try_route(B::unassigned_id(UNUSED), b"x"), Routed::Unreachable);
}

/// libzmq reports a remote that has left as full until the application has received its last
/// message and tried to receive another.
#[tokio::test]
async fn their_peer_is_unreachable_when_it_has_left() {
    guarded(async {
        let (ours, theirs) = (Ours::<Peer>::new(), Theirs::<Peer>::new());
        let endpoint = ours.bind(ANY_PORT).await;
        let to_ours = theirs.connect_peer(&endpoint).await;
        theirs.route(to_ours, b"hello").await;
        let to_theirs = ours.expect(b"hello").await;
        drop(theirs);
        while ours.try_route(to_theirs, b"still there?") != Routed::Unreachable {
            time::sleep(POLL_INTERVAL).await;
        }
    })
    .await;
}

#[tokio::test]
async fn connect_peer_fails_with_immediate_in_both_libraries() {
    guarded(async {
        const EFAULT: i32 = 14;
        let theirs = Theirs::<Peer>::new().socket;
        theirs.set(SocketOption::Immediate, 1).unwrap();
        assert_eq!(theirs.connect_peer("tcp://127.0.0.1:1").unwrap_err().errno(), EFAULT);

        let ours = Peer::builder().immediate(true).build();
        let error = ours.connect_peer("tcp://127.0.0.1:1").await.unwrap_err();
        assert!(matches!(error, ConnectPeerError::Immediate), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn concurrent_calls_on_sixteen_threads_return_the_ids_of_their_remotes() {
    guarded(async {
        let hub = Ours::<Peer>::new();
        let mut remotes = Vec::new();
        let mut calls = Vec::new();
        for _ in 0..16 {
            let remote = Theirs::<Peer>::new();
            let endpoint = remote.bind(ANY_PORT).await;
            remotes.push(remote);
            let hub = hub.0.clone();
            calls.push(tokio::task::spawn_blocking(move || {
                tokio::runtime::Handle::current().block_on(hub.connect_peer(&*endpoint)).unwrap()
            }));
        }
        for (number, (call, remote)) in (0_u8..).zip(calls.into_iter().zip(&remotes)) {
            let id = call.await.unwrap();
            hub.route(id, &[number]).await;
            let to_hub = remote.expect(&[number]).await;
            remote.route(to_hub, &[number]).await;
            assert_eq!(hub.expect(&[number]).await, id);
        }
    })
    .await;
}

/// Repeats a request until its reply arrives: messages that were written before a restart are lost.
async fn exchange<C: PeerSide, B: PeerSide>(connected: &C, to: C::Id, bound: &B, round: &[u8]) {
    let answer = async {
        loop {
            let (request, id) = bound.recv().await;
            bound.route(id, &request).await;
        }
    };
    let ask = async {
        loop {
            assert_ne!(connected.try_route(to, round), Routed::Unreachable);
            while let Ok((reply, id)) = time::timeout(ASK_AGAIN_AFTER, connected.recv()).await {
                assert_eq!(id, to, "the id has changed");
                if reply == round {
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = answer => {}
        () = ask => {}
    }
}

const ASK_AGAIN_AFTER: time::Duration = time::Duration::from_millis(50);

/// An id that is almost certainly not in use: the few that are in use are consecutive, from a
/// random one.
const UNUSED: u32 = 77;
