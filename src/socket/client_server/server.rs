//! SERVER.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use zmtp_proto::socket_type::SocketType;

use super::RoutePermit;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, ConnectError, RecvError, RouteError, TryRecvError, TryRouteError};
use crate::message::Message;
use crate::options::Options;
use crate::remote::Remote;
use crate::routing::{Refusal, RoutingTable};
use crate::routing_id::RoutingId;
use crate::socket::control::Control;
use crate::socket::live::sealed::{Addressing, Sealed};
use crate::socket::receiving::{
    Receiving, ReceivingFrom, ReceivingMany, try_receive, try_receive_from,
};
use crate::socket::reserving::{Reserving, Slot};
use crate::socket::sending::{Sending, WaitError, send_at_once};
use crate::socket::time_limit::TimeLimit;
use crate::socket::{Builder, CloseReport, Core, Handle, Lossy, Socket};

/// Talks to any number of [`Client`](crate::Client)s, to each by its [`RoutingId`] (RFC 41).
///
/// A `Server` is a handle: cloning it is cheap and gives another handle to the same socket, all of
/// which can send and receive at once, from any task or thread.
///
/// Every message that a server receives carries the routing id of the client it came from, and every
/// message that it sends names one. A server can send any number of messages to a client, at any time
/// after it knows its routing id; a request does not have to have exactly one reply.
///
/// # Mute state
///
/// A server has a mute state for each remote: while the queue of that remote holds
/// [`send_hwm`](Builder::send_hwm) messages, [`route`](Self::route) to it waits, and
/// [`try_route`](Self::try_route) gives the message back. Other remotes are not held up.
///
/// A routing id that is unknown, or whose remote has gone, is an error immediately, also for senders
/// that are waiting for that remote. They get their message back. The end of a remote is noticed by
/// reading from it or writing to it. While its queue of received messages is full, nothing is read, so
/// that only writing notices it. A remote that fails silently is noticed only with a
/// [`heartbeat_interval`](Builder::heartbeat_interval), which is not set by default.
///
/// # Giving way
///
/// What is awaited here takes part in Tokio's cooperative scheduling: a task that sends or receives
/// without ever having to wait lets others of its thread run once in about a thousand messages.
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Client`](crate::Client) |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | by routing id |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | wait |
///
/// # Ending
///
/// [`close`](Self::close) ends the socket for all handles and waits until what is queued is written.
/// Dropping the last handle does the same in the background, for which the runtime has to stay alive.
///
/// # Stream and Sink
///
/// A `Server` is a [`Stream`] of what it receives, which ends when the socket is closed, and a
/// [`Sink`] of messages that carry a routing id: one received from elsewhere in the same socket, or
/// one made with [`Message::with_routing_id`]. Closing the sink flushes it and leaves the socket
/// open. The sink of a handle that is dropped with a message that was not flushed drops that
/// message, and counts it in the [`CloseReport`].
///
/// The sink waits while the queue of a remote is full, whatever [`send_timeout`](Builder::send_timeout)
/// is. It fails when the socket is closed or the remote of a message has gone, and either failure ends a
/// `StreamExt::forward` for all remotes. To continue without remotes that have gone or do not read,
/// forward to [`lossy`](Self::lossy).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("tcp://127.0.0.1:*").await?;
/// let client = Client::connect(server.last_endpoint().unwrap()).await?;
///
/// client.send("subscribe").await?;
/// let id = server.recv().await?.routing_id().unwrap();
/// for number in ["one", "two", "three"] {
///     server.route(number, id).await?;
/// }
/// assert_eq!(client.recv().await?, "one");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server(Handle<RoutingTable>);

impl Server {
    /// Starts to set the options of a new server.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Makes a server with default options and binds it: see [`Builder::bind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the text is no endpoint, or if the system refuses it.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    pub async fn bind<E>(endpoint: E) -> Result<Self, BindError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        Self::builder().bind(endpoint).await
    }

    /// Makes a server with default options and connects it: see [`Builder::connect`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to. That nobody is there is
    /// no error.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    pub async fn connect<E>(endpoint: E) -> Result<Self, ConnectError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        Self::builder().connect(endpoint).await
    }

    /// Sends a message to a client; waits while that client's queue is full.
    ///
    /// When this returns the message is queued, not delivered.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not sent and goes with it.
    ///
    /// # Errors
    ///
    /// [`RouteError`] with the message if no remote has this routing id, if the remote goes away
    /// during the wait, or if the socket is closed.
    pub async fn route(
        &self,
        message: impl Into<Message>,
        to: RoutingId,
    ) -> Result<(), RouteError> {
        let core = &self.0.core;
        let Some(message) = send_at_once(core, to, message) else { return Ok(()) };
        Sending::new(core, to, message, core.send_timeout).await.map_err(route_error)
    }

    /// Sends a message to a client if that client's queue has room.
    ///
    /// # Errors
    ///
    /// [`TryRouteError`] with the message if the queue is full, if no remote has this routing id, or
    /// if the socket is closed.
    pub fn try_route(
        &self,
        message: impl Into<Message>,
        to: RoutingId,
    ) -> Result<(), TryRouteError> {
        let mut message = Some(message.into());
        let sent = self.0.core.try_send(to, &mut message);
        sent.map_err(|refusal| {
            let message = message.expect("refused, so still there");
            match refusal {
                Refusal::Closed => TryRouteError::Closed(message),
                Refusal::Full => TryRouteError::Full(message),
                Refusal::HostUnreachable => TryRouteError::HostUnreachable(message),
            }
        })
    }

    /// Sends a message to a client; waits while that client's queue is full, at most for `timeout`. A
    /// timeout of zero does not wait. (libzmq `ZMQ_SNDTIMEO`.)
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not sent and goes with it.
    ///
    /// # Errors
    ///
    /// [`RouteError`] with the message if the queue stayed full, if no remote has this routing
    /// id, if the remote goes away during the wait, or if the socket is closed.
    pub async fn route_timeout(
        &self,
        message: impl Into<Message>,
        to: RoutingId,
        timeout: Duration,
    ) -> Result<(), RouteError> {
        Sending::new(&self.0.core, to, message.into(), Some(timeout)).await.map_err(route_error)
    }

    /// Reserves room for one message to a client; waits while that client's queue is full.
    ///
    /// With a permit a message can be made when it is certain that it can be sent, and sent without
    /// waiting.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, nothing is reserved.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if no remote has this routing id, if the remote goes away during the wait, or if
    /// the socket is closed.
    pub async fn reserve_route(&self, to: RoutingId) -> Result<RoutePermit<'_>, RouteError<()>> {
        let reserved = Reserving::new(&self.0.core, to, self.0.core.send_timeout).await;
        reserved.map(RoutePermit).map_err(|failure| route_error((failure, ())))
    }

    /// Reserves room for one message to a client if that client's queue has some.
    ///
    /// # Errors
    ///
    /// [`TryRouteError`] if the queue is full, if no remote has this routing id, or if the socket is
    /// closed.
    pub fn try_reserve_route(&self, to: RoutingId) -> Result<RoutePermit<'_>, TryRouteError<()>> {
        let reserved = Slot::try_reserve(&self.0.core, to);
        reserved.map(RoutePermit).map_err(|refusal| match refusal {
            Refusal::Closed => TryRouteError::Closed(()),
            Refusal::Full => TryRouteError::Full(()),
            Refusal::HostUnreachable => TryRouteError::HostUnreachable(()),
        })
    }

    /// Sends a message to the client from which `request` came: [`route`](Self::route) with its
    /// routing id.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not sent and goes with it.
    ///
    /// # Errors
    ///
    /// Those of [`route`](Self::route). A request without a routing id is from no remote of a server.
    pub async fn reply(
        &self,
        request: &Message,
        message: impl Into<Message>,
    ) -> Result<(), RouteError> {
        match request.routing_id() {
            Some(to) => self.route(message, to).await,
            None => Err(RouteError::HostUnreachable(message.into())),
        }
    }

    /// Turns this handle into a [`Sink`] that drops messages to remotes that have gone, or whose queue
    /// stays full for [`send_timeout`](Builder::send_timeout), counts them, and continues. It is for
    /// `StreamExt::forward`, which ends at the first error, and is a [`Stream`] as well.
    pub fn lossy(self) -> Lossy<Self> {
        Lossy::new(self)
    }

    /// Receives the next message; waits until there is one.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no message is lost.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if the socket is closed and all that it had received has been handed out, or if
    /// no message came for [`recv_timeout`](Builder::recv_timeout), which by default is for ever.
    pub async fn recv(&self) -> Result<Message, RecvError> {
        Receiving::new(&self.0.core, self.0.core.recv_timeout).await
    }

    /// Receives the next message if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] if there is none, or if the socket is closed and all that it had received
    /// has been handed out.
    pub fn try_recv(&self) -> Result<Message, TryRecvError> {
        try_receive(&self.0.core)
    }

    /// Receives the next message together with the remote that it came from; waits until there is
    /// one.
    ///
    /// This counts a reference to the remote, which [`recv`](Self::recv) does not.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no message is lost.
    ///
    /// # Errors
    ///
    /// [`RecvError`] as from [`recv`](Self::recv).
    pub async fn recv_from(&self) -> Result<(Message, Remote), RecvError> {
        ReceivingFrom::new(&self.0.core, self.0.core.recv_timeout).await
    }

    /// Receives the next message if there is one, together with the remote that it came from.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] as from [`try_recv`](Self::try_recv).
    pub fn try_recv_from(&self) -> Result<(Message, Remote), TryRecvError> {
        try_receive_from(&self.0.core)
    }

    /// Receives the next message; waits until there is one, at most for `timeout`. A timeout of zero
    /// does not wait. (libzmq `ZMQ_RCVTIMEO`.)
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no message is lost.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if no message came in time, or if the socket is closed and all that it had
    /// received has been handed out.
    pub async fn recv_timeout(&self, timeout: Duration) -> Result<Message, RecvError> {
        Receiving::new(&self.0.core, Some(timeout)).await
    }

    /// Receives all messages that there are, at most `limit`; waits until there is one. Appends them to
    /// `buffer`, and returns how many there were, which is zero only if `limit` is.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, no message is lost, and none is in `buffer`.
    ///
    /// # Errors
    ///
    /// [`RecvError`] as from [`recv`](Self::recv).
    pub async fn recv_many(
        &self,
        buffer: &mut Vec<Message>,
        limit: usize,
    ) -> Result<usize, RecvError> {
        if limit == 0 {
            return Ok(0);
        }
        ReceivingMany::new(&self.0.core, buffer, limit, self.0.core.recv_timeout).await
    }

    /// Returns the endpoint that was bound or connected last, with the port that the system picked;
    /// `None` before the first.
    #[must_use]
    pub fn last_endpoint(&self) -> Option<Endpoint> {
        self.0.core.control.last_endpoint()
    }

    /// Ends the socket for all its handles.
    ///
    /// From here on nothing can be sent; what was received can still be. Waits until all that is
    /// queued is written, or [`linger`](Builder::linger) is over, and then tells how many messages
    /// were not.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun.
    pub async fn close(&self) -> CloseReport {
        self.0.core.control.close().await
    }

    /// Ends the socket like [`close`](Self::close), and hands out the messages that were queued and
    /// could not be written, in the order of their remotes' queues.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun, and loses those messages.
    pub async fn close_with_unsent(&self) -> (CloseReport, Vec<Message>) {
        self.0.core.control.close_with_unsent().await
    }
}

