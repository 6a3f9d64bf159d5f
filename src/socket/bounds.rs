//! The bounds for code that is generic over socket types.

use std::fmt;
use std::time::Duration;

use zmtp_proto::endpoint::{Endpoint, EndpointError};
use zmtp_proto::socket_type::SocketType;

use self::sealed::Sealed;
use super::Remotes;
use super::control::CloseReport;
use crate::connection_id::ConnectionId;
use crate::error::{AttachError, BindError, ConnectError, DisconnectError, UnbindError};
use crate::message::Message;
use crate::monitor::Monitor;
use crate::platform::StdListener;
use crate::stats::Stats;
use crate::transport::{Dialer, RemoteStream, SharedDialer};

/// A bound for code that is generic over socket types.
///
/// Every socket type has these methods itself, where they are documented: see
/// [`Client`](crate::Client#implementations). A socket of a known type can be used without this
/// trait. The trait cannot be implemented outside of this crate.
///
/// It creates no socket: generic code takes a [`Builder`](crate::Builder) of the socket type.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{BindError, Server, Socket};
///
/// async fn bind_all<S: Socket>(socket: &S, endpoints: &[String]) -> Result<(), BindError> {
///     for endpoint in endpoints {
///         println!("{} is bound to {}", S::SOCKET_TYPE, socket.bind(endpoint).await?);
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// bind_all(&Server::new(), &["tcp://127.0.0.1:*".into(), "inproc://service".into()]).await?;
/// # Ok(())
/// # }
/// ```
pub trait Socket: Sealed + Clone + Eq + fmt::Debug + Send + Sync + 'static {
    /// The socket type that is announced to remotes.
    const SOCKET_TYPE: SocketType;

    /// Binds the socket to an endpoint.
    ///
    /// See [`Client::bind`](crate::Client::bind).
    fn bind<E>(&self, endpoint: E) -> impl Future<Output = Result<Endpoint, BindError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().bind(endpoint?).await }
    }

    /// Accepts connections through a listener that was created elsewhere.
    ///
    /// See [`Client::bind_from_std`](crate::Client::bind_from_std).
    fn bind_from_std(
        &self,
        listener: impl Into<StdListener>,
    ) -> impl Future<Output = Result<Endpoint, BindError>> + Send {
        let listener = listener.into();
        async move { self.control().bind_from_std(listener).await }
    }

    /// Connects the socket to an endpoint.
    ///
    /// See [`Client::connect`](crate::Client::connect).
    fn connect<E>(&self, endpoint: E) -> impl Future<Output = Result<(), ConnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().connect(endpoint?).await }
    }

    /// Connects the socket to an endpoint whose streams the application dials.
    ///
    /// See [`Client::connect_with`](crate::Client::connect_with).
    fn connect_with<E>(
        &self,
        endpoint: E,
        dialer: impl Dialer,
    ) -> impl Future<Output = Result<(), ConnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        let dialer = SharedDialer::new(dialer);
        async move { self.control().connect_with(endpoint?, dialer).await }
    }

    /// Adds the remote at the other end of an established stream.
    ///
    /// See [`Client::attach`](crate::Client::attach).
    fn attach(
        &self,
        stream: impl Into<RemoteStream>,
    ) -> impl Future<Output = Result<ConnectionId, AttachError>> + Send {
        let stream = stream.into();
        async move { self.control().attach(stream).await }
    }

    /// Connects the socket to every address of a host name.
    ///
    /// See [`Client::connect_all`](crate::Client::connect_all).
    fn connect_all<E>(&self, endpoint: E) -> impl Future<Output = Result<(), ConnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().connect_all(endpoint?).await }
    }

    /// Stops listening on an endpoint.
    ///
    /// See [`Client::unbind`](crate::Client::unbind).
    fn unbind<E>(&self, endpoint: E) -> impl Future<Output = Result<(), UnbindError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().unbind(endpoint?).await }
    }

    /// Ends all connections to an endpoint.
    ///
    /// See [`Client::disconnect`](crate::Client::disconnect).
    fn disconnect<E>(&self, endpoint: E) -> impl Future<Output = Result<(), DisconnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().disconnect(endpoint?).await }
    }

    /// Returns the endpoint that was bound or connected last.
    ///
    /// See [`Client::last_endpoint`](crate::Client::last_endpoint).
    fn last_endpoint(&self) -> Option<Endpoint> {
        self.control().last_endpoint()
    }

    /// Returns the view of the connected remotes.
    ///
    /// See [`Client::remotes`](crate::Client::remotes).
    fn remotes(&self) -> Remotes<'_> {
        Remotes::new(self.control())
    }

    /// Returns a stream of all later events of endpoints and connections.
    ///
    /// See [`Client::monitor`](crate::Client::monitor).
    fn monitor(&self) -> Monitor {
        self.control().monitor()
    }

    /// Returns the statistics of the socket.
    ///
    /// See [`Client::stats`](crate::Client::stats).
    fn stats(&self) -> Stats {
        self.control().stats()
    }

    /// Returns how long ending connections may continue to write.
    ///
    /// See [`Client::linger`](crate::Client::linger).
    fn linger(&self) -> Option<Duration> {
        self.control().linger()
    }

    /// Sets how long ending connections may continue to write.
    ///
    /// See [`Client::set_linger`](crate::Client::set_linger).
    fn set_linger(&self, limit: impl Into<Option<Duration>>) {
        self.control().set_linger(limit.into());
    }

    /// Closes the socket, and waits until all queued messages are written.
    ///
    /// See [`Client::close`](crate::Client::close).
    fn close(&self) -> impl Future<Output = CloseReport> + Send {
        self.control().close()
    }

    /// Closes the socket, and returns the messages that could not be written.
    ///
    /// See [`Client::close_with_undelivered`](crate::Client::close_with_undelivered).
    fn close_with_undelivered(&self) -> impl Future<Output = (CloseReport, Vec<Message>)> + Send {
        async {
            let (report, undelivered) = self.control().close_with_undelivered().await;
            (report, undelivered.into_iter().map(|kept| kept.message).collect())
        }
    }
}

