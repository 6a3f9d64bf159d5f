//! What can be done with a live socket, whatever its type.

use std::fmt;
use std::time::Duration;

use zmtp_proto::socket_type::SocketType;

use self::sealed::Sealed;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, ConnectError, ConnectedError, DetachError};
use crate::monitor::Monitor;
use crate::remote::Remote;
use crate::remotes::RemoteId;
use crate::stats::{RemoteStats, Stats};
use crate::transport::StdListener;

/// Binds, connects, watches and adjusts sockets that are in use.
///
/// `Server::bind` and `Client::connect` *make* a socket; with this trait in scope the same verbs,
/// as methods, give a live one further endpoints. A socket can have any number of both kinds, of
/// which it makes no difference.
///
/// It cannot be implemented outside of this crate.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, Server, Socket};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build();
/// let first = server.bind("tcp://127.0.0.1:*").await?;
/// let second = server.bind("tcp://127.0.0.1:*").await?;
///
/// let client = Client::connect(first).await?;
/// client.connect(second.clone()).await?;
/// client.disconnect(second).await?;
/// # Ok(())
/// # }
/// ```
pub trait Socket: Sealed + Clone + fmt::Debug + Send + Sync + 'static {
    /// What the socket announces to its remotes.
    const SOCKET_TYPE: SocketType;

    /// Listens on an endpoint; returns it with the port that the system picked for `*`.
    ///
    /// Sockets of one process can share a TCP port: a [resource](Endpoint#resources) tells which is meant.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready may leave the endpoint bound.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the text is no endpoint, if the port cannot be shared, if the system refuses it, or
    /// if the socket is closed.
    fn bind<E>(&self, endpoint: E) -> impl Future<Output = Result<Endpoint, BindError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().bind(endpoint?).await }
    }

    /// Accepts connections through a listener that was made elsewhere: a
    /// [`TcpListener`](std::net::TcpListener) or, on Unix, a
    /// [`UnixListener`](std::os::unix::net::UnixListener). Returns its endpoint, by which it can be
    /// unbound.
    ///
    /// It need not be non-blocking. The options of TCP are set on it, but for
    /// [`backlog`](super::Builder::backlog), which it has already. The file of a Unix domain socket is
    /// left to whoever has made it.
    ///
    /// Under systemd, a program that is started by a connection, or that is restarted without its port
    /// ever being closed, gets its listeners from a `.socket` unit, through the variable `LISTEN_FDS`.
    /// The crate `listenfd` hands them out:
    ///
    /// ```
    /// # use tokio_zmtp::{Server, Socket};
    /// # async fn example(server: Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut passed = listenfd::ListenFd::from_env();
    /// if let Some(listener) = passed.take_tcp_listener(0)? {
    ///     server.bind_from_std(listener).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready may leave the listener in use.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the system refuses the listener or an option, if it has no name that can be
    /// written down, or if the socket is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use tokio_zmtp::{Server, Socket};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let server = Server::builder().build();
    /// let endpoint = server.bind_from_std(listener).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn bind_from_std(
        &self,
        listener: impl Into<StdListener>,
    ) -> impl Future<Output = Result<Endpoint, BindError>> + Send {
        let listener = listener.into();
        async move { self.control().bind_from_std(listener).await }
    }

    /// Connects to an endpoint, and again whenever the connection breaks.
    ///
    /// Returns as soon as the endpoint is registered, whether or not somebody is there: from now on
    /// messages are queued for it. Connecting to one endpoint twice makes two connections.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready may leave the endpoint connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to, or if the socket is
    /// closed.
    fn connect<E>(&self, endpoint: E) -> impl Future<Output = Result<(), ConnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().connect(endpoint?).await }
    }

    /// Connects to every address of a host name, each with a queue of its own, and follows the name: an
    /// address that is added to it is connected to, and one that is taken away is given up as by
    /// [`disconnect`](Self::disconnect).
    ///
    /// It is for a name that stands for many hosts, such as a headless service of Kubernetes, of which
    /// [`connect`](Self::connect) connects to one. The name is asked for its addresses at once, again
    /// every [`resolve_interval`](super::Builder::resolve_interval), and when a connection to one of
    /// them has ended. If that fails the addresses stay as they are, and it is tried again soon.
    ///
    /// Returns as soon as the endpoint is registered, before there is an address. Remotes and events of
    /// connections have the endpoint of the one address that was dialled. An endpoint without a name is
    /// connected to as by [`connect`](Self::connect). `disconnect`, with the same endpoint, gives up
    /// all its addresses and the name.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready may leave the endpoint connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to, or if the socket is
    /// closed.
    fn connect_all<E>(&self, endpoint: E) -> impl Future<Output = Result<(), ConnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().connect_all(endpoint?).await }
    }

    /// Stops listening on an endpoint, named as it was given or as `bind` returned it, and ends the
    /// connections that were accepted through it.
    ///
    /// When this returns the address is free, unless other sockets share the port. What is queued for
    /// those connections is written in the background, for as long as
    /// [`linger`](super::Builder::linger) says; what was received stays to be received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun.
    ///
    /// # Errors
    ///
    /// [`DetachError`] if the socket is not bound to it, or is closed.
    fn unbind<E>(&self, endpoint: E) -> impl Future<Output = Result<(), DetachError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().unbind(endpoint?).await }
    }

    /// Ends all connections to an endpoint, and does not make them again.
    ///
    /// What is queued for them is written in the background, for as long as
    /// [`linger`](super::Builder::linger) says; what was received stays to be received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun.
    ///
    /// # Errors
    ///
    /// [`DetachError`] if the socket is not connected to it, or is closed.
    fn disconnect<E>(&self, endpoint: E) -> impl Future<Output = Result<(), DetachError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().disconnect(endpoint?).await }
    }

    /// Waits until a remote is connected, which it may be already: its handshake is finished, and
    /// messages can be exchanged.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// [`ConnectedError`] if the socket is closed, or if its last endpoint has been given up, because
    /// the remote refuses this socket or because of [`reconnect_stop`](super::Builder::reconnect_stop).
    fn connected(&self) -> impl Future<Output = Result<(), ConnectedError>> + Send {
        self.control().connected()
    }

    /// Waits until a remote is connected, at most for `timeout`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// [`ConnectedError`] as from [`connected`](Self::connected), or when the time is over, with the
    /// reason why the last attempt failed, if one has.
    fn connected_timeout(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), ConnectedError>> + Send {
        self.control().connected_timeout(timeout)
    }

    /// Returns the remotes that are connected, those that connected first in front.
    fn remotes(&self) -> Vec<Remote> {
        self.control().shared().remotes.all()
    }

    /// Returns a remote that is connected, by its [`ConnectionId`](crate::ConnectionId) or its
    /// [`RoutingId`](crate::RoutingId).
    fn remote(&self, id: impl Into<RemoteId>) -> Option<Remote> {
        self.control().shared().remotes.find(id.into()).map(|(remote, _)| remote)
    }

    /// Ends the connection of a remote, without waiting for its end; false if none is connected by this
    /// id. (libzmq `zmq_disconnect_peer`.)
    ///
    /// A connection that was accepted writes what is queued, for as long as
    /// [`linger`](super::Builder::linger) says; its routing id is unknown from now on. One that was
    /// dialled is made again after a while, with what is queued, since its endpoint is still
    /// connected: [`disconnect`](Self::disconnect) gives that up.
    fn disconnect_remote(&self, id: impl Into<RemoteId>) -> bool {
        let shared = self.control().shared();
        shared.remotes.disconnect(id.into(), &shared.routing)
    }

    /// Watches what happens to endpoints and connections from now on.
    fn monitor(&self) -> Monitor {
        self.control().shared().publisher.monitor()
    }

    /// Returns what the socket has done so far, in numbers. They are read one after the other, while
    /// the socket goes on.
    fn stats(&self) -> Stats {
        self.control().stats()
    }

    /// Returns what a connected remote has done so far, in numbers.
    fn remote_stats(&self, id: impl Into<RemoteId>) -> Option<RemoteStats> {
        self.control().remote_stats(id.into())
    }

    /// Returns how long connections may go on writing when they end; see
    /// [`Builder::linger`](super::Builder::linger).
    fn linger(&self) -> Option<Duration> {
        self.control().shared().linger()
    }

    /// Sets how long connections may go on writing that end from now on.
    fn set_linger(&self, limit: impl Into<Option<Duration>>) {
        self.control().shared().set_linger(limit.into());
    }

    /// Returns how many bytes ended remotes may leave to be received; zero for any number. See
    /// [`Builder::ended_hwm_bytes`](super::Builder::ended_hwm_bytes).
    fn ended_hwm_bytes(&self) -> usize {
        self.control().shared().routing.ended_hwm()
    }

    /// Sets how many bytes ended remotes may leave to be received, from now on. Messages that exceed a
    /// lower limit are kept.
    fn set_ended_hwm_bytes(&self, bytes: usize) {
        self.control().shared().routing.set_ended_hwm(bytes);
    }

    /// Returns how many received messages are queued for each remote at most; zero for any number.
    fn recv_hwm(&self) -> usize {
        self.control().shared().routing.marks().1.messages()
    }

    /// Sets how many received messages are queued for each remote at most, from now on. What is queued
    /// above the mark stays.
    fn set_recv_hwm(&self, messages: usize) {
        self.control().shared().routing.change_recv_hwm(|hwm| hwm.with_messages(messages));
    }

    /// Returns how many bytes received messages may take for each remote; zero for any number.
    fn recv_hwm_bytes(&self) -> usize {
        self.control().shared().routing.marks().1.bytes()
    }

    /// Sets how many bytes received messages may take for each remote, from now on. What is queued
    /// above the mark stays.
    fn set_recv_hwm_bytes(&self, bytes: usize) {
        self.control().shared().routing.change_recv_hwm(|hwm| hwm.with_bytes(bytes));
    }

    /// Returns how many messages are queued for each remote at most; zero for any number.
    fn send_hwm(&self) -> usize {
        self.control().shared().routing.marks().0.messages()
    }

    /// Sets how many messages are queued for each remote at most, from now on. Whoever waits for room
    /// that there is now is woken; what is queued above the mark stays.
    fn set_send_hwm(&self, messages: usize) {
        self.control().shared().routing.change_send_hwm(|hwm| hwm.with_messages(messages));
    }

    /// Returns how many bytes may be queued for each remote; zero for any number.
    fn send_hwm_bytes(&self) -> usize {
        self.control().shared().routing.marks().0.bytes()
    }

    /// Sets how many bytes may be queued for each remote, from now on. Whoever waits for room that
    /// there is now is woken; what is queued above the mark stays.
    fn set_send_hwm_bytes(&self, bytes: usize) {
        self.control().shared().routing.change_send_hwm(|hwm| hwm.with_bytes(bytes));
    }
}

pub(super) mod sealed {
    use std::task::{Context, Poll};

    use futures_sink::Sink;

    use crate::error::RouteError;
    use crate::message::Message;
    use crate::options::Options;
    use crate::socket::Socket;
    use crate::socket::control::Control;
    use crate::socket::time_limit::TimeLimit;

    /// What the common parts need of a socket type.
    #[expect(
        private_interfaces,
        unnameable_types,
        reason = "so that other crates cannot implement it"
    )]
    pub trait Sealed: Sized {
        fn start(options: Options) -> Self;
        fn control(&self) -> &Control;
    }

    /// A socket type whose messages name the remotes that they go to.
    #[expect(
        private_interfaces,
        unnameable_types,
        reason = "so that other crates cannot implement it"
    )]
    pub trait Addressing: Socket + Sink<Message, Error = RouteError> + Unpin {
        /// How long a message of its sink may wait for room.
        fn limit(&self) -> TimeLimit;

        /// Waits for that time, and then returns the message.
        fn poll_overdue(&mut self, limit: &mut TimeLimit, cx: &mut Context<'_>) -> Poll<Message>;
    }
}