#[cfg(feature = "rpc")]
impl Server {
    pub(in crate::socket) const fn core(&self) -> &Arc<Core<RoutingTable>> {
        &self.0.core
    }

    pub(in crate::socket) const fn from_core(core: Arc<Core<RoutingTable>>) -> Self {
        Self(Handle::new(core))
    }
}

#[expect(private_interfaces, reason = "the trait is sealed")]
impl Sealed for Server {
    fn start(options: Options) -> Self {
        let strategy = |hwm| RoutingTable::pipes(hwm, fastrand::u32(..));
        Self(Handle::new(Core::start(Self::SOCKET_TYPE, strategy, options)))
    }

    fn control(&self) -> &Control {
        &self.0.core.control
    }
}

impl Socket for Server {
    const SOCKET_TYPE: SocketType = SocketType::Server;
}

/// Two handles are equal when they are handles to the same socket.
impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.core, &other.0.core)
    }
}

impl Eq for Server {}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt("Server", f)
    }
}

impl Stream for Server {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0.poll_next(cx)
    }
}

impl Sink<Message> for Server {
    type Error = RouteError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), RouteError>> {
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.poll_ready(core, cx).map_err(refused)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), RouteError> {
        let Some(to) = message.routing_id() else {
            return Err(RouteError::HostUnreachable(message));
        };
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.start_send(core, to, message).map_err(refused)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), RouteError>> {
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.poll_flush(core, cx).map_err(refused)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), RouteError>> {
        self.poll_flush(cx)
    }
}

#[expect(private_interfaces, reason = "the trait is sealed")]
impl Addressing for Server {
    fn limit(&self) -> TimeLimit {
        TimeLimit::new(self.0.core.send_timeout)
    }

    fn poll_overdue(&mut self, limit: &mut TimeLimit, cx: &mut Context<'_>) -> Poll<Message> {
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.poll_overdue(core, limit, cx)
    }
}

/// All that can end a wait for room.
fn route_error<T>((failure, message): (WaitError, T)) -> RouteError<T> {
    match failure {
        WaitError::Refused(Refusal::Closed) => RouteError::Closed(message),
        WaitError::Refused(Refusal::Full | Refusal::HostUnreachable) => {
            RouteError::HostUnreachable(message)
        }
        WaitError::Timeout => RouteError::Timeout(message),
    }
}

fn refused((refusal, message): (Refusal, Message)) -> RouteError {
    route_error((WaitError::Refused(refusal), message))
}
