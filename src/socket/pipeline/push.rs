//! PUSH.

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
use crate::options::Options;
use crate::routing::RoundRobin;
use crate::socket::sections::{cooperative_scheduling, ending, mute_state, silent_failures, sink};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Core, Handle, Kind, distribution};

/// A socket that distributes messages among one or more [`Pull`](crate::Pull)s (RFC 30).
///
/// A `Push` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send concurrently, from any task or thread. Messages go to the remotes round-robin,
/// skipping full queues. A `Push` does not receive.
///
/// A message has one or more parts: see [`Multipart`]. The parts of a message go
/// to the same remote, and are received together.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Pull, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let push = Push::new();
/// let endpoint = push.bind("tcp://127.0.0.1:*").await?;
/// let worker = Pull::new();
/// worker.connect(&endpoint).await?;
///
/// push.send("a message of one part").await?;
/// push.send(["resize", "image 7"]).await?;
/// assert_eq!(worker.recv().await?, ["a message of one part"]);
/// assert_eq!(worker.recv().await?, ["resize", "image 7"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Pull`](crate::Pull) |
/// | Direction | unidirectional |
/// | Send/receive pattern | send only |
/// | Outgoing routing strategy | round-robin, or the shortest queue |
/// | Incoming routing strategy | none |
/// | Action in mute state | wait |
///
/// # Messages of a remote that fails
///
/// A message is assigned to a remote when it is sent. When the connection of that remote ends,
/// messages that are still queued for it wait for the next connection if the push dialed the
/// remote. Otherwise they are dropped and [counted](crate::stats::Dropped::undelivered) by default.
/// With [`undelivered`](Builder::undelivered), they are sent to other remotes or
/// [returned](Self::recv_returned).
///
/// Messages that were written count as [sent](crate::stats::Stats::sent), and as
/// [`written`](crate::CloseReport::written) when the push is closed. Written does not mean
/// received: when a connection breaks, messages in the buffers of the system, and those that the
/// pull had queued but not received, are lost, and not counted as undelivered. A small
/// [`send_buffer_size`](Builder::send_buffer_size) here, and in the pulls a small
/// [`recv_buffer_size`](Builder::recv_buffer_size) and [`recv_hwm`](Builder::recv_hwm), limit their
/// number.
///
/// If every message must be processed, use [`Req`](crate::Req) and [`Rep`](crate::Rep), or
/// [`Client`](crate::Client) and [`Server`](crate::Server), with the reply as the acknowledgement.
///
#[doc = mute_state!("push", "pull")]
///
/// A slow remote receives as many messages as a fast one until its queue is full. To distribute
/// messages by speed instead, prefer the [shortest queue](Builder::balance), or set a small
/// `send_hwm` here and a small `recv_hwm` in the pulls.
///
#[doc = silent_failures!("push", "pull")]
///
#[doc = sink!("Push", "push")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Push(pub(in crate::socket) Handle<Self>);

impl Kind for Push {
    const SOCKET_TYPE: SocketType = SocketType::Push;
    const RECEIVES: bool = false;

    type Outgoing = RoundRobin;

    fn configure(core: &Core<RoundRobin>, options: &Options) {
        distribution::configure(core, options);
    }
}

verbs!(Push, "push", Multipart: Endpoints, Send, Distribution, Remotes, Options, Hellos);
