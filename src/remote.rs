//! The other end of a connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::identity::Identity;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

use crate::connection_id::ConnectionId;
use crate::platform::ProcessCredentials;
use crate::quota::Quotas;
use crate::routing_id::RoutingId;
use crate::stats::{Counters, RemoteStats};

/// The other end of one connection that has completed its handshake.
///
/// An endpoint of `udp` is one remote while its socket is open, because datagrams have no
/// connection: see [Datagrams](crate::guide::endpoints#datagrams).
///
/// Clones are cheap: they share one allocation. A `Remote` remains valid after the connection has
/// ended.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, Server, SocketType};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// let client = Client::builder()
///     .metadata("X-Tenant", "blue")?
///     .connect(endpoint)
///     .await?;
///
/// client.send("hello").await?;
/// let (message, remote) = server.recv_from().await?;
/// assert_eq!(remote.socket_type(), Some(SocketType::Client));
/// assert_eq!(remote.property("X-Tenant"), Some(&b"blue"[..]));
/// assert_eq!(remote.routing_id(), message.routing_id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    description: Description,
    reconnects: u64,
    counters: Counters,
    quotas: Arc<Quotas>,
}

/// The origin or destination of a stream, as far as its transport knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) address: Option<SocketAddr>,
    pub(crate) credentials: Option<ProcessCredentials>,
    /// The address of the proxy that forwards the connection, if `address` is that of its client.
    pub(crate) proxy_address: Option<SocketAddr>,
}

/// The properties of a remote.
pub(crate) struct Description {
    pub(crate) connection_id: ConnectionId,
    pub(crate) routing_id: Option<RoutingId>,
    /// The identity that the remote announced; `None` for the empty one. Boxed, because few remotes
    /// announce one.
    pub(crate) identity: Option<Box<Identity>>,
    pub(crate) endpoint: Endpoint,
    pub(crate) origin: Origin,
    pub(crate) socket_type: Option<SocketType>,
    /// The metadata that the remote announced.
    pub(crate) metadata: Metadata,
    pub(crate) user_id: Option<String>,
    /// The properties that the authenticator granted.
    pub(crate) granted: Metadata,
}

impl Remote {
    /// `reconnects` is the number of earlier connections to the same endpoint, whose quotas these
    /// are.
    pub(crate) fn new(description: Description, reconnects: u64, quotas: Arc<Quotas>) -> Self {
        Self(Arc::new(Inner { description, reconnects, counters: Counters::default(), quotas }))
    }

    /// Returns the id of the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// println!("{} of {} remotes", remote.connection_id(), server.remotes().len());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.0.description.connection_id
    }

    /// Returns the routing id of the remote on a [`Server`](crate::Server) or
    /// [`Peer`](crate::Peer); `None` for other sockets.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// for id in server.remotes().iter().filter_map(|remote| remote.routing_id()) {
    ///     server.try_route(id, "restarting in a minute")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn routing_id(&self) -> Option<RoutingId> {
        self.0.description.routing_id
    }

    /// Returns the identity that the remote announced; `None` if it announced none, or an empty
    /// one. (RFC 37, The Identity Property; libzmq `Routing-Id`.)
    ///
    /// A remote can announce any identity. Use an [authenticator](crate::auth::Authenticator) to
    /// verify it.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(pull: tokio_zmtp::Pull) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = pull.recv_from().await?;
    /// if let Some(identity) = remote.identity() {
    ///     println!("received from {identity}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.0.description.identity.as_deref()
    }

    /// Returns the endpoint of this socket through which the connection was accepted or dialed.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// println!("received through {}", remote.endpoint());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.description.endpoint
    }

    /// Returns the network address of the remote; `None` over `ipc` and `inproc`. (libzmq
    /// `Peer-Address`.)
    ///
    /// Behind a proxy that sends the header of the PROXY protocol, it is the address in that
    /// header: see [`Builder::proxy_protocol`](crate::Builder::proxy_protocol).
    ///
    /// Over `udp`, a [`Dish`](crate::Dish) does not record the addresses of senders, and it is
    /// `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// let is_local = remote.address().is_none_or(|address| address.ip().is_loopback());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.description.origin.address
    }

    /// Returns the network address of the proxy that forwards the connection; `None` over `ipc`,
    /// and if [`address`](Self::address) is not from a header of the PROXY protocol.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// for remote in server.remotes() {
    ///     println!("{:?} through the proxy {:?}", remote.address(), remote.proxy_address());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn proxy_address(&self) -> Option<SocketAddr> {
        self.0.description.origin.proxy_address
    }

    /// Returns the credentials of the process of the remote, or of its proxy, as the system reports
    /// them; `None` except over `ipc`. (libzmq `Peer-Address`, which contains them over `ipc`.)
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// let is_root = remote.credentials().is_some_and(|process| process.uid == 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn credentials(&self) -> Option<ProcessCredentials> {
        self.0.description.origin.credentials
    }

    /// Returns the certificate of a remote over TLS, in DER format (RFC 5280); `None` if it has
    /// none. TLS has verified it. With the feature `tls` only.
    ///
    /// It is also the granted property `Tls-Certificate`.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// let has_certificate = remote.certificate().is_some();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.granted_property(TLS_CERTIFICATE)
    }

    /// Returns the socket type that the remote announced; `None` if it announced none. (RFC 37, The
    /// Socket-Type Property.)
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::SocketType;
    ///
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// assert_eq!(remote.socket_type(), Some(SocketType::Client));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn socket_type(&self) -> Option<SocketType> {
        self.0.description.socket_type
    }

    /// Returns the user id that the authenticator granted; `None` if it granted none, or if
    /// there is no authenticator. (libzmq `User-Id`.)
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (request, remote) = server.recv_from().await?;
    /// if remote.user_id() != Some("alice") {
    ///     server.reply(&request, "only alice may do this").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.0.description.user_id.as_deref()
    }

    /// Returns a property that the authenticator granted, or otherwise one that the remote
    /// announced. The case of the name does not matter (RFC 37, Connection Metadata).
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// let tenant = remote.property("X-Tenant").unwrap_or(b"unknown");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        let Description { metadata, granted, .. } = &self.0.description;
        granted.value(name).or_else(|| metadata.value(name))
    }

    /// Returns a property that the authenticator granted. Properties that the remote announced
    /// are ignored.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, remote) = server.recv_from().await?;
    /// let is_admin = remote.granted_property("role") == Some(&b"admin"[..]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn granted_property(&self, name: &str) -> Option<&[u8]> {
        self.0.description.granted.value(name)
    }

    /// Iterates over the names and values of all properties: first those that the authenticator
    /// granted, then those that the remote announced, in its order.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// for remote in server.remotes() {
    ///     for (name, value) in remote.properties() {
    ///         println!("{name}: {}", value.escape_ascii());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn properties(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let Description { metadata, granted, .. } = &self.0.description;
        granted.iter().chain(metadata.iter()).map(|property| (property.name, property.value))
    }

    /// Returns the memory of its properties in bytes.
    pub(crate) fn kept(&self) -> usize {
        let Description { metadata, granted, .. } = &self.0.description;
        metadata.encoded_len() + granted.encoded_len()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Returns the quotas for log lines of its endpoint.
    pub(crate) fn quotas(&self) -> &Quotas {
        &self.0.quotas
    }

    /// Returns the statistics without the queues.
    pub(crate) fn stats(&self) -> RemoteStats {
        RemoteStats { reconnects: self.0.reconnects, ..self.0.counters.read() }
    }
}