/// A bound for code that is generic over socket types that receive.
///
/// Every type except [`Pub`](crate::Pub), [`Push`](crate::Push), [`Radio`](crate::Radio),
/// [`Req`](crate::Req) and [`Scatter`](crate::Scatter) implements it. As with [`Socket`], the types
/// have these methods themselves. Generic code that receives adds a bound such as
/// [`Stream`](futures_core::Stream)`<Item = Message> + Unpin`.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Builder, Gather, ReceivingSocket};
///
/// fn in_small_portions<S: ReceivingSocket>(builder: Builder<S>) -> S {
///     builder.recv_hwm(10).recv_hwm_bytes(1 << 20).build()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(in_small_portions(Gather::builder()).recv_hwm(), 10);
/// # }
/// ```
///
/// A type that does not receive has none of these options:
///
/// ```compile_fail,E0599
/// tokio_zmtp::Scatter::builder().recv_hwm(10);
/// ```
pub trait ReceivingSocket: Socket {
    /// Returns how many bytes of unread messages ended remotes may leave.
    ///
    /// See [`Client::ended_hwm_bytes`](crate::Client::ended_hwm_bytes).
    fn ended_hwm_bytes(&self) -> usize {
        self.control().ended_hwm_bytes()
    }

    /// Sets how many bytes of unread messages ended remotes may leave.
    ///
    /// See [`Client::set_ended_hwm_bytes`](crate::Client::set_ended_hwm_bytes).
    fn set_ended_hwm_bytes(&self, bytes: usize) {
        self.control().set_ended_hwm_bytes(bytes);
    }

    /// Returns the high-water mark of received messages.
    ///
    /// See [`Client::recv_hwm`](crate::Client::recv_hwm).
    fn recv_hwm(&self) -> usize {
        self.control().recv_hwm()
    }

    /// Sets the high-water mark of received messages.
    ///
    /// See [`Client::set_recv_hwm`](crate::Client::set_recv_hwm).
    fn set_recv_hwm(&self, messages: usize) {
        self.control().set_recv_hwm(messages);
    }

    /// Returns how many bytes received messages may take.
    ///
    /// See [`Client::recv_hwm_bytes`](crate::Client::recv_hwm_bytes).
    fn recv_hwm_bytes(&self) -> usize {
        self.control().recv_hwm_bytes()
    }

