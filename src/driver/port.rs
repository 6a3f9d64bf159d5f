//! TCP ports at which several sockets of this process serve one resource each (RFC 37, The Resource
//! Property).
//!
//! Each socket at a port accepts connections through its own listener: the first has bound it, and
//! the others are duplicates. The sockets may run in different runtimes, and the port is free when
//! the last of them has ended. The socket that accepts a connection at a shared port receives the
//! request for a resource, and hands the connection over to the socket that serves this resource,
//! as soon as there is one.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, LazyLock};

use tokio::sync::{Notify, mpsc};
use zmtp_proto::endpoint::{Endpoint, TcpEndpoint, resolved};
use zmtp_proto::mechanism::Mechanism;

use super::incoming::{HandOver, Incoming};
use crate::auth::{Network, SharedAuthenticator};
use crate::options::Options;
use crate::sync::Lock;
use crate::transport::{ListenError, StreamListener};

/// A resource that a socket serves at a port, until this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    port: SocketAddr,
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
    /// Binds a port, or joins the sockets that serve other resources there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    pub(super) async fn bind(endpoint: &TcpEndpoint, options: &Options) -> Result<Self, PortError> {
        let resource = endpoint.resource();
        let security = PortSecurity::of(options);
        if resource.is_some() && !security.mechanism.can_defer_introduction() {
            return Err(PortError::ResourceNeedsServerRole);
        }
        let (calls_tx, calls) = mpsc::channel(CALLS);
        let mut differs = false;
        let mut open = |address| {
            let mut ports = PORTS.lock();
            let listener = match ports.get(&address) {
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
                    _ => {
                        differs = true;
                        Err(io::ErrorKind::AddrInUse.into())
                    }
                },
            };
            let (listener, port) = listener?;
            let listener = Arc::new(listener);
            let entry = PortEntry {
                resource: resource.map(Box::from),
                security: security.clone(),
                listener: Arc::clone(&listener),
                calls: calls_tx.clone(),
            };
            ports.entry(port).or_default().push(entry);
            Ok((listener, port))
        };
        let opened = StreamListener::bind_tcp(endpoint, &options.tcp, &mut open).await;
        match opened {
            Ok((listener, port)) => {
                SERVED.notify_waiters();
                let local = resolved(&endpoint.clone().into(), port);
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
                    Incoming::SharedPort(stream, origin, self.port)
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
        self.resource.is_none() && PORTS.lock().get(&self.port).is_none_or(|port| port.len() == 1)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let mut ports = PORTS.lock();
        let Some(services) = ports.get_mut(&self.port) else { return };
        services.retain(|one| one.resource != self.resource);
        if services.is_empty() {
            ports.remove(&self.port);
        }
    }
}

impl HandOver {
    /// Hands a remote over to the service for its resource; waits until there is one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the connection.
    pub(super) async fn hand_over(mut self, port: SocketAddr) {
        loop {
            let service = service(port, self.request.resource()).await;
            match service.send(self).await {
                Ok(()) => return,
                // The service ended first.
                Err(mpsc::error::SendError(call)) => self = call,
            }
        }
    }
}

/// Finds a service; waits for it if necessary.
async fn service(port: SocketAddr, resource: Option<&[u8]>) -> mpsc::Sender<HandOver> {
    loop {
        let mut served = pin!(SERVED.notified());
        // From here on, no notification is missed.
        served.as_mut().enable();
        let is_asked_for = |one: &&PortEntry| one.resource().map(str::as_bytes) == resource;
        let calls = PORTS
            .lock()
            .get(&port)
            .and_then(|services| services.iter().find(is_asked_for))
            .map(|one| one.calls.clone());
        match calls {
            Some(calls) if !calls.is_closed() => return calls,
            _ => served.await,
        }
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

/// The settings that all services of a port must share, because the accepting socket authenticates
/// the remote.
#[derive(Clone, Debug)]
struct PortSecurity {
    mechanism: Mechanism,
    authenticator: Option<SharedAuthenticator>,
    domain: Arc<str>,
    proxy_protocol: Arc<[Network]>,
}

impl PortSecurity {
    fn of(options: &Options) -> Self {
        Self {
            mechanism: options.mechanism.clone(),
            authenticator: options.authenticator.clone(),
            domain: Arc::clone(&options.domain),
            proxy_protocol: Arc::from(&*options.proxy_protocol),
        }
    }

    fn matches(&self, other: &Self) -> bool {
        let is_asked = match (&self.authenticator, &other.authenticator) {
            (Some(one), Some(other)) => one.is(other),
            (None, None) => true,
            _ => false,
        };
        is_asked
            && self.mechanism == other.mechanism
            && self.domain == other.domain
            && self.proxy_protocol == other.proxy_protocol
    }
}

/// The bound ports by their address, with their services.
static PORTS: LazyLock<Lock<HashMap<SocketAddr, Vec<PortEntry>>>> = LazyLock::new(Lock::default);

/// Notified whenever there is a new service. All waiting remotes check whether it is theirs.
/// Services are rarely bound.
static SERVED: Notify = Notify::const_new();

/// The number of remotes that may wait for a service. Further ones wait for a free slot.
const CALLS: usize = 64;
