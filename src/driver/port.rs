//! TCP ports at which several sockets of this process serve one resource each (RFC 37, The Resource
//! Property), or one path each over WebSockets.
//!
//! Each socket at a port accepts connections through its own listener: the first has bound it, and
//! the others are duplicates. The sockets may run in different runtimes, and the port is free when
//! the last of them has ended. The socket that accepts a connection at a shared port receives the
//! request for a resource, and hands the connection over to the socket that serves this resource,
//! as soon as there is one. A request for a path that no socket serves is refused immediately, as
//! HTTP servers do.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, LazyLock};

use tokio::sync::{Notify, mpsc};
#[cfg(feature = "ws")]
use zmtp_proto::endpoint::WebSocketEndpoint;
use zmtp_proto::endpoint::{Endpoint, TcpEndpoint, resolved};

use super::incoming::{HandOver, Incoming, PortId};
use crate::auth::{AuditHook, Mechanism, Network, SharedAuthenticator};
use crate::options::Options;
#[cfg(all(feature = "tls", feature = "ws"))]
use crate::options::TlsServer;
use crate::sync::Lock;
use crate::transport::{ListenError, StreamListener};

/// A resource that a socket serves at a port, until this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    port: PortId,
    resource: Option<Box<str>>,
    /// The bound endpoint.
    local: Endpoint,
    listener: Arc<StreamListener>,
    /// [`PORTS`] holds the sender.
    calls: mpsc::Receiver<HandOver>,
}

/// The reason why a port cannot be served.
#[derive(Debug)]
pub(super) enum PortError {
    /// The socket's mechanism announces the socket before the remote requests a resource.
    ResourceNeedsServerRole,
    Listen(ListenError),
    /// The sockets at the port have different security settings.
    SecurityMismatch,
}

impl Service {
    /// Binds the port of a `tcp` endpoint, or joins the sockets that serve other resources there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    pub(super) async fn bind(endpoint: &TcpEndpoint, options: &Options) -> Result<Self, PortError> {
        let resource = endpoint.resource();
        if resource.is_some() && !options.mechanism.can_defer_introduction() {
            return Err(PortError::ResourceNeedsServerRole);
        }
        let security = PortSecurity::of_tcp(options);
        Self::open(&endpoint.clone().into(), endpoint, resource, security, options).await
    }

    /// Binds the port of a `ws` or `wss` endpoint, or joins the sockets that serve other paths there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    #[cfg(feature = "ws")]
    pub(super) async fn bind_websocket(
        endpoint: &WebSocketEndpoint,
        options: &Options,
    ) -> Result<Self, PortError> {
        let security = PortSecurity::of_websocket(endpoint, options);
        let path = Some(endpoint.path());
        Self::open(&endpoint.clone().into(), endpoint.tcp(), path, security, options).await
    }

    async fn open(
        endpoint: &Endpoint,
        tcp: &TcpEndpoint,
        resource: Option<&str>,
        security: PortSecurity,
        options: &Options,
    ) -> Result<Self, PortError> {
        let (calls_tx, calls) = mpsc::channel(CALLS);
        let mut differs = false;
        let mut open = |address| {
            let mut ports = PORTS.lock();
            let services = ports.get(&address).map(|port| &port.services);
            let listener = match services {
                // It must not be bound to another address of the name instead.
                _ if differs => Err(io::ErrorKind::AddrInUse.into()),
                None => StreamListener::listen(address, &options.tcp),
                Some(services) if services.iter().any(|one| one.resource() == resource) => {
                    Err(io::ErrorKind::AddrInUse.into())
                }
                Some(services) => match services.first() {
                    Some(first) if first.security.matches(&security) => {
                        first.listener.duplicate(&options.tcp)
                    }
                    Some(first) if !first.security.protocol.is(&security.protocol) => {
                        Err(io::ErrorKind::AddrInUse.into())
                    }
                    _ => {
                        differs = true;
                        Err(io::ErrorKind::AddrInUse.into())
                    }
                },
            };
            let (listener, address) = listener?;
            let listener = Arc::new(listener);
            let entry = PortEntry {
                resource: resource.map(Box::from),
                security: security.clone(),
                listener: Arc::clone(&listener),
                calls: calls_tx.clone(),
            };
            let port = ports.entry(address).or_insert_with(|| Port::new(address));
            port.services.push(entry);
            Ok((listener, port.id.clone()))
        };
        let opened = StreamListener::bind_tcp(tcp, &options.tcp, &mut open).await;
        match opened {
            Ok((listener, port)) => {
                SERVED.notify_waiters();
                let local = resolved(endpoint, port.address());
                Ok(Self { port, resource: resource.map(Box::from), local, listener, calls })
            }
            Err(_) if differs => Err(PortError::SecurityMismatch),
            Err(error) => Err(PortError::Listen(error)),
        }
    }

    /// Waits for the next remote.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no remote.
    ///
    /// # Errors
    ///
    /// See [`StreamListener::accept`].
    pub(super) async fn accept(&mut self) -> io::Result<Incoming> {
        tokio::select! {
            Some(call) = self.calls.recv() => Ok(Incoming::HandOver(call)),
            accepted = self.listener.accept() => {
                let (stream, origin) = accepted?;
                Ok(if self.is_alone() {
                    Incoming::Stream(stream, origin)
                } else {
                    Incoming::SharedPort(stream, origin, self.port.clone())
                })
            }
        }
    }

    /// Returns the bound endpoint.
    pub(super) const fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }

    /// Returns whether this service is the only one at the port.
    fn is_alone(&self) -> bool {
        self.resource.is_none()
            && PORTS.lock().get(&self.port.address()).is_none_or(|port| port.services.len() == 1)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let mut ports = PORTS.lock();
        let Some(port) = ports.get_mut(&self.port.address()) else { return };
        port.services.retain(|one| one.resource != self.resource);
        if port.services.is_empty() {
            ports.remove(&self.port.address());
        }
    }
}

