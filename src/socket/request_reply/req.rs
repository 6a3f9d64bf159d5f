//! REQ.

use std::time::Duration;

use zmtp_proto::socket_type::SocketType;

use super::Requesting;
use crate::message::{AnyMessage, Multipart};
use crate::options::Options;
use crate::routing::Requests;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::sections::{cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
use crate::socket::{Core, Handle, Kind};

/// A socket that sends requests to one or more REPs or ROUTERs, and receives their replies (RFC 28).
///
/// A `Req` is a handle: cloning it is cheap and returns another handle to the same socket. Any number
/// of tasks can [`request`](Self::request) concurrently, and each receives its own reply. Requests go
/// to the connected remotes round-robin, skipping full queues.
///
/// A `Req` cannot get stuck. A request ends with its reply, with an error, or when its future is
/// dropped, and none of these affects other requests. A lost reply, a reconnect or a misbehaving
/// remote does not require a new socket, as it does in libzmq.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::Req;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let req = Req::new();
/// req.connect("tcp://127.0.0.1:5555").await?;
/// let (tea, milk) = tokio::try_join!(req.request("tea"), req.request("milk"))?;
/// println!("{tea:?}, {milk:?}");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | REP, ROUTER |
/// | Direction | bidirectional |
/// | Send/receive pattern | a request and its reply; any number concurrently |
/// | Outgoing routing strategy | round-robin over connected remotes |
/// | Incoming routing strategy | to the request |
/// | Action in mute state | wait |
///
/// # Correlation
///
/// A request consists of an envelope and the parts of the message. By default the envelope is a
/// correlation id of four bytes and an empty part, as from a REQ of libzmq with
/// `ZMQ_REQ_CORRELATE`. REP returns the envelope, and so does a ROUTER that echoes all parts up to
/// and including the first empty one.
///
/// Some ROUTER programs instead read and write messages of a fixed form, in which the empty part
/// follows the identity. For these, set [`Builder::correlate`] to false. The envelope is then only the
/// empty part, and each remote is sent one request at a time. If a request of which the remote has
/// been sent a part is abandoned or times out, its late reply could not be told from the reply to the
/// next request. The connection is therefore ended, and established again.
///
/// A reply counts only if it arrives from the remote that the request was sent to, with the id and the
/// empty part. All other messages are discarded, [counted](crate::stats::Dropped::stray_replies) and
/// reported by the [monitor](Self::monitor). They neither end the connection nor a request.
///
/// # Lost connections
///
/// When the connection of a request ends, the request was either written completely or not:
///
/// - If it was not, the remote has not received it. The request goes to the next remote.
/// - If it was, it may have been carried out. [`RequestError::ConnectionLost`] reports this.
///
/// A reply that arrived before the end of the connection is not lost.
///
/// # Attempts
///
/// By default a request is sent once, because a request that is sent again can be carried out twice.
/// [`Builder::attempts`] permits more attempts, each through the next remote. Another one begins when
/// the connection is lost after the request was written, or when
/// [`Builder::attempt_timeout`] is reached. A late reply to an earlier attempt is discarded. This is the
/// pattern that the ZeroMQ guide calls Lazy Pirate.
///
/// # Mute state
///
/// A req is mute while no remote is connected, or while the queue of each connected remote holds
/// [`send_hwm`](Builder::send_hwm) requests. [`request`](Self::request) then waits, at most for
/// [`send_timeout`](Builder::send_timeout). Waiting requests are served in order. Unlike other types, a
/// req queues nothing for a remote that is not connected, whether or not
/// [`immediate`](Builder::immediate) is set: the request would wait there while another remote is
/// idle.
///
/// Replies are not queued. Each goes to the task that waits for it.
///
#[doc = silent_failures!(
    "req",
    "remote",
    ": requests to that remote wait until their time limit, and no event reports the failure."
)]
///
/// # Lock step
///
/// A `Req` has neither a `Stream` nor a `Sink`: a reply belongs to its request.
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
///
/// All requests without a reply end with [`RequestError::Closed`] immediately. Requests that are queued
/// at this time are still written, but their replies are discarded.
///
/// [`RequestError::Closed`]: crate::RequestError::Closed
/// [`RequestError::ConnectionLost`]: crate::RequestError::ConnectionLost
#[derive(Clone)]
pub struct Req(pub(in crate::socket) Handle<Self>);

impl Kind for Req {
    const SOCKET_TYPE: SocketType = SocketType::Req;
    /// Replies go to the requests that wait for them.
    const RECEIVES: bool = false;

    type Outgoing = Requests;

    fn configure(core: &Core<Requests>, options: &Options) {
        if !options.requests.correlate {
            core.outgoing.lock().without_correlation();
        }
    }
}

impl Handle<Req> {
    /// Sends a request, and receives its reply within `limit`.
    pub(in crate::socket) fn request(
        &self,
        message: Multipart,
        limit: Option<Duration>,
    ) -> Requesting<'_> {
        let options = &self.core.control.shared().options.requests;
        Requesting::new(&self.core, options, message.into_queue(), limit)
    }
}

verbs!(Req, "req", Multipart: Endpoints, Requests, Remotes, Options, Parts, Identity);
