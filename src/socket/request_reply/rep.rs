//! REP.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use zmtp_proto::socket_type::SocketType;

use super::lock_step::sealed::TakesTurns;
use super::{LockStep, Replier};
use crate::error::{LockStepError, RecvError, ReplyError, TryRecvError};
use crate::message::{Message, Multipart};
use crate::pipe::Ticket;
use crate::routing::{Closed, ConnectionTable};
use crate::socket::coop::poll_budget;
use crate::socket::sections::{cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
use crate::socket::waiting::{Receivers, Waiting};
use crate::socket::{Builder, Core, Handle, Kind};

/// A socket that receives requests and replies to each of them (RFC 28).
///
/// A `Rep` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can receive concurrently, from any task or thread; each request is received once.
/// Requests are received from the remotes by fair queuing.
///
/// A request is received with its [`Replier`], which sends the reply. Any number of requests can be
/// in progress, and replies are sent in any order, from any task. A REP of libzmq processes one
/// request after the other. Programs that want this order use [`lock_step`](Self::lock_step). A
/// `Rep` announces by the property `X-Lock-Step`, with the value `0`, that it does not require this
/// order. An `rpc::Requester` therefore sends it cancellations.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Dealer, Rep};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rep = Rep::new();
/// let endpoint = rep.bind("tcp://127.0.0.1:*").await?;
/// let dealer = Dealer::new();
/// dealer.connect(&endpoint).await?;
///
/// // The first part is the id of the request, and the empty one ends the envelope.
/// dealer.send(["1", "", "long"]).await?;
/// dealer.send(["2", "", "short"]).await?;
/// let (long, mut replier_of_long) = rep.recv().await?;
/// let (short, mut replier_of_short) = rep.recv().await?;
/// replier_of_short.reply(["done", "in a second"]).await?;
/// replier_of_long.reply("done").await?;
/// assert_eq!(dealer.recv().await?, ["2", "", "done", "in a second"]);
/// assert_eq!(dealer.recv().await?, ["1", "", "done"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Req`](crate::Req), [`Dealer`](crate::Dealer) |
/// | Direction | bidirectional |
/// | Send/receive pattern | a reply to each request, in any order |
/// | Outgoing routing strategy | to the requester |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | wait |
///
/// # Envelopes
///
/// Requests arrive in an envelope: all parts up to and including the first empty one. It describes
/// the path back, through any number of sockets between the requester and the rep. The replier
/// keeps the envelope and puts it in front of the reply; the program sees neither. A program with a
/// DEALER or ROUTER puts the empty part in front of its requests itself.
///
/// A reply is sent only through the connection of its request. If this connection has ended, the
/// reply fails with [`ReplyError::HostUnreachable`], even if the same remote has reconnected. A REP
/// of libzmq drops such replies silently. A reply that is queued when its connection ends is
/// [undelivered](crate::stats::Dropped::undelivered). The report of [`close`](Self::close) counts
/// it, and [`close_with_undelivered`](Self::close_with_undelivered) returns it with its envelope.
///
/// A message without an empty part before its last part is not a request. It is discarded and
/// counted by [`Dropped::malformed_requests`](crate::stats::Dropped::malformed_requests); the
/// [monitor](Self::monitor) reports the first of a series. Its connection continues.
///
/// A request is received whole, and its envelope counts towards
/// [`max_message_parts`](Builder::max_message_parts) and
/// [`max_message_size`](Builder::max_message_size). A message that exceeds either ends the
/// connection.
///
/// # Mute state
///
/// A rep has a mute state for each requester: while the queue of that requester holds
/// [`send_hwm`](Builder::send_hwm) replies, [`reply`](Replier::reply) to it waits, at most for
/// [`send_timeout`](Builder::send_timeout), and [`try_reply`](Replier::try_reply) returns the
/// message. One slow requester never blocks the others. The queue of a REQ of libzmq is never full,
/// because it waits for each reply before it sends the next request.
///
#[doc = silent_failures!("rep", "requester", ": replies to it are queued, and no event reports the failure.")]
///
/// # Stream
///
/// A `Rep` is a [`Stream`] of requests with their repliers, which ends when the socket is closed.
///
#[doc = cooperative_scheduling!()]
///
#[doc = ending!()]
///
/// Repliers keep the socket open like handles, except after `close`: see
/// [`Replier`](Replier#ending).
///
/// To restart a service without losing a request that it has begun, stop calling
/// [`recv`](Self::recv), reply to all received requests, and then close the socket: `close` writes
/// the queued replies. Requests that have arrived but were not received end with their connections,
/// as [lost](crate::RequestError::ConnectionLost). To answer these as well, drain
/// [`try_recv`](Self::try_recv) before, for a limited time or number, because requests continue to
/// arrive. [`unbind`](Self::unbind) does not stop this gracefully: it also ends the connections of
/// requests in progress, whose replies then fail. `rpc::Responder`, with the feature `rpc`, notifies
/// its requesters, which then send no further requests.
///
/// ```
/// use tokio_zmtp::{Rep, Req};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rep = Rep::builder().bind("tcp://127.0.0.1:*").await?;
/// let req = Req::builder().connect(rep.last_endpoint().unwrap()).await?;
/// let requests = ["first", "second"].map(|body| {
///     let req = req.clone();
///     tokio::spawn(async move { req.request(body).await })
/// });
/// let (request, mut replier) = rep.recv().await?;
/// let working = tokio::spawn(async move { replier.reply(request).await });
///
/// // The service ends: no request is received anymore, except those that have arrived.
/// while rep.stats().received.messages < 2 {
///     tokio::task::yield_now().await;
/// }
/// while let Ok((request, mut replier)) = rep.try_recv() {
///     replier.reply(request).await?;
/// }
/// working.await??;
/// rep.close().await;
///
/// let [first, second] = requests;
/// assert_eq!(first.await??, ["first"]);
/// assert_eq!(second.await??, ["second"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rep(pub(in crate::socket) Handle<Self>);

impl Kind for Rep {
    const SOCKET_TYPE: SocketType = SocketType::Rep;

    type Outgoing = ConnectionTable;
}

verbs!(Rep, "rep", Multipart: Endpoints, Limits, Remotes, Options, Parts);

/// # Receiving
impl Rep {
    /// Receives the next request, with its replier; waits until there is one.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no request is lost.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if the socket is closed and all its requests have been received, or if no
    /// request arrived within [`recv_timeout`](Builder::recv_timeout), which by default is
    /// unlimited.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (request, mut replier) = rep.recv().await?;
    /// replier.reply(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    // An `async fn` would move every request once more.
    #[inline]
    pub fn recv(&self) -> impl Future<Output = Result<(Multipart, Replier), RecvError>> + Send {
        Receiving::new(&self.0.core, self.0.core.recv_timeout)
    }

    /// Receives the next request, with its replier, if one is available.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] if no request is available, or if the socket is closed and all its requests
    /// have been received. One call discards at most 256 messages, or 256 KiB, that are not
    /// requests. It then returns [`TryRecvError::Empty`], so that a remote cannot occupy the
    /// thread, although requests may follow; [`recv`](Self::recv) yields and continues.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// while let Ok((request, mut replier)) = rep.try_recv() {
    ///     replier.reply(request).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv(&self) -> Result<(Multipart, Replier), TryRecvError> {
        let core = &self.0.core;
        let mut discarded = Discarded::default();
        while !discarded.is_enough() {
            let (remote, popped) = core.incoming.with(|incoming, wakes| {
                let remote = incoming.next_remote().cloned();
                (remote, incoming.pop(wakes))
            });
            let popped = popped.map_err(|Closed| TryRecvError::Closed)?;
            let (message, remote) = popped.zip(remote).ok_or(TryRecvError::Empty)?;
            match Replier::accept(core, &message, remote) {
                Some(request) => return Ok(request),
                None => discarded.add(&message),
            }
        }
        Err(TryRecvError::Empty)
    }

    /// Receives the next request, with its replier; waits until there is one, at most for
    /// `timeout`. A timeout of zero does not wait. (libzmq `ZMQ_RCVTIMEO`.)
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no request is lost.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if no request arrived in time, or if the socket is closed and all its requests
    /// have been received.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (request, mut replier) = rep.recv_timeout(Duration::from_secs(5)).await?;
    /// replier.reply(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv_timeout(&self, timeout: Duration) -> Result<(Multipart, Replier), RecvError> {
        Receiving::new(&self.0.core, Some(timeout)).await
    }

    /// Returns the form of this socket that receives a request and sends its reply in turn.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut service = rep.lock_step();
    /// let request = service.recv().await?;
    /// service.send(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lock_step(&self) -> LockStep<Self> {
        LockStep::new(self.clone())
    }
}

