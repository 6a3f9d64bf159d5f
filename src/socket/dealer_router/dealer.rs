//! DEALER.

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
use crate::options::Options;
use crate::routing::RoundRobin;
use crate::socket::sections::{
    cooperative_scheduling, ending, mute_state, parts, silent_failures, stream_and_sink,
};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Core, Handle, Kind, distribution};

/// A socket that exchanges messages with any number of DEALER, ROUTER and REP sockets,
/// asynchronously in both directions (RFC 28).
///
/// A `Dealer` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread. Messages go to the remotes
/// round-robin, skipping full queues, and are received from them by fair queuing.
///
/// A message has one or more parts: see [`Multipart`]. The parts of a message go to the same
/// remote, and are received together.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Dealer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bound = Dealer::new();
/// let endpoint = bound.bind("tcp://127.0.0.1:*").await?;
/// let connected = Dealer::new();
/// connected.connect(&endpoint).await?;
///
/// connected.send(["rotate", "image 7"]).await?;
/// assert_eq!(bound.recv().await?, ["rotate", "image 7"]);
/// bound.send("done").await?;
/// assert_eq!(connected.recv().await?, ["done"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Dealer`], [`Router`](crate::Router), [`Rep`](crate::Rep) |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | round-robin, or the shortest queue |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | wait |
///
/// # Remotes
///
/// The type of the remote determines what the parts of a message mean:
///
/// - Between two dealers, a message is received as it was sent.
/// - A ROUTER addresses the dealer by its [identity](Builder::identity). In libzmq, the identity is
///   an additional first part of the messages that the ROUTER receives and sends; a
///   [`Router`](crate::Router) keeps it separate. The dealer sends and receives the other parts.
/// - A REP needs an empty part before the request, the delimiter, and returns it before the reply.
///   The dealer sends and receives the delimiter as a part: `["", "request"]`, `["", "reply"]`. A
///   REP drops a request without it. Any number of requests can be outstanding. A REP of libzmq
///   answers those of one dealer in order; a [`Rep`](crate::Rep) can answer them in any order.
///
/// # Messages of a remote that fails
///
/// A message is assigned to a remote when it is sent. When a remote that connected to the dealer
/// leaves, messages that are still queued for it are dropped and
/// [counted](crate::stats::Dropped::undelivered) by default. With
/// [`undelivered`](Builder::undelivered), they are sent to other remotes or
/// [returned](Self::recv_returned). Messages that were written to the buffers of the system may be
/// lost, and are not counted as undelivered.
///
#[doc = parts!()]
///
#[doc = mute_state!("dealer", "remote")]
///
#[doc = silent_failures!("dealer", "remote")]
///
#[doc = stream_and_sink!("Dealer", "dealer")]
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Dealer(pub(in crate::socket) Handle<Self>);

impl Kind for Dealer {
    const SOCKET_TYPE: SocketType = SocketType::Dealer;

    type Outgoing = RoundRobin;

    fn configure(core: &Core<RoundRobin>, options: &Options) {
        distribution::configure(core, options);
    }
}

verbs!(Dealer, "dealer", Multipart: Endpoints, Send, Receive, Distribution, Remotes, Options, Parts, Identity, Hellos, Hiccups);
