//! The operations of a test on a PEER of either library.

use std::fmt::Debug;
use std::io;

use interop::{Received, Socket, SocketType, TryError};
use support::transports::Transport;
use tokio_zmtp::{Peer, RoutingId, TryRouteError};

use crate::pairing::{
    DEFAULT_HWM, bind_ours, bind_theirs, own_endpoint, reconnecting, socket_with_hwm, until_some,
    would_not_block,
};

pub(crate) trait PeerSide {
    type Id: Copy + Debug + PartialEq;

    /// Creates a socket with the high-water mark `hwm` in both directions.
    fn with_hwm(hwm: usize) -> Self;

    fn new() -> Self
    where
        Self: Sized,
    {
        Self::with_hwm(DEFAULT_HWM)
    }

    /// Returns the id with this number, which is not assigned to a remote.
    fn unassigned_id(number: u32) -> Self::Id;

    /// Binds as soon as the address is free, and returns the endpoint with its actual port.
    async fn bind(&self, endpoint: &str) -> String;
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

impl PeerSide for Peer {
    type Id = RoutingId;

    fn with_hwm(hwm: usize) -> Self {
        reconnecting(Self::builder()).send_hwm(hwm).recv_hwm(hwm).build()
    }

    fn unassigned_id(number: u32) -> RoutingId {
        RoutingId::new(number).unwrap()
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_ours(self, endpoint).await
    }

    async fn connect_peer(&self, endpoint: &str) -> RoutingId {
        self.connect_peer(endpoint).await.unwrap()
    }

    fn try_route(&self, id: RoutingId, body: &[u8]) -> Routed {
        match self.try_route(id, body) {
            Ok(()) => Routed::Sent,
            Err(TryRouteError::Full(_)) => Routed::Full,
            Err(TryRouteError::HostUnreachable(_)) => Routed::Unreachable,
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: RoutingId, body: &[u8]) {
        self.route(id, body).await.unwrap();
    }

    async fn recv(&self) -> (Vec<u8>, RoutingId) {
        let message = self.recv().await.unwrap();
        (message.to_vec(), message.routing_id().unwrap())
    }
}

impl PeerSide for Socket {
    type Id = u32;

    fn with_hwm(hwm: usize) -> Self {
        socket_with_hwm(SocketType::Peer, hwm)
    }

    fn unassigned_id(number: u32) -> u32 {
        number
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(self, endpoint).await
    }

    async fn connect_peer(&self, endpoint: &str) -> u32 {
        self.connect_peer(endpoint).unwrap()
    }

    fn try_route(&self, id: u32, body: &[u8]) -> Routed {
        match self.try_send_to(body, id) {
            Ok(()) => Routed::Sent,
            Err(TryError::WouldBlock) => Routed::Full,
            Err(TryError::Failed(error)) if error.kind() == io::ErrorKind::HostUnreachable => {
                Routed::Unreachable
            }
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: u32, body: &[u8]) {
        until_some(|| would_not_block(self.try_send_to(body, id))).await;
    }

    async fn recv(&self) -> (Vec<u8>, u32) {
        let Received { body, routing_id } = until_some(|| would_not_block(self.try_recv())).await;
        assert_ne!(routing_id, 0);
        (body, routing_id)
    }
}

/// Returns an endpoint without a listener, which can be bound.
pub(crate) async fn unbound(transport: Transport) -> String {
    let peer = Peer::new();
    let endpoint = PeerSide::bind(&peer, &own_endpoint(transport)).await;
    peer.unbind(&*endpoint).await.unwrap();
    endpoint
}

/// Runs `async fn $test::<C, B>(transport)`, in which `C` connects to `B`.
macro_rules! between_peers {
    ($test:ident) => {
        crate::pairing::both_ways!(
            $test,
            ours_connects: <tokio_zmtp::Peer, interop::Socket>,
            theirs_connects: <interop::Socket, tokio_zmtp::Peer>
        );
    };
}
pub(crate) use between_peers;
