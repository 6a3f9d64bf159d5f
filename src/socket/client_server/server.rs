//! SERVER.

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

/// A socket that exchanges messages with any number of [`Client`](crate::Client)s, each addressed
/// by its [`RoutingId`](crate::RoutingId) (RFC 41).
///
/// A `Server` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread.
///
/// A received message carries the routing id of its client, and a message is sent to a routing id.
/// Once a server knows a client, it can send it any number of messages at any time: a request need
/// not have exactly one reply.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// let client = Client::new();
/// client.connect(&endpoint).await?;
///
/// client.send("subscribe").await?;
/// let id = server.recv().await?.routing_id().unwrap();
/// for number in ["one", "two", "three"] {
///     server.route(id, number).await?;
/// }
/// assert_eq!(client.recv().await?, "one");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Client`](crate::Client) |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | by routing id |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | wait |
///
#[doc = mute_state_of_each_remote!("server")]
///
#[doc = silent_failures!("server", "client")]
///
#[doc = stream_and_routing_sink!("Server")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Server(pub(in crate::socket) Handle<Self>);

impl Kind for Server {
    const SOCKET_TYPE: SocketType = SocketType::Server;

    type Outgoing = RoutingTable;
}

verbs!(Server, "server": Endpoints, Route<RoutingId>, Receive, Remotes, Options, Hellos, Disconnects);
