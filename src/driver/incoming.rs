//! Accepted remotes before and during their handshake.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::Span;
use zmtp_proto::endpoint::Endpoint;

#[cfg(feature = "ws")]
use crate::auth::Admission;
use crate::connection::AnnouncedHandshake;
use crate::connection_id::ConnectionId;
use crate::inproc::Dial;
use crate::options::Options;
use crate::remote::Origin;
#[cfg(feature = "ws")]
use crate::transport::websocket::UpgradeRequest;
use crate::transport::{DetachedStream, RemoteStream, Stream};

/// A remote before or during its handshake.
#[derive(Debug)]
pub(super) enum Incoming {
    Attached(Box<AttachedStream>),
    HandOver(HandOver),
    Inproc(Dial),
    Stream(Stream, Origin),
    /// It connected to a port that several sockets serve, or can serve.
    SharedPort(Stream, Origin, PortId),
}

/// The address of a port, whose allocation identifies the port from its first service to its last.
/// A port that is opened later at the same address may have other security settings.
#[derive(Clone, Debug)]
pub(super) struct PortId(Arc<SocketAddr>);

/// A stream that the application attaches.
#[derive(Debug)]
pub(crate) struct AttachedStream {
    pub(crate) stream: RemoteStream,
    /// Answered when the connection has an id.
    pub(crate) done: oneshot::Sender<ConnectionId>,
}

/// A remote that requests a resource or a path.
#[derive(Debug)]
pub(super) struct HandOver {
    /// Boxed, because each connection reserves space for it.
    pub(super) request: Box<HandedOver>,
    pub(super) origin: Origin,
    /// The span of its connection before the hand-over.
    pub(super) span: Span,
}

/// A request for another socket at the port.
#[derive(Debug)]
pub(super) enum HandedOver {
    Handshake(AnnouncedHandshake<DetachedStream>),
    /// With what TLS has verified.
    #[cfg(feature = "ws")]
    Upgrade(UpgradeRequest<DetachedStream>, Admission),
}

impl PortId {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(Arc::new(address))
    }

    pub(super) fn address(&self) -> SocketAddr {
        *self.0
    }

    /// Returns whether both are the same port.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl HandedOver {
    /// Returns the requested resource or path.
    pub(super) fn resource(&self) -> Option<&[u8]> {
        match self {
            Self::Handshake(request) => request.resource(),
            #[cfg(feature = "ws")]
            Self::Upgrade(request, _) => Some(request.path().as_bytes()),
        }
    }

    /// Returns the request for a resource.
    pub(super) fn into_handshake(self) -> AnnouncedHandshake<DetachedStream> {
        match self {
            Self::Handshake(request) => request,
            #[cfg(feature = "ws")]
            Self::Upgrade(..) => unreachable!("the services of a port have one protocol"),
        }
    }

    /// Returns the request for a path, and what TLS has verified.
    #[cfg(feature = "ws")]
    pub(super) fn into_upgrade(self) -> (UpgradeRequest<DetachedStream>, Admission) {
        match self {
            Self::Upgrade(request, admission) => (request, admission),
            Self::Handshake(_) => unreachable!("the services of a port have one protocol"),
        }
    }
}

impl Incoming {
    /// Returns whether a header of the PROXY protocol is read first.
    pub(super) fn is_proxied(&self, options: &Options) -> bool {
        let (Self::Stream(stream, origin) | Self::SharedPort(stream, origin, _)) = self else {
            return false;
        };
        match (stream, origin.address) {
            (Stream::Tcp(_), Some(address)) => {
                options.proxy_protocol.iter().any(|network| network.contains(address.ip()))
            }
            (Stream::Tcp(_), None) | (Stream::Boxed(_), _) => false,
            #[cfg(feature = "ws")]
            (Stream::Closing(_), _) => false,
            (Stream::Ipc(_), _) => options.ipc.proxy_protocol,
        }
    }

    /// Returns the endpoint of the remote, if it is not that of its listener.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Attached(attached) => Some(attached.stream.endpoint.clone().into()),
            _ => None,
        }
    }

    /// Returns the address of a stream that a listener has accepted.
    pub(super) fn address_of_stream(&self) -> Option<IpAddr> {
        match self {
            Self::Stream(_, origin) | Self::SharedPort(_, origin, _) => {
                origin.address.map(|address| address.ip())
            }
            Self::Attached(_) | Self::HandOver(_) | Self::Inproc(_) => None,
        }
    }

    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Attached(attached) => attached.stream.origin(),
            Self::HandOver(call) => call.origin,
            Self::Inproc(_) => Origin::default(),
            Self::Stream(_, origin) | Self::SharedPort(_, origin, _) => *origin,
        }
    }
}
