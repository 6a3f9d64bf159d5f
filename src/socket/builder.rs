//! Setting a socket's options before it is made.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::Socket;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, ConnectError};
use crate::options::Options;

/// Sets the options of a socket of type `S`, and makes it.
///
/// Every setter can be left out; its default is stated with it. Options apply to all endpoints of
/// the socket.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Client;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder()
///     .send_hwm(100)
///     .reconnect_interval(Duration::from_millis(20))
///     .connect("tcp://127.0.0.1:5555")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is built, bound or connected"]
pub struct Builder<S> {
    options: Options,
    socket: PhantomData<fn() -> S>,
}

impl<S: Socket> Builder<S> {
    pub(super) fn new() -> Self {
        Self { options: Options::default(), socket: PhantomData }
    }

    /// Makes the socket. It has no endpoint yet.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    #[must_use]
    pub fn build(self) -> S {
        S::start(self.options)
    }

    /// Makes the socket and binds it to an endpoint; more can follow.
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
    pub async fn bind<E>(self, to: E) -> Result<S, BindError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let to = to.try_into().map_err(EndpointError::from)?;
        let socket = self.build();
        socket.control().bind(to).await?;
        Ok(socket)
    }

    /// Makes the socket and connects it to an endpoint; more can follow.
    ///
    /// Returns as soon as the endpoint is registered. The connection is made in the background, and
    /// made again whenever it breaks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    pub async fn connect<E>(self, to: E) -> Result<S, ConnectError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let to = to.try_into().map_err(EndpointError::from)?;
        let socket = self.build();
        socket.control().connect(to).await?;
        Ok(socket)
    }

    /// Sets how long one attempt to connect may take before the next is due; `None` leaves it to
    /// the system, which takes minutes. Default: 10 s. (libzmq `ZMQ_CONNECT_TIMEOUT`.)
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.connect_timeout = limit.into();
        self
    }

    /// Sets how long a handshake may take before the connection is given up; `None` for any time.
    /// Default: 30 s. (libzmq `ZMQ_HANDSHAKE_IVL`.)
    pub fn handshake_interval(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.handshake_interval = limit.into();
        self
    }

    /// Sets how often each connection sends a PING, to find out whether the remote is still there;
    /// `None` for never. Default: `None`. (RFC 37, Connection Heartbeating; libzmq
    /// `ZMQ_HEARTBEAT_IVL`.)
    ///
    /// A connection that is given up counts as broken: if it was dialled, it is made again.
    pub fn heartbeat_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.interval = interval.into();
        self
    }

    /// Sets how long a connection waits after a PING for anything to arrive before it gives the remote
    /// up; `None` for as long as [`heartbeat_interval`](Self::heartbeat_interval). Default: `None`.
    /// (libzmq `ZMQ_HEARTBEAT_TIMEOUT`.)
    ///
    /// Any octet is a sign of life. While the queue of received messages is full nothing is read, and
    /// the remote is not given up.
    pub fn heartbeat_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.timeout = timeout.into();
        self
    }

    /// Sets how long the remote should wait for anything from this socket before it gives the
    /// connection up; `None` to leave that to the remote. Default: `None`. (libzmq
    /// `ZMQ_HEARTBEAT_TTL`.)
    ///
    /// It goes with every PING, rounded up to tenths of a second and cut to 65.5 s, above which libzmq
    /// miscounts. One that does not exceed [`heartbeat_interval`](Self::heartbeat_interval) is not sent.
    pub fn heartbeat_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options.heartbeat.ttl = ttl.into();
        self
    }

    /// Sets how long connections may go on writing what is queued when the socket or one of its
    /// endpoints ends; zero to drop it at once, `None` for any time. Default: 30 s. (libzmq
    /// `ZMQ_LINGER`, which by default waits for ever.)
    pub fn linger(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.linger = limit.into();
        self
    }

    /// Sets the longest message, in octets, that a remote may send; a longer one costs it the
    /// connection. `None` for any. Default: `None`. (libzmq `ZMQ_MAXMSGSIZE`.)
    pub fn max_message_size(mut self, octets: impl Into<Option<u64>>) -> Self {
        self.options.max_message_size = octets.into();
        self
    }

    /// Sets how long to wait before the first attempt to connect again. Each further attempt doubles
    /// it, up to [`reconnect_interval_max`](Self::reconnect_interval_max), and up to half of each
    /// wait is random. A finished handshake begins anew. Default: 100 ms. (libzmq
    /// `ZMQ_RECONNECT_IVL`.)
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.options.reconnect_interval = interval;
        self
    }

    /// Sets the longest wait before an attempt to connect again. Default: 10 s. (libzmq
    /// `ZMQ_RECONNECT_IVL_MAX`.)
    pub fn reconnect_interval_max(mut self, interval: Duration) -> Self {
        self.options.reconnect_interval_max = interval;
        self
    }

    /// Sets how many received messages are queued for each remote before the socket stops reading
    /// from it; zero for any number. Default: 1,000. (libzmq `ZMQ_RCVHWM`.)
    pub fn recv_hwm(mut self, messages: usize) -> Self {
        self.options.recv_hwm = messages;
        self
    }

    /// Sets how many messages are queued for each remote before it counts as full; zero for any
    /// number. Default: 1,000. (libzmq `ZMQ_SNDHWM`.)
    ///
    /// With zero nothing makes a sender wait: memory is all that limits the queue, and a task that
    /// only sends never lets others run.
    pub fn send_hwm(mut self, messages: usize) -> Self {
        self.options.send_hwm = messages;
        self
    }
}

impl<S> Clone for Builder<S> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), socket: PhantomData }
    }
}

impl<S: Socket> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Builder");
        debug.field("socket", &S::SOCKET_TYPE).field("options", &self.options).finish()
    }
}
