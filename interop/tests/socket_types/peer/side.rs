//! The operations of a test on a PEER of either library.

use std::fmt::Debug;
use std::io;

use interop::{Received, TryError};
use support::transports::Transport;
use tokio_zmtp::{Peer, RoutingId, TryRouteError};

use crate::messages::bodies;
use crate::pairing::{own_endpoint, until_some, would_not_block};
use crate::side::{Ours, Side, Theirs};

pub(crate) trait PeerSide: Side {
    type Id: Copy + Debug + PartialEq;

    /// Returns the id with this number, which is not assigned to a remote.
    fn unassigned_id(number: u32) -> Self::Id;
    async fn connect_peer(&self, endpoint: &str) -> Self::Id;
    fn try_route(&self, id: Self::Id, body: &[u8]) -> Routed;
    async fn route(&self, id: Self::Id, body: &[u8]);
    async fn recv(&self) -> (Vec<u8>, Self::Id);

    /// Receives a message with this body, and returns the routing id of its remote.
    async fn expect(&self, body: &[u8]) -> Self::Id {
        let (received, id) = self.recv().await;
        assert!(received == body, "a body of {} bytes is damaged", body.len());
        id
    }
}

/// The outcome of a message for one remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routed {
    Sent,
    Full,
    Unreachable,
}

impl PeerSide for Ours<Peer> {
    type Id = RoutingId;

    fn unassigned_id(number: u32) -> RoutingId {
        RoutingId::new(number).unwrap()
    }

    async fn connect_peer(&self, endpoint: &str) -> RoutingId {
        self.0.connect_peer(endpoint).await.unwrap()
    }

    fn try_route(&self, id: RoutingId, body: &[u8]) -> Routed {
        match self.0.try_route(id, body) {
            Ok(()) => Routed::Sent,
            Err(TryRouteError::Full(_)) => Routed::Full,
            Err(TryRouteError::HostUnreachable(_)) => Routed::Unreachable,
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: RoutingId, body: &[u8]) {
        self.0.route(id, body).await.unwrap();
    }

    async fn recv(&self) -> (Vec<u8>, RoutingId) {
        let message = self.0.recv().await.unwrap();
        (message.to_vec(), message.routing_id().unwrap())
    }
}

impl PeerSide for Theirs<Peer> {
    type Id = u32;

    fn unassigned_id(number: u32) -> u32 {
        number
    }

    async fn connect_peer(&self, endpoint: &str) -> u32 {
        self.socket.connect_peer(endpoint).unwrap()
    }

    fn try_route(&self, id: u32, body: &[u8]) -> Routed {
        match self.socket.try_send_to(body, id) {
            Ok(()) => Routed::Sent,
            Err(TryError::WouldBlock) => Routed::Full,
            Err(TryError::Failed(error)) if error.kind() == io::ErrorKind::HostUnreachable => {
                Routed::Unreachable
            }
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: u32, body: &[u8]) {
        until_some(|| would_not_block(self.socket.try_send_to(body, id))).await;
    }

    async fn recv(&self) -> (Vec<u8>, u32) {
        let Received { body, routing_id } =
            until_some(|| would_not_block(self.socket.try_recv())).await;
        assert_ne!(routing_id, 0);
        (body, routing_id)
    }
}

/// Binds `bound`, connects `connected` to it, and returns its routing id.
pub(crate) async fn connect<C: PeerSide>(
    connected: &C,
    bound: &impl PeerSide,
    transport: Transport,
) -> C::Id {
    connected.connect_peer(&bound.bind(&own_endpoint(transport)).await).await
}

/// Connects `connected` to `bound`, and sends bodies of different sizes in both directions.
pub(crate) async fn pass_bodies(
    connected: &impl PeerSide,
    bound: &impl PeerSide,
    transport: Transport,
) {
    let to_bound = connect(connected, bound, transport).await;
    for body in bodies() {
        connected.route(to_bound, &body).await;
        let to_connected = bound.expect(&body).await;
        bound.route(to_connected, &body).await;
        assert_eq!(connected.expect(&body).await, to_bound);
    }
}

/// Returns an endpoint without a listener, which can be bound.
pub(crate) async fn unbound(transport: Transport) -> String {
    let peer = Ours::<Peer>::new();
    let endpoint = peer.bind(&own_endpoint(transport)).await;
    peer.0.unbind(&*endpoint).await.unwrap();
    endpoint
}

/// Runs `async fn $test::<C, B>(transport)`, in which `C` connects to `B`.
macro_rules! between_peers {
    ($test:ident) => {
        crate::pairing::for_each_pair!(
            $test,
            ours_connects: <Ours<Peer>, Theirs<Peer>>,
            theirs_connects: <Theirs<Peer>, Ours<Peer>>
        );
    };
}
pub(crate) use between_peers;
