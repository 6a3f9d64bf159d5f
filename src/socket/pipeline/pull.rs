//! PULL.

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
use crate::routing::NoRoute;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::sections::{
    cooperative_scheduling, ending_of_receiver, parts, silent_failures, stream,
};
use crate::socket::verbs::verbs;
use crate::socket::{Handle, Kind};

/// A socket that collects messages from one or more [`Push`](crate::Push)es (RFC 30).
///
/// A `Pull` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can receive concurrently, from any task or thread; each message is received once.
/// Messages are received from the remotes by fair queuing. A `Pull` does not send.
///
/// A message has one or more parts: see [`Multipart`].
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Pull, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let results = Pull::new();
/// let endpoint = results.bind("tcp://127.0.0.1:*").await?;
/// for worker in ["first", "second"] {
///     let push = Push::new();
///     push.connect(&endpoint).await?;
///     push.send([worker, "done"]).await?;
///     push.close().await;
/// }
/// for _ in 0..2 {
///     let result = results.recv().await?;
///     println!("worker {} is {}", result[0].escape_ascii(), result[1].escape_ascii());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Push`](crate::Push) |
/// | Direction | unidirectional |
/// | Send/receive pattern | receive only |
/// | Outgoing routing strategy | none |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | not applicable |
///
/// # Unread messages
///
/// A message that no handle has received yet waits in the queue of its remote, behind the queue in
/// the buffer of one read (64 KiB, or one longer message), or in the receive buffer of the system.
/// If the process of the pull ends, these messages are lost: the push has
/// [written](crate::Push#messages-of-a-remote-that-fails) them, and sends them to no other pull. A
/// small [`recv_hwm`](Builder::recv_hwm) and, over TCP, a small
/// [`recv_buffer_size`](Builder::recv_buffer_size) limit their number, and leave more messages to
/// faster pulls.
///
#[doc = parts!()]
///
/// # Mute state
///
/// A pull does not send and is never mute, and it drops no message because a queue is full. While a
/// remote has [`recv_hwm`](Builder::recv_hwm) messages in the pull's queue, nothing more is read
/// from that remote: its own queue fills, and its `send` waits.
///
#[doc = silent_failures!("pull", "push", ", and no event reports the failure.")]
///
#[doc = stream!("Pull", "messages")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending_of_receiver!()]
#[derive(Clone)]
pub struct Pull(pub(in crate::socket) Handle<Self>);

impl Kind for Pull {
    const SOCKET_TYPE: SocketType = SocketType::Pull;

    type Outgoing = NoRoute;
}

verbs!(Pull, "pull", Multipart: Endpoints, Receive, Remotes, Options, Parts);
