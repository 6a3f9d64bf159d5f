//! CLIENT.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use zmtp_proto::socket_type::SocketType;

use super::Permit;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, ConnectError, RecvError, SendError, TryRecvError, TrySendError};
use crate::message::Message;
use crate::options::Options;
use crate::remote::Remote;
use crate::routing::{Refusal, RoundRobin};
use crate::socket::control::Control;
use crate::socket::live::sealed::Sealed;
use crate::socket::receiving::{
    Receiving, ReceivingFrom, ReceivingMany, try_receive, try_receive_from,
};
use crate::socket::reserving::{Reserving, Slot};
use crate::socket::sending::{Sending, WaitError, send_at_once};
use crate::socket::{Builder, CloseReport, Core, Handle, Socket};

/// Talks to one or more [`Server`](crate::Server)s, asynchronously both ways (RFC 41).
///
/// A `Client` is a handle: cloning it is cheap and gives another handle to the same socket, all of
/// which can send and receive at once, from any task or thread. A reply goes to whichever of them
/// calls `recv` first. A task that has to get its own replies uses a `Client` of its own.
///
/// A client connected to several servers spreads what it sends over them, one message each in turn,
/// passing over those that are full; and it receives one message from each in turn.
///
/// # Mute state
///
/// A client is mute while it has no remote, or while the queues of all its remotes hold
/// [`send_hwm`](Builder::send_hwm) messages. [`send`](Self::send) then waits until a queue has room
/// or a remote is added, and [`try_send`](Self::try_send) gives the message back. No message is
/// dropped, and those who wait are served in the order in which they came.
///
/// A server that the client *connected to* has its queue from the moment `connect` returns, connected
/// or not: messages wait there until the connection is made, or made again. A server that connected
/// to the client has it while it is connected.
///
/// # Remotes that go silently
///
/// A server whose process hangs, or whose host or network fails, is noticed only if
/// [`heartbeat_interval`](Builder::heartbeat_interval) is set. It is then noticed within the interval
/// plus the timeout. By default, as in libzmq, it is not set: messages for that server wait
/// indefinitely, and no event reports the failure.
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
/// | Compatible remotes | [`Server`](crate::Server) |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | round-robin |
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
/// A `Client` is a [`Stream`] of what it receives, which ends when the socket is closed, and a
/// [`Sink`] of what it sends. Closing the sink flushes it and leaves the socket open. The sink of a
/// handle that is dropped with a message that was not flushed drops that message, and counts it in
/// the [`CloseReport`].
///
/// The sink waits while the client is mute, whatever [`send_timeout`](Builder::send_timeout) says. It
/// fails only when the socket is closed, which ends a `StreamExt::forward`. Remotes that come and go do
/// not make it fail.
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
/// client.send("tell me something").await?;
/// let request = server.recv().await?;
/// server.reply(&request, "it takes 224 bits to store a i32 in java").await?;
/// assert_eq!(client.recv().await?, "it takes 224 bits to store a i32 in java");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Handle<RoundRobin>);

impl Client {
    /// Starts to set the options of a new client.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Makes a client with default options and connects it: see [`Builder::connect`].
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

    /// Makes a client with default options and binds it: see [`Builder::bind`].
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

    /// Sends a message to the next server in turn; waits while the client is mute.
    ///
    /// When this returns the message is queued, not delivered.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not sent and goes with it.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the message if the socket is closed, or if the client stayed mute for
    /// [`send_timeout`](Builder::send_timeout), which by default is for ever.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let core = &self.0.core;
        let Some(message) = send_at_once(core, (), message) else { return Ok(()) };
        Sending::new(core, (), message, core.send_timeout).await.map_err(send_error)
    }

    /// Sends a message to the next server in turn, if the client is not mute.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the message if the client is mute or closed.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let mut message = Some(message.into());
        let sent = self.0.core.try_send((), &mut message);
        sent.map_err(|refusal| {
            let message = message.expect("refused, so still there");
            match refusal {
                Refusal::Closed => TrySendError::Closed(message),
                Refusal::Full | Refusal::HostUnreachable => TrySendError::Full(message),
            }
        })
    }

    /// Sends a message to the next server in turn; waits while the client is mute, at most for
    /// `timeout`. A timeout of zero does not wait. (libzmq `ZMQ_SNDTIMEO`.)
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not sent and goes with it.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the message if the client stayed mute, or if the socket is closed.
    pub async fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        Sending::new(&self.0.core, (), message.into(), Some(timeout)).await.map_err(send_error)
    }

    /// Reserves room for one message to the next server in turn; waits while the client is mute.
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
    /// [`SendError`] as from [`send`](Self::send).
    pub async fn reserve(&self) -> Result<Permit<'_>, SendError<()>> {
        let reserved = Reserving::new(&self.0.core, (), self.0.core.send_timeout).await;
        reserved.map(Permit).map_err(|failure| send_error((failure, ())))
    }

    /// Reserves room for one message to the next server in turn, if the client is not mute.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] if the client is mute or closed.
    pub fn try_reserve(&self) -> Result<Permit<'_>, TrySendError<()>> {
        Slot::try_reserve(&self.0.core, ()).map(Permit).map_err(|refusal| match refusal {
            Refusal::Closed => TrySendError::Closed(()),
            Refusal::Full | Refusal::HostUnreachable => TrySendError::Full(()),
        })
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
impl Client {
    pub(in crate::socket) const fn core(&self) -> &Arc<Core<RoundRobin>> {
        &self.0.core
    }
}

#[expect(private_interfaces, reason = "the trait is sealed")]
impl Sealed for Client {
    fn start(options: Options) -> Self {
        Self(Handle::new(Core::start(Self::SOCKET_TYPE, RoundRobin::pipes, options)))
    }

    fn control(&self) -> &Control {
        &self.0.core.control
    }
}

impl Socket for Client {
    const SOCKET_TYPE: SocketType = SocketType::Client;
}

/// Two handles are equal when they are handles to the same socket.
impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.core, &other.0.core)
    }
}

impl Eq for Client {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt("Client", f)
    }
}

impl Stream for Client {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0.poll_next(cx)
    }
}

impl<M: Into<Message>> Sink<M> for Client {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.poll_reserve(core, (), cx).map_err(closed)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), SendError> {
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.start_send(core, (), message.into()).map_err(closed)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Handle { core, outbox, .. } = &mut self.0;
        outbox.poll_flush(core, cx).map_err(closed)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<M>::poll_flush(self, cx)
    }
}

/// Any remote will do, so that none being reachable is no reason to give up.
fn send_error<T>((failure, message): (WaitError, T)) -> SendError<T> {
    match failure {
        WaitError::Refused(_) => SendError::Closed(message),
        WaitError::Timeout => SendError::Timeout(message),
    }
}

fn closed((_, message): (Refusal, Message)) -> SendError {
    SendError::Closed(message)
}