impl HandOver {
    /// Hands a remote over to the service for its resource; waits until there is one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the connection.
    pub(super) async fn hand_over(mut self, port: &PortId) {
        loop {
            let service = service(port, self.request.resource()).await;
            match service.send(self).await {
                Ok(()) => return,
                // The service ended first.
                Err(mpsc::error::SendError(call)) => self = call,
            }
        }
    }

    /// Hands a remote over to the service for its path.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the connection.
    ///
    /// # Errors
    ///
    /// The remote, if there is no such service.
    #[cfg(feature = "ws")]
    pub(super) async fn hand_over_at_once(self, port: &PortId) -> Result<(), Self> {
        match find_service(port, self.request.resource()) {
            Some(service) => service.send(self).await.map_err(|mpsc::error::SendError(call)| call),
            None => Err(self),
        }
    }
}

/// Finds a service; waits for it if necessary.
async fn service(port: &PortId, resource: Option<&[u8]>) -> mpsc::Sender<HandOver> {
    loop {
        let mut served = pin!(SERVED.notified());
        // From here on, no notification is missed.
        served.as_mut().enable();
        match find_service(port, resource) {
            Some(calls) => return calls,
            None => served.await,
        }
    }
}

fn find_service(port: &PortId, resource: Option<&[u8]>) -> Option<mpsc::Sender<HandOver>> {
    let is_asked_for = |one: &&PortEntry| one.resource().map(str::as_bytes) == resource;
    let ports = PORTS.lock();
    let open = ports.get(&port.address()).filter(|open| open.id.is(port))?;
    let service = open.services.iter().find(is_asked_for)?;
    (!service.calls.is_closed()).then(|| service.calls.clone())
}

/// An open port in [`PORTS`].
#[derive(Debug)]
struct Port {
    id: PortId,
    /// Never empty.
    services: Vec<PortEntry>,
}

