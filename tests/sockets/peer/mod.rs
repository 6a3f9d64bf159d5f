//! PEER (RFC 51).

mod connect_peer;
mod exchange;
mod refused;
mod security;

use std::time::Duration;

use tokio::task;
use tokio_zmtp::{Endpoint, Message, Peer, RouteError, RoutingId, TryRouteError};

use crate::transports::Transport;

/// Returns an endpoint without a listener, which can be bound.
async fn unbound(transport: Transport) -> Endpoint {
    let peer = Peer::new();
    let endpoint = peer.bind(transport.any()).await.unwrap();
    peer.unbind(&endpoint).await.unwrap();
    endpoint
}

/// Creates a peer that reconnects quickly.
fn persistent() -> Peer {
    Peer::builder().reconnect_interval(Duration::from_millis(1)).build()
}

/// Receives a message, and checks its body. Returns the routing id of its remote.
async fn expect(peer: &Peer, body: impl AsRef<[u8]>) -> RoutingId {
    let message = peer.recv().await.unwrap();
    assert_eq!(message, body.as_ref());
    message.routing_id().unwrap()
}

/// Checks with every verb that sends that an id has no remote.
async fn assert_unreachable(peer: &Peer, id: RoutingId) {
    let message = Message::from("x");
    let tried = peer.try_route(id, "x");
    assert_eq!(tried, Err(TryRouteError::HostUnreachable(message.clone())));
    let routed = peer.route(id, "x").await;
    assert_eq!(routed, Err(RouteError::HostUnreachable(message.clone())));
    let replied = peer.reply(&message.clone().with_routing_id(id), "x").await;
    assert_eq!(replied, Err(RouteError::HostUnreachable(message)));
    peer.try_reserve_route(id).unwrap_err();
}

/// Waits until an id has no remote.
async fn until_unreachable(peer: &Peer, id: RoutingId) {
    while !matches!(peer.try_reserve_route(id), Err(TryRouteError::HostUnreachable(()))) {
        task::yield_now().await;
    }
}