    /// Sets how many bytes received messages may take.
    ///
    /// See [`Client::set_recv_hwm_bytes`](crate::Client::set_recv_hwm_bytes).
    fn set_recv_hwm_bytes(&self, bytes: usize) {
        self.control().set_recv_hwm_bytes(bytes);
    }
}

/// A bound for code that is generic over socket types that send.
///
/// Every type except [`Dish`](crate::Dish), [`Gather`](crate::Gather), [`Pull`](crate::Pull) and
/// [`Sub`](crate::Sub) implements it. As with [`Socket`], the types have these methods themselves.
/// Generic code that sends adds a bound such as [`Sink`](futures_sink::Sink)`<Message> + Unpin`.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Builder, Scatter, SendingSocket};
///
/// fn in_small_portions<S: SendingSocket>(builder: Builder<S>) -> S {
///     builder.send_hwm(10).send_hwm_bytes(1 << 20).build()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(in_small_portions(Scatter::builder()).send_hwm(), 10);
/// # }
/// ```
///
/// A type that does not send has none of these options:
///
/// ```compile_fail,E0599
/// tokio_zmtp::Gather::builder().send_hwm(10);
/// ```
pub trait SendingSocket: Socket {
    /// Returns the high-water mark of messages to send.
    ///
    /// See [`Client::send_hwm`](crate::Client::send_hwm).
    fn send_hwm(&self) -> usize {
        self.control().send_hwm()
    }

    /// Sets the high-water mark of messages to send.
    ///
    /// See [`Client::set_send_hwm`](crate::Client::set_send_hwm).
    fn set_send_hwm(&self, messages: usize) {
        self.control().set_send_hwm(messages);
    }

    /// Returns how many bytes of messages to send may be queued.
    ///
    /// See [`Client::send_hwm_bytes`](crate::Client::send_hwm_bytes).
    fn send_hwm_bytes(&self) -> usize {
        self.control().send_hwm_bytes()
    }

    /// Sets how many bytes of messages to send may be queued.
    ///
    /// See [`Client::set_send_hwm_bytes`](crate::Client::set_send_hwm_bytes).
    fn set_send_hwm_bytes(&self, bytes: usize) {
        self.control().set_send_hwm_bytes(bytes);
    }
}

pub(super) mod sealed {
    use std::task::{Context, Poll};

    use futures_sink::Sink;

    use crate::error::RouteError;
    use crate::message::AnyMessage;
    use crate::options::Options;
    use crate::routing::Strategy;
    use crate::socket::Socket;
    use crate::socket::control::Control;
    use crate::socket::forwarding::SharedCore;
    use crate::socket::target::Addressed;
    use crate::socket::time_limit::TimeLimit;

    /// The parts of a socket type that generic code uses.
    #[expect(
        private_interfaces,
        unnameable_types,
        reason = "so that other crates cannot implement it"
    )]
    pub trait Sealed: Sized {
        fn start(options: Options) -> Self;
        fn control(&self) -> &Control;
    }

    /// A socket type whose messages name their remotes.
    #[expect(
        private_bounds,
        private_interfaces,
        unnameable_types,
        reason = "so that other crates cannot implement it"
    )]
    pub trait Addressing:
        Socket + Sink<Self::Addressed, Error = RouteError<Self::Addressed>> + Unpin
    {
        /// A message that names its remote.
        type Addressed: AnyMessage;

        /// Returns whether a message names a remote.
        fn names_remote(message: &Self::Addressed) -> bool;

        /// Returns how long a message of its sink may wait for room.
        fn limit(&self) -> TimeLimit;

        /// Waits until the limit is reached, and returns the message.
        fn poll_overdue(
            &mut self,
            limit: &mut TimeLimit,
            cx: &mut Context<'_>,
        ) -> Poll<Self::Addressed>;
    }

    /// A socket type that sends messages in batches.
    #[expect(private_bounds, unnameable_types, reason = "so that other crates cannot implement it")]
    pub trait Batching: Socket + SharedCore {
        type Message: Addressed<<Self::Outgoing as Strategy>::Target>;
    }
}
