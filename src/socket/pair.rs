//! PAIR (RFC 31).

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
use crate::routing::Exclusive;
use crate::socket::sections::{
    cooperative_scheduling, ending, mute_state_of_only_remote, only_remote, parts, silent_failures,
    stream_and_sink,
};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Handle, Kind};

/// A socket that exchanges messages with exactly one other `Pair`, asynchronously in both
/// directions (RFC 31).
///
/// A `Pair` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread. A message goes to the handle
/// that calls `recv` first.
///
/// A pair differs from a [`Channel`](crate::Channel) in its messages, which have one or more parts
/// (see [`Multipart`]), and in its remotes, which can be PAIR sockets of any version of libzmq.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Pair;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Pair::new();
/// supervisor.bind("inproc://worker").await?;
/// let worker = Pair::new();
/// worker.connect("inproc://worker").await?;
///
/// worker.send("ready").await?;
/// assert_eq!(supervisor.recv().await?, ["ready"]);
/// supervisor.send(["resize", "image 7"]).await?;
/// assert_eq!(worker.recv().await?, ["resize", "image 7"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | `Pair` |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | the only remote |
/// | Incoming routing strategy | the only remote |
/// | Action in mute state | wait |
///
#[doc = only_remote!("pair", "PAIR")]
///
#[doc = parts!()]
///
#[doc = mute_state_of_only_remote!("pair")]
///
#[doc = silent_failures!(
    "pair",
    "remote",
    ". A remote that failed silently then occupies a bound pair indefinitely."
)]
///
#[doc = stream_and_sink!("Pair", "pair")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Pair(pub(in crate::socket) Handle<Self>);

impl Kind for Pair {
    const SOCKET_TYPE: SocketType = SocketType::Pair;

    type Outgoing = Exclusive;
}

verbs!(Pair, "pair", Multipart: Endpoints, Send, Receive, Remotes, Options, Parts, Hellos);