impl Origin {
    /// Returns the origin of a connection that this proxy forwards.
    pub(crate) const fn of_client(self, address: SocketAddr) -> Self {
        Self { address: Some(address), proxy_address: self.address, ..self }
    }
}

impl From<SocketAddr> for Origin {
    fn from(address: SocketAddr) -> Self {
        Self { address: Some(address), ..Self::default() }
    }
}

/// Two remotes are equal if they belong to the same connection of the same socket.
impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Remote {}

/// Shows the ids and addresses of the remote. Properties may be secret and are omitted.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("connection_id", &self.connection_id())
            .field("routing_id", &self.routing_id())
            .field("identity", &self.identity())
            .field("endpoint", self.endpoint())
            .field("address", &self.address())
            .field("proxy_address", &self.proxy_address())
            .field("credentials", &self.credentials())
            .field("socket_type", &self.socket_type())
            .finish_non_exhaustive()
    }
}

/// The property by which a DISH announces that it accepts PING and PONG, which end the connections
/// of other implementations.
pub(crate) const ACCEPTS_PING: &str = "X-Accepts-Ping";

/// The property by which a REP announces with `0` that it may leave a message without a reply, and
/// reply in any order. A REP of another implementation replies to each message in turn.
pub(crate) const LOCK_STEP: &str = "X-Lock-Step";

/// The granted property that contains the certificate of a remote over TLS.
#[cfg(feature = "tls")]
pub(crate) const TLS_CERTIFICATE: &str = "Tls-Certificate";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn it_is_shared_and_equal_to_itself_only() {
        let remote = any_remote();
        assert_eq!(remote.clone(), remote);
        assert_ne!(any_remote(), remote);
    }

    #[test]
    fn its_properties_are_found_and_not_shown() {
        let remote = any_remote();
        assert_eq!(remote.property("x-secret"), Some(&b"hidden"[..]));
        assert_eq!(remote.properties().next(), Some(("X-Secret", &b"hidden"[..])));
        assert!(!format!("{remote:?}").contains("hidden"));
    }

    /// Creates a remote with arbitrary properties.
    pub(crate) fn any_remote() -> Remote {
        remote_with_id(ConnectionId::FIRST)
    }

    /// Creates a remote with this id.
    pub(crate) fn remote_with_id(connection_id: ConnectionId) -> Remote {
        remote_with_secret(connection_id, b"hidden")
    }

    /// Creates a remote with this id and property.
    pub(crate) fn remote_with_secret(connection_id: ConnectionId, secret: &[u8]) -> Remote {
        let mut metadata = Metadata::default();
        metadata.push("X-Secret", secret).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let description = Description {
            connection_id,
            routing_id: None,
            identity: None,
            endpoint: address.into(),
            origin: address.into(),
            socket_type: None,
            metadata,
            user_id: None,
            granted: Metadata::default(),
        };
        Remote::new(description, 0, Arc::default())
    }
}
