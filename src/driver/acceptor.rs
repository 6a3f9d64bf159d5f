//! Bound endpoints of any transport.

use std::future;
use std::io;

use tokio::sync::mpsc;
#[cfg(feature = "tls")]
use zmtp_proto::endpoint::resolved;
use zmtp_proto::endpoint::{Endpoint, StreamEndpoint, UdpEndpoint};

use super::incoming::{AttachedStream, Incoming};
use super::port::{PortError, Service};
use crate::error::BindError;
use crate::inproc;
use crate::options::Options;
use crate::platform::StdListener;
use crate::transport::{self, ListenError, udp};

/// Listens on an endpoint of any transport.
#[derive(Debug)]
pub(crate) enum Acceptor {
    /// Takes the streams that the application attaches. The driver has the other end.
    Attached(mpsc::Receiver<Box<AttachedStream>>),
    Inproc(inproc::InprocListener),
    Service(Service),
    Stream(transport::StreamListener),
    /// The streams are encrypted. The endpoint is the bound one.
    #[cfg(feature = "tls")]
    Tls(transport::StreamListener, Endpoint),
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
    /// [`BindError`] if the endpoint is in use, if its port cannot be shared, or if the system
    /// refuses it.
    pub(crate) async fn bind(endpoint: &Endpoint, options: &Options) -> Result<Self, BindError> {
        let endpoint = endpoint.clone();
        match &endpoint {
            Endpoint::Inproc(inproc) => inproc::InprocListener::bind(inproc, options.tcp.backlog)
                .map(Self::Inproc)
                .map_err(|inproc::InUse| BindError::AddrInUse { endpoint }),
            Endpoint::Tcp(tcp) => {
                Self::service(endpoint.clone(), Service::bind(tcp, options).await)
            }
            #[cfg(feature = "ws")]
            Endpoint::WebSocket(websocket) => {
                let bound = Service::bind_websocket(websocket, options).await;
                Self::service(endpoint.clone(), bound)
            }
            #[cfg(feature = "tls")]
            Endpoint::Tls(tls) => {
                let open = |address| transport::StreamListener::listen(address, &options.tcp);
                match transport::StreamListener::bind_tcp(tls.tcp(), &options.tcp, open).await {
                    Ok((listener, address)) => {
                        Ok(Self::Tls(listener, resolved(&endpoint, address)))
                    }
                    Err(error) => Err(bind_error(endpoint, error)),
                }
            }
            _ => match transport::StreamListener::bind(&endpoint, options).await {
                Ok(listener) => Ok(Self::Stream(listener)),
                Err(error) => Err(bind_error(endpoint, error)),
            },
        }
    }

    fn service(endpoint: Endpoint, bound: Result<Service, PortError>) -> Result<Self, BindError> {
        bound.map(Self::Service).map_err(|error| match error {
            PortError::ResourceNeedsServerRole => BindError::ResourceNeedsServerRole { endpoint },
            PortError::SecurityMismatch => BindError::SecurityMismatch { endpoint },
            PortError::Listen(error) => bind_error(endpoint, error),
        })
    }

    /// Adopts a listener that was created elsewhere.
    ///
    /// # Errors
    ///
    /// See [`transport::StreamListener::adopt`].
    pub(crate) fn adopt(listener: StdListener, options: &Options) -> io::Result<Self> {
        transport::StreamListener::adopt(listener, &options.tcp).map(Self::Stream)
    }

    /// Waits for the next remote.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no remote.
    ///
    /// # Errors
    ///
    /// Only errors of this process or machine: see [`transport::StreamListener::accept`].
    pub(super) async fn accept(&mut self) -> io::Result<Incoming> {
        match self {
            Self::Attached(streams) => match streams.recv().await {
                Some(attached) => Ok(Incoming::Attached(attached)),
                None => future::pending().await,
            },
            Self::Inproc(listener) => Ok(Incoming::Inproc(listener.accept().await)),
            Self::Service(service) => service.accept().await,
            Self::Stream(listener) => Self::accept_stream(listener).await,
            #[cfg(feature = "tls")]
            Self::Tls(listener, _) => Self::accept_stream(listener).await,
        }
    }

    async fn accept_stream(listener: &transport::StreamListener) -> io::Result<Incoming> {
        let (stream, origin) = listener.accept().await?;
        Ok(Incoming::Stream(stream, origin))
    }

    /// Returns whether it listens on an endpoint, which the application has bound.
    pub(super) const fn is_bound(&self) -> bool {
        !matches!(self, Self::Attached(_))
    }

    /// Returns the bound endpoint, with the value picked for `*`.
    pub(crate) fn local_endpoint(&self) -> Endpoint {
        match self {
            Self::Attached(_) => StreamEndpoint::attached().into(),
            Self::Inproc(listener) => listener.endpoint().clone().into(),
            Self::Service(service) => service.local_endpoint().clone(),
            Self::Stream(listener) => listener.local_endpoint(),
            #[cfg(feature = "tls")]
            Self::Tls(_, local) => local.clone(),
        }
    }
}

/// Binds a `udp` endpoint.
///
/// # Cancel safety
///
/// Dropping the future leaves nothing bound.
///
/// # Errors
///
/// [`BindError`] if the endpoint is in use, or if the system refuses it.
pub(crate) async fn bind_datagrams(
    endpoint: &UdpEndpoint,
    options: &Options,
) -> Result<udp::Receiver, BindError> {
    let bound = udp::Receiver::bind(endpoint, options).await;
    bound.map_err(|error| bind_error(endpoint.clone().into(), error))
}

fn bind_error(endpoint: Endpoint, error: ListenError) -> BindError {
    match error {
        ListenError::FileOption { option, source, .. } => {
            BindError::FileOption { endpoint, option, source }
        }
        ListenError::NotASocket { file_type, .. } => BindError::NotASocket { endpoint, file_type },
        error => match error.kind() {
            io::ErrorKind::AddrInUse => BindError::AddrInUse { endpoint },
            io::ErrorKind::AddrNotAvailable => {
                BindError::AddrNotAvailable { endpoint, source: error.into() }
            }
            _ => BindError::Io { endpoint, source: error.into() },
        },
    }
}
