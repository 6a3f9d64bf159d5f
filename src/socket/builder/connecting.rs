//! Options for establishing connections.

use std::sync::Arc;
use std::time::Duration;

use super::{Builder, unless_zero};
use crate::error::PropertyError;
use crate::options::{NameResolver, ReconnectStop, Resolver};

/// # Connections
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::{Client, ReconnectStop};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Attempts are short and frequent, except to a server that refuses this client.
/// let client = Client::builder()
///     .connect_timeout(Duration::from_secs(5))
///     .handshake_interval(Duration::from_secs(5))
///     .reconnect_interval(Duration::from_millis(50))
///     .reconnect_interval_max(Duration::from_secs(5))
///     .reconnect_stop([ReconnectStop::HandshakeFailed])
///     .immediate(true)
///     .build();
/// // Names are resolved every ten seconds.
/// let client = Client::builder().resolve_interval(Duration::from_secs(10)).build();
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets the time limit of one connection attempt; `None` or zero leaves it to the system, which
    /// takes minutes. Default: 10 s. (libzmq `ZMQ_CONNECT_TIMEOUT`.)
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.connect_timeout = unless_zero(limit.into());
        self
    }

    /// Sets the time limit of a handshake, after which the connection is closed; `None` or zero for
    /// no limit. Default: 30 s. (libzmq `ZMQ_HANDSHAKE_IVL`.)
    pub fn handshake_interval(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.handshake_interval = unless_zero(limit.into());
        self
    }

    /// Sets whether a remote that this socket connects to has its queue only while it is connected.
    /// Default: false. (libzmq `ZMQ_IMMEDIATE`.)
    ///
    /// With false, messages are queued for the remote from the moment `connect` returns, and
    /// between connections. With true, messages go only to connected remotes, and `send` waits
    /// until there is one. Messages queued for a remote that leaves are undelivered. Each
    /// connection of a [`Server`](crate::Server) or [`Peer`](crate::Peer) to a remote then has its
    /// own routing id, and [`connect_peer`](crate::Peer::connect_peer) fails.
    ///
    /// Set it to true for a [`Client`](crate::Client) of several equivalent servers. Otherwise its
    /// messages go to all of them in turn, and those for a disconnected server wait until it
    /// returns. An `rpc::Requester` does not need it: it always chooses connected servers.
    pub fn immediate(mut self, immediate: bool) -> Self {
        self.options.immediate = immediate;
        self
    }

    /// Adds a property that is announced to every remote, which reads it with
    /// [`Remote::property`](crate::Remote::property). Default: none. (libzmq `ZMQ_METADATA`.)
    ///
    /// # Errors
    ///
    /// [`PropertyError`] if the name does not begin with `X-`, the prefix for applications (RFC 37,
    /// Connection Metadata), or is not 1 to 255 letters, digits, `-`, `_`, `.` and `+`; or if all
    /// properties together exceed 60,000 bytes, above which remotes refuse them.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().metadata("X-Tenant", "blue")?.build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata(
        mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, PropertyError> {
        let name = name.as_ref();
        if !name.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("X-")) {
            return Err(PropertyError::ReservedPrefix);
        }
        self.options.metadata.push(name, value.as_ref())?;
        Ok(self)
    }

    /// Sets the delay before the first attempt to reconnect; `None` to never reconnect. Default:
    /// 100 ms. (libzmq `ZMQ_RECONNECT_IVL`.)
    ///
    /// Each further attempt doubles the delay, up to
    /// [`reconnect_interval_max`](Self::reconnect_interval_max). Up to half of each delay is
    /// random. The delays restart at this value
    ///
    /// - after a connection on which a queued message was written completely, unless the remote
    ///   ended it in the middle of another message;
    /// - after a connection that has lasted for ten seconds, or for `reconnect_interval_max` if
    ///   that is shorter.
    ///
    /// Messages that the remote sends do not restart them, and neither do subscriptions. A
    /// [`Sub`](crate::Sub) or other socket that only receives may therefore miss messages for up to
    /// the longest delay after its remote has been restarted several times in short succession. If
    /// this matters, lower `reconnect_interval_max`.
    pub fn reconnect_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.reconnect_interval = interval.into();
        self
    }

    /// Sets the longest delay before an attempt to reconnect. Default: 10 s. (libzmq
    /// `ZMQ_RECONNECT_IVL_MAX`.)
    pub fn reconnect_interval_max(mut self, interval: Duration) -> Self {
        self.options.reconnect_interval_max = interval;
        self
    }

    /// Sets the failures after which an endpoint is not reconnected. Default: none. (libzmq
    /// `ZMQ_RECONNECT_STOP`.)
    ///
    /// An endpoint whose remote refuses this socket by an ERROR command is never reconnected (RFC
    /// 37, Error Handling), unless the reason is known to be temporary: `occupied`, of a socket
    /// that has another remote, and `duplicate identity`, of a ROUTER. These are retried after a
    /// growing delay.
    pub fn reconnect_stop(mut self, after: impl IntoIterator<Item = ReconnectStop>) -> Self {
        self.options.reconnect_stop = after.into_iter().collect();
        self
    }

    /// Sets how often a name given to [`connect_all`](crate::Client::connect_all) is resolved;
    /// `None` to resolve it only when one of its connections has ended. Default: 30 s, the time for
    /// which the name server of Kubernetes permits caching. (libzmq has no such option.)
    ///
    /// The name is also resolved whenever one of its connections has ended. At least a second
    /// passes between two successful resolutions.
    pub fn resolve_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.options.resolve_interval = interval.into();
        self
    }

    /// Sets the resolver of host names. Default: the resolver of the system, which libzmq always
    /// uses.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Client, Resolver};
    ///
    /// async fn connect(resolver: impl Resolver) -> Result<Client, tokio_zmtp::ConnectError> {
    ///     Client::builder().resolver(resolver).connect("tcp://backend:5555").await
    /// }
    /// ```
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.options.tcp.resolver = NameResolver(Some(Arc::new(resolver)));
        self
    }
}
