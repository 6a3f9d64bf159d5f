//! SCATTER.

use zmtp_proto::socket_type::SocketType;

use crate::routing::RoundRobin;
use crate::socket::sections::{cooperative_scheduling, ending, mute_state, silent_failures, sink};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Handle, Kind};

/// A socket that distributes messages among one or more [`Gather`](crate::Gather)s (RFC 49).
///
/// A `Scatter` is a handle: cloning it is cheap and returns another handle to the same socket.
/// Every handle can send concurrently, from any task or thread. Messages go to the remotes
/// round-robin, skipping full queues. A `Scatter` does not receive.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Gather, Scatter};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scatter = Scatter::new();
/// let endpoint = scatter.bind("tcp://127.0.0.1:*").await?;
/// let worker = Gather::new();
/// worker.connect(&endpoint).await?;
///
/// scatter.send("resize image 7").await?;
/// assert_eq!(worker.recv().await?, "resize image 7");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Gather`](crate::Gather) |
/// | Direction | unidirectional |
/// | Send/receive pattern | send only |
/// | Outgoing routing strategy | round-robin |
/// | Incoming routing strategy | none |
/// | Action in mute state | wait |
///
/// # Messages of a remote that fails
///
/// A message is assigned to a remote when it is sent. When the connection of that remote ends,
/// messages that are still queued for it wait for the next connection if the scatter dialed the
/// remote. Otherwise they are dropped and [counted](crate::stats::Dropped::undelivered).
///
/// Messages that were written count as [sent](crate::stats::Stats::sent), and as
/// [`written`](crate::CloseReport::written) when the scatter is closed. Written does not mean
/// received: when a connection breaks, messages in the buffers of the system, and those that the
/// gather had queued but not received, are lost, and not counted as undelivered. If every message
/// must be processed, use [`Client`](crate::Client) and [`Server`](crate::Server), with the reply
/// as the acknowledgement.
///
#[doc = mute_state!("scatter", "gather")]
///
#[doc = silent_failures!("scatter", "gather")]
///
#[doc = sink!("Scatter", "scatter")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Scatter(pub(in crate::socket) Handle<Self>);

impl Kind for Scatter {
    const SOCKET_TYPE: SocketType = SocketType::Scatter;
    const RECEIVES: bool = false;

    type Outgoing = RoundRobin;
}

verbs!(Scatter, "scatter": Endpoints, Send, Remotes, Options, Hellos);
