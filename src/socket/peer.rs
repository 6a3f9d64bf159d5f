//! PEER (RFC 51).

use zmtp_proto::socket_type::SocketType;

#[cfg(doc)]
use crate::message::Message;
use crate::routing::RoutingTable;
use crate::socket::sections::{
    cooperative_scheduling, ending, mute_state_of_each_remote, silent_failures,
    stream_and_routing_sink,
};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Handle, Kind};

/// A socket that exchanges messages with any number of other `Peer`s, each addressed by its
/// [`RoutingId`](crate::RoutingId) (RFC 51).
///
/// A `Peer` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread.
///
/// Both sides have the methods of a [`Server`](crate::Server). A peer learns the routing id of a
/// remote from the messages that it receives, or from [`connect_peer`](Self::connect_peer), which
/// returns the id of the remote before it is connected.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Peer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let alice = Peer::new();
/// let endpoint = alice.bind("tcp://127.0.0.1:*").await?;
/// let bob = Peer::new();
/// let to_alice = bob.connect_peer(&endpoint).await?;
///
/// bob.route(to_alice, "hello").await?;
/// let hello = alice.recv().await?;
/// alice.reply(&hello, "hello to you").await?;
/// let reply = bob.recv().await?;
/// assert_eq!(reply, "hello to you");
/// assert_eq!(reply.routing_id(), Some(to_alice));
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Peer`] |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | by routing id |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | wait |
///
/// # Routing ids
///
/// Each side assigns its own id to a connection, and neither side learns the id that the other has
/// assigned. The side that connects assigns one id to the endpoint, which survives reconnects. The
/// side that accepts assigns a new id to each connection. Two peers that connect to each other have
/// two connections, and each of them has two ids for the other.
///
#[doc = mute_state_of_each_remote!("peer")]
///
/// A remote that the peer *connected to* has its queue from the moment
/// [`connect_peer`](Self::connect_peer) or [`connect`](Self::connect) returns, whether or not the
/// connection is established: messages wait there for the connection or the reconnect. A remote
/// that connected to the peer has a queue only while it is connected.
///
#[doc = silent_failures!("peer", "remote")]
///
#[doc = stream_and_routing_sink!("Peer")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Peer(pub(in crate::socket) Handle<Self>);

impl Kind for Peer {
    const SOCKET_TYPE: SocketType = SocketType::Peer;

    type Outgoing = RoutingTable;
}

verbs!(
    Peer, "peer": Endpoints, ConnectPeer, Route<RoutingId>, Receive, Remotes, Options, Hellos,
    Hiccups, Disconnects
);
