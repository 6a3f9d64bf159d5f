//! SERVER.

use zmtp_proto::socket_type::SocketType;

#[cfg(doc)]
use crate::message::Message;
use crate::pipe::HighWaterMark;
use crate::routing::{OutgoingPipes, RoutingTable};
use crate::routing_id::RoutingId;
use crate::socket::sections::{cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Handle, Kind};

/// A socket that exchanges messages with any number of [`Client`](crate::Client)s, each addressed
/// by its [`RoutingId`] (RFC 41).
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
/// # Mute state
///
/// A server has a mute state for each remote: while the queue of that remote holds
/// [`send_hwm`](Builder::send_hwm) messages, [`route`](Self::route) to it waits, and
/// [`try_route`](Self::try_route) returns the message. One slow remote never blocks the others.
///
/// Sending to a routing id that is unknown, or whose remote has left, fails immediately. Senders
/// that already wait for the remote fail as well, and get their messages back. The end of a remote
/// is detected by reading or writing. While its queue of received messages is full, nothing is
/// read, and only writing detects it.
///
#[doc = silent_failures!("server", "client")]
///
/// # Stream and Sink
///
/// A `Server` is a [`Stream`](futures_core::Stream) of received messages, which ends when the
/// socket is closed, and a [`Sink`](futures_sink::Sink) of messages that carry a routing id: one
/// that the socket received, or one created with [`Message::with_routing_id`]. Closing the sink
/// flushes it and leaves the socket open. A handle that is dropped with a message in its sink drops
/// that message and counts it in the [`CloseReport`].
///
/// The sink waits while the queue of a remote is full, regardless of
/// [`send_timeout`](Builder::send_timeout). It fails when the socket is closed or the remote of a
/// message has left, and either failure ends a `StreamExt::forward` for all remotes. To continue
/// without remotes that have left or do not read, forward to [`lossy`](Self::lossy).
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Server(pub(in crate::socket) Handle<Self>);

impl Kind for Server {
    const SOCKET_TYPE: SocketType = SocketType::Server;

    type Outgoing = RoutingTable;

    fn outgoing(send_hwm: HighWaterMark) -> OutgoingPipes<RoutingTable> {
        RoutingTable::pipes(send_hwm, fastrand::u32(..))
    }
}

verbs!(Server, "server": Endpoints, Route<RoutingId>, Receive, Remotes, Options, Hellos, Disconnects);
