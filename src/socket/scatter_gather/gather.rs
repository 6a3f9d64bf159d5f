//! GATHER.

use zmtp_proto::socket_type::SocketType;

use crate::routing::NoRoute;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::sections::{
    cooperative_scheduling, ending_of_receiver, silent_failures, stream,
};
use crate::socket::verbs::verbs;
use crate::socket::{Handle, Kind};

/// A socket that collects messages from one or more [`Scatter`](crate::Scatter)s (RFC 49).
///
/// A `Gather` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can receive concurrently, from any task or thread; each message is received once.
/// Messages are received from the remotes by fair queuing. A `Gather` does not send.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Gather, Scatter};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let results = Gather::new();
/// let endpoint = results.bind("tcp://127.0.0.1:*").await?;
/// for worker in ["first", "second"] {
///     let scatter = Scatter::new();
///     scatter.connect(&endpoint).await?;
///     scatter.send(worker).await?;
///     scatter.close().await;
/// }
/// let mut received = [results.recv().await?, results.recv().await?];
/// received.sort_by_key(|message| message.to_vec());
/// assert_eq!(received, ["first", "second"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Scatter`](crate::Scatter) |
/// | Direction | unidirectional |
/// | Send/receive pattern | receive only |
/// | Outgoing routing strategy | none |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | not applicable |
///
/// # Mute state
///
/// A gather does not send and is never mute, and it drops no message because a queue is full. While
/// a remote has [`recv_hwm`](Builder::recv_hwm) messages in the gather's queue, nothing more is
/// read from that remote: its own queue fills, and its `send` waits. Multipart messages, which a
/// SCATTER must not send, are discarded and counted.
///
#[doc = silent_failures!("gather", "scatter", ", and no event reports the failure.")]
///
#[doc = stream!("Gather", "messages")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending_of_receiver!()]
#[derive(Clone)]
pub struct Gather(pub(in crate::socket) Handle<Self>);

impl Kind for Gather {
    const SOCKET_TYPE: SocketType = SocketType::Gather;

    type Outgoing = NoRoute;
}

verbs!(Gather, "gather": Endpoints, Receive, Remotes, Options);
