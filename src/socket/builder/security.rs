//! Options for security: authentication, encryption and limits on handshakes.

use std::sync::Arc;

use super::Builder;
use crate::auth::{AuditEvent, AuditHook, Authenticator, Mechanism, Network, SharedAuthenticator};
use crate::options::Options;

/// # Security
///
/// ```
/// use tokio_zmtp::auth::{CurveKeypair, Keys};
/// use tokio_zmtp::{Mechanism, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let alice = CurveKeypair::generate();
/// let server = Server::builder()
///     .mechanism(Mechanism::curve_server(CurveKeypair::generate()))
///     .authenticator(Keys::from_iter([(alice.public_key(), "alice")]))
///     .domain("orders")
///     .max_half_open(1_000)
///     .max_half_open_per_address(10)
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets a function that receives each decision about a remote. Default: none. (In libzmq, the
    /// ZAP handler and the monitor each see a part of it.)
    ///
    /// It is called exactly once for each connection whose remote is admitted or not admitted, and
    /// again when an admission was [revoked](crate::auth::Revocation) and its connection has ended,
    /// if this socket decides that: with [`Mechanism::PlainServer`] and [`Mechanism::CurveServer`],
    /// and with [`Mechanism::Null`] if there is an [`authenticator`](Self::authenticator). It is
    /// not called in the client's role, for remotes over `inproc`, which are not authenticated, and
    /// for a handshake that the end of its endpoint cancels.
    ///
    /// The function is called in the task of the connection, before the first message of the remote
    /// is received, and in that of the listener for a connection that is refused before its
    /// handshake, because too many are in progress. There is no queue that could lose an event: the
    /// task waits until it returns. It must not block, because other connections of the thread
    /// wait, too. If it panics, the panic is logged, and the connection continues.
    ///
    /// Sockets that share a port must have the same function: see [`security_of`](Self::security_of).
    /// The same events are logged with the target `tokio_zmtp::audit`: see
    /// [Audit](crate::guide::observability#audit).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::{AuditOutcome, CurveKeypair, Keys};
    /// use tokio_zmtp::{Mechanism, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (audit, mut records) = tokio::sync::mpsc::unbounded_channel();
    /// let server = Server::builder()
    ///     .mechanism(Mechanism::curve_server(CurveKeypair::generate()))
    ///     .authenticator(Keys::new())
    ///     .audit(move |event| {
    ///         let record = match &event.outcome {
    ///             AuditOutcome::Admitted => format!("{:?} {:?}", event.user_id, event.claimant),
    ///             outcome => format!("{outcome:?} {:?}", event.address),
    ///         };
    ///         let _ = audit.send(record);
    ///     })
    ///     .bind("tcp://127.0.0.1:*")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn audit(mut self, hook: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        self.options.audit = Some(AuditHook::new(hook));
        self
    }

    /// Sets the authenticator that admits remotes. Default: none. (libzmq: the ZAP handler, RFC
    /// 27.)
    ///
    /// It decides about the clients of [`Mechanism::PlainServer`] and [`Mechanism::CurveServer`],
    /// and about all remotes of [`Mechanism::Null`]. These mechanisms document their behavior
    /// without an authenticator. Remotes over `inproc` are not authenticated, because both sockets
    /// belong to this process.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.options.authenticator = Some(SharedAuthenticator::new(authenticator));
        self
    }

    /// Sets a name by which an authenticator of several sockets recognizes this one. Default:
    /// empty. (libzmq `ZMQ_ZAP_DOMAIN`.)
    pub fn domain(mut self, domain: impl Into<Arc<str>>) -> Self {
        self.options.domain = domain.into();
        self
    }

    /// Sets how many handshakes may be in progress at each bound endpoint; zero for any number.
    /// Default: 4,096. (libzmq has no such option.)
    ///
    /// Above the limit, the address with the most handshakes loses the oldest of them. Honest
    /// remotes finish quickly, so that neither idle connections nor many connections from a few
    /// addresses keep others out. If at least half of the handshakes of this address wait for the
    /// processor, its newest connections are refused instead. All addresses with the same first 64
    /// bits of IPv6 count as one. Each handshake takes less than 8 KiB, with TLS less than 24 KiB,
    /// and up to 64 KiB more if its remote sends that much.
    ///
    /// Handshakes take turns with each other and with established connections, and no address has
    /// more than its share of them. If no file descriptor is left for another connection, the limit
    /// counts as exceeded. The default therefore needs no change to resist floods. A lower limit
    /// saves memory and file descriptors.
    pub fn max_half_open(mut self, connections: usize) -> Self {
        self.options.max_half_open = connections;
        self
    }

    /// Sets how many handshakes from one network address may be in progress at each bound endpoint;
    /// zero for any number. Default: 4,096, because many clients may share an address. (libzmq has
    /// no such option.)
    ///
    /// Above the limit, the oldest handshake from that address is dropped, or its newest connection
    /// is refused, as above [`max_half_open`](Self::max_half_open). All addresses with the same
    /// first 64 bits of IPv6 count as one. Remotes without a network address are not limited.
    pub fn max_half_open_per_address(mut self, connections: usize) -> Self {
        self.options.max_half_open_per_address = connections;
        self
    }

    /// Sets the security mechanism. All remotes must use the same mechanism in the other role.
    /// Default: [`Mechanism::Null`]. (libzmq `ZMQ_PLAIN_SERVER`, `ZMQ_CURVE_SERVER` and similar
    /// options.)
    pub fn mechanism(mut self, mechanism: Mechanism) -> Self {
        self.options.mechanism = mechanism;
        self
    }

    /// Sets the networks of proxies, such as HAProxy or Envoy, that send a header of the [PROXY
    /// protocol](https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt), version 1 or 2, at
    /// the beginning of each connection over TCP. Default: none. (libzmq has no such option.)
    ///
    /// The address in the header is then used as that of the remote: in
    /// [`Remote::address`](crate::Remote::address), for the [`authenticator`](Self::authenticator)
    /// and its lists of networks, for
    /// [`max_half_open_per_address`](Self::max_half_open_per_address), in events and in the log.
    /// [`Remote::proxy_address`](crate::Remote::proxy_address) returns the address of the proxy.
    ///
    /// - From these networks the header is **required**: a connection without one is refused with
    ///   [`HandshakeFailure::ProxyHeader`](crate::monitor::HandshakeFailure::ProxyHeader), because
    ///   guessing would let a client of the proxy claim any address.
    /// - From all other networks a header is refused, like everything that is not ZMTP. Name only
    ///   the addresses of the proxies, not networks that also contain clients.
    /// - A header that marks the connection as the proxy's own (`LOCAL`, `UNKNOWN`), or that has no
    ///   network address, leaves the address unchanged.
    /// - The header is read before anything else, within
    ///   [`handshake_interval`](Self::handshake_interval), up to 107 bytes in version 1 and 4,096
    ///   in version 2. Additional fields are skipped. Until the header has been read, the
    ///   connection counts as half-open, without an address.
    ///
    /// Connections that this socket dials are not affected. Sockets that share a port must have the
    /// same networks.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In the configuration of HAProxy: `server backend 10.0.0.7:5555 send-proxy-v2`
    /// let server = Server::builder()
    ///     .proxy_protocol(["10.0.0.2".parse()?, "10.0.0.3".parse()?])
    ///     .bind("tcp://127.0.0.1:*")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn proxy_protocol(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.options.proxy_protocol = networks.into_iter().collect();
        self
    }

    /// Copies the security settings of another builder, whose socket type may differ:
    /// [`mechanism`](Self::mechanism), [`authenticator`](Self::authenticator),
    /// [`audit`](Self::audit), [`domain`](Self::domain), [`proxy_protocol`](Self::proxy_protocol),
    /// and those of TLS. Sockets that [share a port](crate::guide::endpoints#resources) must have
    /// the same security settings.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::{CurveKeypair, Keys};
    /// use tokio_zmtp::{Mechanism, Pub, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    /// let calls = Server::builder()
    ///     .mechanism(Mechanism::curve_server(CurveKeypair::generate()))
    ///     .authenticator(Keys::new())
    ///     .audit(|event| println!("{:?}", event.outcome));
    /// let events = Pub::builder().security_of(&calls);
    ///
    /// let calls = calls.bind(format!("tcp://127.0.0.1:{port}/calls")).await?;
    /// let events = events.bind(format!("tcp://127.0.0.1:{port}/events")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn security_of<T>(mut self, other: &Builder<T>) -> Self {
        let Options { audit, authenticator, domain, mechanism, proxy_protocol, .. } =
            other.options.clone();
        self.options =
            Options { audit, authenticator, domain, mechanism, proxy_protocol, ..self.options };
        #[cfg(feature = "tls")]
        self.options.tls.clone_from(&other.options.tls);
        self
    }
}