impl Port {
    fn new(address: SocketAddr) -> Self {
        Self { id: PortId::new(address), services: Vec::new() }
    }
}

/// The entry of a service in [`PORTS`].
#[derive(Debug)]
struct PortEntry {
    resource: Option<Box<str>>,
    security: PortSecurity,
    listener: Arc<StreamListener>,
    calls: mpsc::Sender<HandOver>,
}

impl PortEntry {
    fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }
}

/// The settings that all services of a port must share, because the accepting socket applies them.
#[derive(Clone, Debug)]
struct PortSecurity {
    proxy_protocol: Arc<[Network]>,
    protocol: PortProtocol,
}

/// The protocol of a port, with what the accepting socket does before a hand-over.
#[derive(Clone, Debug)]
enum PortProtocol {
    /// It authenticates the remote.
    Zmtp {
        mechanism: Mechanism,
        authenticator: Option<SharedAuthenticator>,
        audit: Option<AuditHook>,
        domain: Arc<str>,
    },
    /// It reads the request; each service answers it, and authenticates the remote.
    #[cfg(feature = "ws")]
    WebSocket,
    /// The same, after TLS.
    #[cfg(all(feature = "tls", feature = "ws"))]
    SecureWebSocket(Option<TlsServer>),
}

impl PortSecurity {
    fn of_tcp(options: &Options) -> Self {
        let protocol = PortProtocol::Zmtp {
            mechanism: options.mechanism.clone(),
            authenticator: options.authenticator.clone(),
            audit: options.audit.clone(),
            domain: Arc::clone(&options.domain),
        };
        Self { proxy_protocol: Arc::from(&*options.proxy_protocol), protocol }
    }

    #[cfg(feature = "ws")]
    fn of_websocket(endpoint: &WebSocketEndpoint, options: &Options) -> Self {
        let protocol = match endpoint.is_encrypted() {
            #[cfg(feature = "tls")]
            true => PortProtocol::SecureWebSocket(options.tls.server.clone()),
            _ => PortProtocol::WebSocket,
        };
        Self { proxy_protocol: Arc::from(&*options.proxy_protocol), protocol }
    }

    fn matches(&self, other: &Self) -> bool {
        self.proxy_protocol == other.proxy_protocol && self.protocol.matches(&other.protocol)
    }
}

impl PortProtocol {
    fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Zmtp { mechanism, authenticator, audit, domain },
                Self::Zmtp {
                    mechanism: others,
                    authenticator: others_too,
                    audit: others_audit,
                    domain: others_domain,
                },
            ) => {
                let is_asked = match (authenticator, others_too) {
                    (Some(one), Some(other)) => one.is(other),
                    (None, None) => true,
                    _ => false,
                };
                let is_audited = match (audit, others_audit) {
                    (Some(one), Some(other)) => one.is(other),
                    (None, None) => true,
                    _ => false,
                };
                is_asked && is_audited && mechanism == others && domain == others_domain
            }
            #[cfg(feature = "ws")]
            (Self::WebSocket, Self::WebSocket) => true,
            #[cfg(all(feature = "tls", feature = "ws"))]
            (Self::SecureWebSocket(Some(one)), Self::SecureWebSocket(Some(other))) => one.is(other),
            #[cfg(feature = "ws")]
            _ => false,
        }
    }

    /// Returns whether other services of the same protocol can share the port.
    fn is(&self, other: &Self) -> bool {
        mem::discriminant(self) == mem::discriminant(other)
    }
}

/// The bound ports by their address, with their services.
static PORTS: LazyLock<Lock<HashMap<SocketAddr, Port>>> = LazyLock::new(Lock::default);

/// Notified whenever there is a new service. All waiting remotes check whether it is theirs.
/// Services are rarely bound.
static SERVED: Notify = Notify::const_new();

/// The number of remotes that may wait for a service. Further ones wait for a free slot.
const CALLS: usize = 64;
