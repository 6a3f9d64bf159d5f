//! What a bound endpoint accepts.

use std::io;

use crate::endpoint::Endpoint;
use crate::inproc::{self, Dial};
use crate::options::Options;
use crate::remote::Origin;
use crate::transport::{self, ListenError, StdListener, Stream};

/// Listens on an endpoint, whatever its transport.
#[derive(Debug)]
pub(crate) enum Acceptor {
    Inproc(inproc::Listener),
    Stream(transport::Listener),
}

/// A remote before its handshake.
#[derive(Debug)]
pub(super) enum Incoming {
    Inproc(Dial),
    Stream(Stream, Origin),
}

impl Acceptor {
    /// Binds an endpoint and starts to listen.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    ///
    /// [`ListenError`] if the endpoint is in use, or the system refuses it.
    pub(crate) async fn bind(endpoint: &Endpoint, options: &Options) -> Result<Self, ListenError> {
        match endpoint {
            Endpoint::Inproc(inproc) => inproc::Listener::bind(inproc, options.tcp.backlog)
                .map(Self::Inproc)
                .map_err(|inproc::InUse| ListenError::in_use(endpoint)),
            stream => transport::Listener::bind(stream, &options.tcp).await.map(Self::Stream),
        }
    }

    /// Goes on with a listener that somebody else has made.
    ///
    /// # Errors
    ///
    /// See [`transport::Listener::adopt`].
    pub(crate) fn adopt(listener: StdListener, options: &Options) -> io::Result<Self> {
        transport::Listener::adopt(listener, &options.tcp).map(Self::Stream)
    }

    /// Waits for the next remote.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no remote.
    ///
    /// # Errors
    ///
    /// Only what concerns this process or machine: see [`transport::Listener::accept`].
    pub(super) async fn accept(&mut self) -> io::Result<Incoming> {
        match self {
            Self::Inproc(listener) => Ok(Incoming::Inproc(listener.accept().await)),
            Self::Stream(listener) => {
                let (stream, origin) = listener.accept().await?;
                Ok(Incoming::Stream(stream, origin))
            }
        }
    }

    /// Returns what is bound, with what was picked for `*`.
    pub(crate) fn local_endpoint(&self) -> Endpoint {
        match self {
            Self::Inproc(listener) => listener.endpoint().clone().into(),
            Self::Stream(listener) => listener.local_endpoint(),
        }
    }
}

impl Incoming {
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Inproc(_) => Origin::default(),
            Self::Stream(_, origin) => *origin,
        }
    }
}