/// Yields requests with their repliers; ends when the socket is closed.
impl Stream for Rep {
    type Item = (Multipart, Replier);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Handle { core, receiving, .. } = &mut self.0;
        poll_receive(core, receiving, cx).map(Result::ok)
    }
}

impl Builder<Rep> {
    /// Sets the reply to requests whose [`Replier`] is dropped, for example by a task that panics.
    /// Default: none, and the requester waits indefinitely. (libzmq has no such option.)
    ///
    /// It is sent if the queue of the requester has room. The requests are counted as
    /// [unanswered](crate::stats::Dropped::unanswered_requests) regardless.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Rep;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rep = Rep::builder()
    ///     .reply_on_drop(["error", "internal"])
    ///     .bind("tcp://127.0.0.1:*")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reply_on_drop(mut self, message: impl Into<Multipart>) -> Self {
        self.options.reply_on_drop = Some(message.into());
        self
    }
}

impl TakesTurns for Rep {
    type Exchange = Replier;
}

/// # REP
///
/// A request is received, and its reply is sent.
impl LockStep<Rep> {
    /// Receives the next request; waits until there is one.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no request is lost, and it is still the turn of
    /// this method.
    ///
    /// # Errors
    ///
    /// [`LockStepError::OutOfTurn`] if the last request has not been replied to, and otherwise the
    /// error of [`Rep::recv`].
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut service = rep.lock_step();
    /// let request = service.recv().await?;
    /// assert!(service.recv().await.is_err());
    /// service.send(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Result<Multipart, LockStepError<RecvError>> {
        let (rep, ()) = self.idle(())?;
        let (request, replier) = rep.recv().await.map_err(LockStepError::Failed)?;
        self.begin(replier);
        Ok(request)
    }

    /// Sends the reply to the last request; waits while the queue of the requester is full.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the reply has not been sent, and it is still
    /// the turn of this method.
    ///
    /// # Errors
    ///
    /// [`LockStepError::OutOfTurn`] if there is no request to reply to, and otherwise the error of
    /// [`Replier::reply`], each with the message. It is then the turn of [`recv`](Self::recv),
    /// except after [`ReplyError::Timeout`]: the reply can be sent again.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{LockStepError, ReplyError};
    ///
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut service = rep.lock_step();
    /// loop {
    ///     let request = service.recv().await?;
    ///     match service.send(request).await {
    ///         Err(LockStepError::Failed(ReplyError::HostUnreachable(_))) => continue,
    ///         sent => sent?,
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn send(
        &mut self,
        message: impl Into<Multipart>,
    ) -> Result<(), LockStepError<ReplyError, Multipart>> {
        let (replier, message) = self.begun(message.into())?;
        let sent = replier.reply(message).await;
        if !matches!(sent, Err(ReplyError::Timeout(_))) {
            self.end();
        }
        sent.map_err(LockStepError::Failed)
    }
}

