//! CHANNEL (RFC 52).

use zmtp_proto::socket_type::SocketType;

use crate::routing::Exclusive;
use crate::socket::sections::{cooperative_scheduling, ending, silent_failures, stream_and_sink};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Handle, Kind};

/// A socket that exchanges messages with exactly one other `Channel`, asynchronously in both
/// directions (RFC 52).
///
/// A `Channel` is a handle: cloning it is cheap and returns another handle to the same socket.
/// Every handle can send and receive concurrently, from any task or thread. A message goes to the
/// handle that calls `recv` first.
///
/// A channel joins two parts of a system that belong together, such as two tasks of a process or a
/// supervisor and its worker. Messages from one end arrive at the other in order.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Channel;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Channel::new();
/// supervisor.bind("inproc://worker").await?;
/// let worker = Channel::new();
/// worker.connect("inproc://worker").await?;
///
/// worker.send("ready").await?;
/// assert_eq!(supervisor.recv().await?, "ready");
/// supervisor.send("stop").await?;
/// assert_eq!(worker.recv().await?, "stop");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | `Channel` |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | the only remote |
/// | Incoming routing strategy | the only remote |
/// | Action in mute state | wait |
///
/// # The only remote
///
/// A channel has at most one remote. While it has one, it refuses others during their handshake:
/// the other end receives an ERROR command with the reason `occupied`, and this end reports the
/// event [`HandshakeFailed`](crate::monitor::EventKind::HandshakeFailed) with the reason
/// [`Occupied`](crate::monitor::HandshakeFailure::Occupied). A refused `Channel` that connects
/// retries, with growing delays up to
/// [`reconnect_interval_max`](Builder::reconnect_interval_max), and is admitted when the first
/// remote has left. A refused CHANNEL of libzmq does not retry.
///
/// - A channel that *connects* has its remote from the moment `connect` returns until it
///   [disconnects](Self::disconnect), whether or not the connection is established. With
///   [`immediate`](Builder::immediate), it has its remote while it attempts to connect and while it
///   is connected.
/// - A channel that *is bound* has its remote while it is connected: from before the end of its
///   handshake until its connection ends.
/// - [`connect`](Self::connect) fails with
///   [`ConnectError::Occupied`](crate::ConnectError::Occupied) if the channel has a remote.
///   Disconnect the endpoint, or an accepted [remote](Self::remotes), first. It then no longer
///   counts, even if messages are still being written to it.
/// - [`connect_all`](Self::connect_all) does the same as `connect`, which tries every address of a
///   name.
/// - A channel can be bound to any number of endpoints, but accepts no connection while it
///   connects.
///
/// A CHANNEL of libzmq that has another remote does not refuse a connection: its handshake
/// succeeds, and no message that is sent through it arrives. With heartbeats, such a connection
/// ends after the first message.
///
/// # Mute state
///
/// A channel is mute while it has no remote, or while the queue of the remote holds
/// [`send_hwm`](Builder::send_hwm) messages. [`send`](Self::send) then waits until the queue has
/// room or a remote is added, and [`try_send`](Self::try_send) returns the message. No message is
/// dropped, and waiting senders are served in order.
///
/// Messages for a remote that the channel *connected to* wait for the connection or the reconnect.
/// Messages for a remote that connected to the channel, and that are not written when it leaves,
/// are not sent to the next remote: they are undelivered.
///
#[doc = silent_failures!(
    "channel",
    "remote",
    ". A remote that failed silently then occupies a bound channel indefinitely."
)]
///
#[doc = stream_and_sink!("Channel", "channel")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Channel(pub(in crate::socket) Handle<Self>);

impl Kind for Channel {
    const SOCKET_TYPE: SocketType = SocketType::Channel;

    type Outgoing = Exclusive;
}

verbs!(Channel, "channel": Endpoints, Send, Receive, Remotes, Options, Hellos);
