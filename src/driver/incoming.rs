//! Accepted remotes before and during their handshake.

use std::net::SocketAddr;

use tracing::Span;

use crate::connection::AnnouncedHandshake;
use crate::inproc::Dial;
use crate::options::Options;
use crate::remote::Origin;
use crate::transport::{DetachedStream, Stream};

/// A remote before or during its handshake.
#[derive(Debug)]
pub(super) enum Incoming {
    HandOver(HandOver),
    Inproc(Dial),
    Stream(Stream, Origin),
    /// It connected to a port that several sockets serve.
    SharedPort(Stream, Origin, SocketAddr),
}

/// A remote that requests a resource.
#[derive(Debug)]
pub(super) struct HandOver {
    pub(super) request: Box<AnnouncedHandshake<DetachedStream>>,
    pub(super) origin: Origin,
    /// The span of its connection before the hand-over.
    pub(super) span: Span,
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
            (Stream::Tcp(_), None) => false,
            #[cfg(unix)]
            (Stream::Ipc(_), _) => options.ipc.proxy_protocol,
        }
    }

    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::HandOver(call) => call.origin,
            Self::Inproc(_) => Origin::default(),
            Self::Stream(_, origin) | Self::SharedPort(_, origin, _) => *origin,
        }
    }
}
