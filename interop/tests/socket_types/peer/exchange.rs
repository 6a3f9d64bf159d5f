//! Messages between the two libraries.

use interop::{number, numbered};
use support::transports::Transport;
use tokio_zmtp::Peer;

use super::side::{PeerSide, Routed, between_peers, connect, pass_bodies};
use crate::pairing::{guarded, own_endpoint};
use crate::side::{Ours, Side, Theirs};

between_peers!(each_side_assigns_its_own_id_to_the_other);

/// Corresponds to `test_peer` of libzmq.
async fn each_side_assigns_its_own_id_to_the_other<C: PeerSide, B: PeerSide>(transport: Transport) {
    let (connected, bound) = (C::new(), B::new());
    let to_bound = connect(&connected, &bound, transport).await;
    connected.route(to_bound, &[1]).await;
    let to_connected = bound.expect(&[1]).await;
    bound.route(to_connected, &[2]).await;
    assert_eq!(connected.expect(&[2]).await, to_bound);
}

between_peers!(bodies_of_every_size_arrive_unchanged);

async fn bodies_of_every_size_arrive_unchanged<C: PeerSide, B: PeerSide>(transport: Transport) {
    pass_bodies(&C::new(), &B::new(), transport).await;
}

between_peers!(a_peer_that_is_mute_for_one_remote_loses_nothing);

async fn a_peer_that_is_mute_for_one_remote_loses_nothing<C: PeerSide, B: PeerSide>(
    transport: Transport,
) {
    let (connected, bound, other) = (C::with_hwm(10), B::with_hwm(10), B::with_hwm(10));
    let to_bound = connect(&connected, &bound, transport).await;
    let to_other = connect(&connected, &other, transport).await;
    let mut sent = 0;
    // The system's buffers take some messages as well before the mute state is reached.
    while connected.try_route(to_bound, &numbered(sent, SIZE)) == Routed::Sent {
        sent += 1;
        tokio::task::yield_now().await;
    }

    connected.route(to_other, b"not mute").await;
    other.expect(b"not mute").await;

    for expected in 0..sent {
        let (body, _) = bound.recv().await;
        assert_eq!(number(&body), Some(expected));
    }
    connected.route(to_bound, b"no longer mute").await;
    bound.expect(b"no longer mute").await;
}

#[tokio::test]
async fn two_peers_that_connect_to_each_other_have_two_connections() {
    guarded(async {
        let (ours, theirs) = (Ours::<Peer>::new(), Theirs::<Peer>::new());
        let at_ours = ours.bind(&own_endpoint(Transport::Tcp)).await;
        let at_theirs = theirs.bind(&own_endpoint(Transport::Tcp)).await;
        let to_theirs = ours.connect_peer(&at_theirs).await;
        let to_ours = theirs.connect_peer(&at_ours).await;

        ours.route(to_theirs, b"from ours").await;
        let accepted_by_theirs = theirs.expect(b"from ours").await;
        theirs.route(to_ours, b"from theirs").await;
        let accepted_by_ours = ours.expect(b"from theirs").await;

        assert_ne!(accepted_by_theirs, to_ours);
        assert_ne!(accepted_by_ours, to_theirs);
        theirs.route(accepted_by_theirs, b"reply").await;
        assert_eq!(ours.expect(b"reply").await, to_theirs);
        ours.route(accepted_by_ours, b"reply").await;
        assert_eq!(theirs.expect(b"reply").await, to_ours);
    })
    .await;
}

/// The size of a body. Few bodies fit into the system's buffers.
const SIZE: usize = 256 << 10;
