//! ROUTER.

use std::time::Duration;

use zmtp_proto::socket_type::SocketType;

use crate::message::RouterMessage;
use crate::options::Options;
use crate::routing::IdentityTable;
use crate::socket::forwarding::Destination;
use crate::socket::sections::{cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Core, Handle, Kind};

/// A socket that exchanges messages with any number of [`Dealer`](crate::Dealer)s,
/// [`Req`](crate::Req)s and other `Router`s, each addressed by its [`Identity`](crate::Identity)
/// (RFC 28).
///
/// A `Router` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread.
///
/// A received [`RouterMessage`] has the identity of its remote, to which any number of messages can
/// be sent at any time. In libzmq, the identity is the first part of the message. Here, the parts
/// are those that the remote sent: a REQ sends an empty part before its request, and expects the
/// same before the reply.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Dealer, Router};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let router = Router::new();
/// let endpoint = router.bind("tcp://127.0.0.1:*").await?;
/// let worker = Dealer::builder().identity("worker-1".parse()?).connect(&endpoint).await?;
///
/// worker.send(["status", "ready"]).await?;
/// let status = router.recv().await?;
/// assert_eq!(status.identity(), "worker-1");
/// assert_eq!(*status, ["status", "ready"]);
///
/// router.reply(&status, ["resize", "image 7"]).await?;
/// router.route(status.identity(), ["resize", "image 8"]).await?;
/// assert_eq!(worker.recv().await?, ["resize", "image 7"]);
/// assert_eq!(worker.recv().await?, ["resize", "image 8"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Dealer`](crate::Dealer), [`Req`](crate::Req), `Router` |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | by identity |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | fail, or drop by option |
///
/// # Identities
///
/// The identity of a remote is
///
/// - the one that [`connect_identity`](Self::connect_identity) assigns to its endpoint;
/// - otherwise, the one that it announces: up to 255 bytes, which may begin with a zero;
/// - otherwise, one that the router generates: a zero and four random bytes.
///
/// [`Remote::identity`](crate::Remote::identity) returns it, and [`remote`](Self::remote) finds a
/// remote by it. An identity belongs to a connection: when the connection ends, another remote can
/// have the identity, even if messages of the first have not been received. A remote that the
/// router *connected to* is reachable after its first handshake. It keeps the identity of that
/// handshake on all later connections, whatever it announces.
///
/// Two remotes cannot have the same identity at the same time. The second is refused during its
/// handshake: it receives an ERROR command with the reason `duplicate identity`, and the router
/// reports [`HandshakeFailed`](crate::monitor::EventKind::HandshakeFailed) with the reason
/// [`DuplicateIdentity`](crate::monitor::HandshakeFailure::DuplicateIdentity). A refused socket of
/// this crate that connects retries with growing delays, and is admitted when the first has left.
/// With [`handover`](Builder::handover), the second takes over the identity. This is for a remote
/// whose old connection is dead: a live one reconnects and takes the identity back, so that two
/// live sockets with one identity alternate. Give each socket an identity of its own. An identity
/// of more than 255 bytes is refused as well.
///
/// The end of a connection is detected by reading or writing. While the queue of received messages
/// of a remote is full, nothing is read, and the remote may keep its identity after it has left,
/// until messages are received or written. Until then, only [`handover`](Builder::handover) admits
/// another remote with this identity.
///
/// A ROUTER of libzmq completes the handshake of the second remote, and neither sends to it nor
/// receives from it.
///
/// # Mute state
///
/// A router has a mute state for each remote: while the queue of that remote holds
/// [`send_hwm`](Builder::send_hwm) messages. A router does not wait (RFC 28):
/// [`route`](Self::route) then fails with [`RouteError::Timeout`](crate::RouteError::Timeout), and
/// [`try_route`](Self::try_route) with [`TryRouteError::Full`](crate::TryRouteError::Full). To
/// wait, use [`route_timeout`](Self::route_timeout), or set
/// [`send_timeout`](Builder::send_timeout).
///
/// Sending to an identity that no remote has fails immediately with
/// [`HostUnreachable`](crate::RouteError::HostUnreachable). Every failure returns the message. With
/// [`Unroutable::Drop`](crate::Unroutable::Drop), both kinds of messages are dropped and counted.
///
#[doc = silent_failures!("router", "remote")]
///
/// # Stream and Sink
///
/// A `Router` is a [`Stream`](futures_core::Stream) of received [`RouterMessage`]s, which ends when
/// the socket is closed, and a [`Sink`](futures_sink::Sink) of them. Closing the sink flushes it
/// and leaves the socket open. A handle that is dropped with a message in its sink drops that
/// message and counts it in the [`CloseReport`].
///
/// The sink waits while the queue of a remote is full, regardless of
/// [`send_timeout`](Builder::send_timeout). It fails when the socket is closed or no remote has the
/// identity of a message, and either failure ends a `StreamExt::forward` for all remotes. To
/// continue without remotes that have left or do not read, forward to [`lossy`](Self::lossy).
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Router(pub(in crate::socket) Handle<Self>);

impl Kind for Router {
    const SOCKET_TYPE: SocketType = SocketType::Router;
    /// RFC 28: "SHALL NOT block".
    const SEND_TIMEOUT: Option<Duration> = Some(Duration::ZERO);

    type Outgoing = IdentityTable;

    fn configure(core: &Core<IdentityTable>, options: &Options) {
        core.outgoing.lock().set_handover(options.router.handover);
    }
}

impl Destination for Router {}

verbs!(
    Router, "router", RouterMessage: Endpoints, ConnectIdentity, Route<Identity>, Receive, Parts,
    Remotes, Options, Identity, Hellos, Disconnects
);
