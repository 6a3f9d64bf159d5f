//! CHANNEL (RFC 52).

use zmtp_proto::socket_type::SocketType;

use crate::routing::Exclusive;
use crate::socket::sections::{
    cooperative_scheduling, ending, mute_state_of_only_remote, only_remote, silent_failures,
    stream_and_sink,
};
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
/// supervisor and its worker. Messages from one end arrive at the other in order. A
/// [`Pair`](crate::Pair) does the same for messages of several parts.
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
#[doc = only_remote!("channel", "CHANNEL")]
///
#[doc = mute_state_of_only_remote!("channel")]
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
