//! REQ.

use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use zmtp_proto::socket_type::SocketType;

use super::lock_step::sealed::TakesTurns;
use super::{LockStep, Requesting};
use crate::error::{LockStepError, RequestError};
use crate::message::Multipart;
use crate::options::Options;
use crate::routing::Requests;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::sections::{cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
use crate::socket::{Core, Handle, Kind};

/// A socket that sends requests to one or more [`Rep`](crate::Rep)s or [`Router`](crate::Router)s,
/// and receives their replies (RFC 28).
///
/// A `Req` is a handle: cloning it is cheap and returns another handle to the same socket. Any
/// number of tasks can [`request`](Self::request) concurrently, and each receives its own reply.
/// Requests go to the connected remotes round-robin, skipping full queues.
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
/// | Compatible remotes | [`Rep`](crate::Rep), [`Router`](crate::Router) |
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
/// follows the identity. For these, set [`Builder::correlate`] to false. The envelope is then only
/// the empty part, and each remote is sent one request at a time. The late reply to a request that
/// is abandoned or times out could not be distinguished from the reply to the next one. If the
/// connection has begun to write such a request, it is therefore ended and re-established.
///
/// A reply counts only if it arrives from the remote that the request was sent to, with the id and
/// the empty part. All other messages are discarded, counted as
/// [stray](crate::stats::Dropped::stray_replies) or
/// [malformed](crate::stats::Dropped::malformed_replies), and reported by the
/// [monitor](Self::monitor). They end neither the connection nor a request.
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
/// By default a request is sent once, because a request that is sent again can be carried out
/// twice. [`Builder::attempts`] permits more attempts, each through the next remote. Another one
/// begins when the connection is lost after the request was written, or when
/// [`Builder::attempt_timeout`] is reached. A late reply to an earlier attempt is discarded. This
/// is the pattern that the ZeroMQ guide calls Lazy Pirate. While no remote is connected, a request
/// waits and no attempt begins: limit it by [`Builder::request_timeout`].
///
/// # Mute state
///
/// A req is mute while no remote is connected, or while the queue of each connected remote holds
/// [`send_hwm`](Builder::send_hwm) requests. [`request`](Self::request) then waits, at most for
/// [`send_timeout`](Builder::send_timeout). Waiting requests are served in order. Unlike other
/// types, a req queues nothing for a remote that is not connected, whether or not
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
/// Programs that want to send a request and then receive its reply, by two operations as in libzmq,
/// use [`lock_step`](Self::lock_step). An operation out of turn is a typed error, and a request
/// that fails ends the turn. A `Req` has neither a `Stream` nor a `Sink`, because a reply belongs
/// to its request.
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
///
/// All requests without a reply end with [`RequestError::Closed`] immediately. Requests that are
/// queued at this time are still written, but their replies are discarded. Those that cannot be
/// written are returned by [`close_with_undelivered`](Self::close_with_undelivered), without their
/// envelopes.
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
    ) -> Requesting<&Core<Requests>> {
        Requesting::new(&self.core, message, limit)
    }
}

/// # Lock step
impl Req {
    /// Returns the socket with operations that take turns, as in libzmq: a request is sent, and
    /// then its reply is received.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(req: tokio_zmtp::Req) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut client = req.lock_step();
    /// client.send("request").await?;
    /// let reply = client.recv().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lock_step(&self) -> LockStep<Self> {
        LockStep::new(self.clone())
    }
}

impl TakesTurns for Req {
    type Exchange = SentRequest;
}

/// A request whose reply was not received.
#[derive(Debug)]
#[expect(unnameable_types, reason = "it is between the operations of a `LockStep`")]
pub struct SentRequest(Requesting<Arc<Core<Requests>>>);

/// Receives the reply to a request. A request that waits for a remote leaves the line when this is
/// dropped, so that it holds no slot that others wait for.
struct InTurn<'a>(&'a mut Requesting<Arc<Core<Requests>>>);

impl Future for InTurn<'_> {
    type Output = Result<Multipart, RequestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll(cx)
    }
}

impl Drop for InTurn<'_> {
    fn drop(&mut self) {
        self.0.leave_line();
    }
}

/// # REQ
///
/// A request is sent, and its reply is received.
impl LockStep<Req> {
    /// Sends a request; waits while no remote can take it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the request has not been sent, and it is still
    /// the turn of this method.
    ///
    /// # Errors
    ///
    /// [`LockStepError::OutOfTurn`] if the reply to the last request has not been received, and
    /// otherwise the error of [`Req::request`], each with the message. It is then still the turn of
    /// this method.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(req: tokio_zmtp::Req) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut client = req.lock_step();
    /// client.send("request").await?;
    /// assert!(client.send("another").await.is_err());
    /// let reply = client.recv().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(
        &mut self,
        message: impl Into<Multipart>,
    ) -> Result<(), LockStepError<RequestError, Multipart>> {
        let (req, message) = self.idle(message.into())?;
        let core = Arc::clone(&req.0.core);
        let limit = core.control.shared().options.requests.timeout;
        let mut request = Requesting::new(core, message, limit);
        let sent = future::poll_fn(|cx| request.poll_sent(cx)).await;
        sent.map_err(LockStepError::Failed)?;
        self.begin(SentRequest(request));
        Ok(())
    }

    /// Receives the reply to the last request; waits until it arrives, until the request fails, or
    /// until its time limit is reached.
    ///
    /// A request that its connection has not written is sent again while this method waits.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no reply is lost, and it is still the turn of
    /// this method. A request that waits to be sent again loses its position in the line.
    ///
    /// # Errors
    ///
    /// [`LockStepError::OutOfTurn`] if there is no request, and otherwise the error of
    /// [`Req::request`]. It is then the turn of [`send`](Self::send): unlike in libzmq, a lost
    /// reply does not leave the socket in a state in which it cannot send.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::LockStepError;
    ///
    /// # async fn example(req: tokio_zmtp::Req) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut client = req.lock_step();
    /// client.send("request").await?;
    /// match client.recv().await {
    ///     Err(LockStepError::Failed(error)) => println!("no reply: {error}"),
    ///     reply => println!("{:?}", reply?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Result<Multipart, LockStepError<RequestError>> {
        let (SentRequest(request), ()) = self.begun(())?;
        let reply = InTurn(request).await;
        self.end();
        reply.map_err(LockStepError::Failed)
    }
}

verbs!(Req, "req", Multipart: Endpoints, Requests, Remotes, Options, Parts, Identity);