/// A future that takes the next request as soon as there is one.
///
/// Dropping it before it is ready takes no request, and passes its wake-up on.
struct Receiving<'a> {
    core: &'a Arc<Core<ConnectionTable>>,
    waiting: Waiting<Receivers<'a, ConnectionTable>>,
}

impl<'a> Receiving<'a> {
    fn new(core: &'a Arc<Core<ConnectionTable>>, limit: Option<Duration>) -> Self {
        Self { core, waiting: Waiting::new(Receivers { core }, limit) }
    }
}

impl Future for Receiving<'_> {
    type Output = Result<(Multipart, Replier), RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { core, waiting } = &mut *self;
        let receive = |_: &_, ticket: &mut _, cx: &mut Context<'_>| poll_receive(core, ticket, cx);
        waiting.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// Takes the next request, or waits in line for one. Discards other messages, and yields if there
/// are many.
#[inline]
fn poll_receive(
    core: &Arc<Core<ConnectionTable>>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<(Multipart, Replier), RecvError>> {
    let mut discarded = Discarded::default();
    while !discarded.is_enough() {
        let budget = ready!(poll_budget(cx));
        let popped = ready!(core.incoming.with(|incoming, wakes| {
            let remote = incoming.next_remote().cloned();
            incoming.poll_pop(ticket, cx.waker(), wakes).map_ok(|message| (message, remote))
        }));
        budget.used();
        let (message, remote) = popped.map_err(|Closed| RecvError::Closed)?;
        let Some(remote) = remote else { continue };
        match Replier::accept(core, &message, remote) {
            Some(request) => return Poll::Ready(Ok(request)),
            None => discarded.add(&message),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// The messages that one call has discarded.
#[derive(Default)]
struct Discarded {
    messages: usize,
    bytes: usize,
}

impl Discarded {
    #[cold]
    fn add(&mut self, message: &Message) {
        self.messages += 1;
        self.bytes += message.len();
    }

    /// Returns whether other tasks should run first.
    #[inline]
    const fn is_enough(&self) -> bool {
        self.messages >= DISCARDED_MAX || self.bytes >= DISCARDED_BYTES_MAX
    }
}

/// The messages that are discarded before a receiver yields, and their bytes. Estimated: searching
/// this many bytes of the shortest parts for the end of an envelope takes half a millisecond.
const DISCARDED_MAX: usize = 256;
const DISCARDED_BYTES_MAX: usize = 0x4_0000;
