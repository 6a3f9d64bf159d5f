//! CLIENT.

use zmtp_proto::socket_type::SocketType;

use crate::routing::RoundRobin;
use crate::socket::sections::{
    cooperative_scheduling, ending, mute_state, silent_failures, stream_and_sink,
};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Handle, Kind};

/// A socket that exchanges messages with one or more [`Server`](crate::Server)s, asynchronously in
/// both directions (RFC 41).
///
/// A `Client` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread. A reply goes to the handle
/// that calls `recv` first: a task that needs its own replies uses a `Client` of its own, or an
/// `rpc::Requester`.
///
/// A client that is connected to several servers distributes its messages among them round-robin,
/// skipping full queues, and receives from them by fair queuing.
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
/// client.send("tell me something").await?;
/// let request = server.recv().await?;
/// server.reply(&request, "it takes 224 bits to store a i32 in java").await?;
/// assert_eq!(client.recv().await?, "it takes 224 bits to store a i32 in java");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Server`](crate::Server) |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | round-robin |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | wait |
///
#[doc = mute_state!("client", "server")]
///
#[doc = silent_failures!("client", "server")]
///
#[doc = stream_and_sink!("Client", "client")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Client(pub(in crate::socket) Handle<Self>);

impl Kind for Client {
    const SOCKET_TYPE: SocketType = SocketType::Client;

    type Outgoing = RoundRobin;
}

verbs!(Client, "client": Endpoints, Send, Receive, Remotes, Options, Hellos, Hiccups);
