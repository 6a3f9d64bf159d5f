//! Byte streams between two sockets: dialing, listening, and one type for all of them. Datagrams,
//! in [`udp`].

mod dialer;
mod ipc;
mod remote_stream;
mod resolve;
mod shutdown;
mod socket_options;
mod stream;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
pub(crate) mod udp;
#[cfg(feature = "ws")]
pub mod websocket;

use std::fs::FileType;
use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use zmtp_proto::endpoint::{Endpoint, TcpEndpoint, check_connectable, resolved};

pub use self::dialer::Dialer;
pub(crate) use self::dialer::SharedDialer;
pub use self::remote_stream::RemoteStream;
pub(crate) use self::shutdown::{CloseStatus, ClosingStream, shut_down};
pub(crate) use self::stream::{DetachedStream, Stream};
#[cfg(feature = "socks")]
pub(crate) use self::tcp::ProxyRefusal;
#[cfg(feature = "tls")]
pub(crate) use self::tls::TlsDialer;
use crate::options::{Options, TcpOptions};
use crate::platform::StdListener;
use crate::remote::Origin;

/// Dials an endpoint once; returns the stream and its origin.
///
/// Host names are resolved on every call, and every address is tried. There is no deadline
/// except the system's: the caller adds its own.
///
/// # Cancel safety
///
/// Dropping the future ends all attempts immediately.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) immediately if the endpoint can only be bound;
/// otherwise the error of the system; for several addresses, the most informative one.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    options: &TcpOptions,
) -> io::Result<(Stream, Origin)> {
    check_connectable(endpoint)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    match endpoint {
        Endpoint::Tcp(tcp) => {
            let (stream, address) = tcp::connect(tcp, options).await?;
            Ok((Stream::Tcp(stream), Origin { address, ..Origin::default() }))
        }
        Endpoint::Ipc(ipc) => {
            let (stream, remote) = ipc::connect(ipc).await?;
            Ok((Stream::Ipc(stream), remote))
        }
        unsupported => Err(ListenError::unsupported(unsupported).into()),
    }
}

/// Resolves the host name of an endpoint to distinct addresses.
///
/// # Cancel safety
///
/// Dropping the future cancels the query.
///
/// # Errors
///
/// The error of the system, or of the user's resolver.
pub(crate) async fn resolve(
    endpoint: &Endpoint,
    options: &TcpOptions,
) -> io::Result<Vec<Endpoint>> {
    let addresses = match endpoint {
        Endpoint::Tcp(tcp) => resolve::resolve_all(tcp, &options.resolver).await?,
        Endpoint::Tls(tls) => resolve::resolve_all(tls.tcp(), &options.resolver).await?,
        Endpoint::WebSocket(websocket) => {
            resolve::resolve_all(websocket.tcp(), &options.resolver).await?
        }
        Endpoint::Udp(udp) => {
            resolve::resolve_host(udp.host(), udp.port(), &options.resolver).await?
        }
        _ => return Ok(vec![endpoint.clone()]),
    };
    let mut endpoints = Vec::new();
    for address in addresses {
        let resolved = resolved(endpoint, address);
        if !endpoints.contains(&resolved) {
            endpoints.push(resolved);
        }
    }
    Ok(endpoints)
}

/// Accepts streams at an endpoint.
#[derive(Debug)]
pub(crate) enum StreamListener {
    Tcp(tcp::TcpStreamListener),
    Ipc(ipc::IpcListener),
}

impl StreamListener {
    /// Binds an endpoint and starts to listen.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    ///
    /// [`ListenError`], for the last address if the host has several.
    pub(crate) async fn bind(endpoint: &Endpoint, options: &Options) -> Result<Self, ListenError> {
        match endpoint {
            Endpoint::Tcp(tcp) => {
                let options = &options.tcp;
                let (listener, _) =
                    Self::bind_tcp(tcp, options, |address| Self::listen(address, options)).await?;
                Ok(listener)
            }
            Endpoint::Ipc(ipc) => {
                ipc::IpcListener::bind(ipc, options.tcp.backlog, options.ipc).await.map(Self::Ipc)
            }
            unsupported => Err(ListenError::unsupported(unsupported)),
        }
    }

    /// Opens the first address of an endpoint that can be opened with the given function.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future opens nothing.
    ///
    /// # Errors
    ///
    /// [`ListenError`], for the last address if the host has several.
    pub(crate) async fn bind_tcp<T>(
        endpoint: &TcpEndpoint,
        options: &TcpOptions,
        open: impl FnMut(SocketAddr) -> io::Result<T>,
    ) -> Result<T, ListenError> {
        tcp::bind(endpoint, options, open).await
    }

    /// Listens on an address; returns its real port as well.
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub(crate) fn listen(
        address: SocketAddr,
        options: &TcpOptions,
    ) -> io::Result<(Self, SocketAddr)> {
        let listener = tcp::listen(address, options)?;
        let local = listener.local_addr();
        Ok((Self::Tcp(listener), local))
    }

    /// Creates another listener for the same address, in the runtime of the caller. Each stream is
    /// accepted by one of them. The options apply to accepted streams. The address is free when the
    /// last listener is dropped.
    ///
    /// # Errors
    ///
    /// The error of the system, or that it is not a TCP listener.
    pub(crate) fn duplicate(&self, options: &TcpOptions) -> io::Result<(Self, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                let duplicate = listener.duplicate(options)?;
                Ok((Self::Tcp(duplicate), listener.local_addr()))
            }
            Self::Ipc(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Adopts a listener that was created elsewhere. Its file remains when it ends.
    ///
    /// # Errors
    ///
    /// The error of the system, or that the endpoint has no text.
    pub(crate) fn adopt(listener: StdListener, options: &TcpOptions) -> io::Result<Self> {
        match listener.into_unix() {
            Ok(unix) => ipc::IpcListener::adopt(unix).map(Self::Ipc),
            Err(tcp) => tcp::TcpStreamListener::adopt(tcp, options).map(Self::Tcp),
        }
    }

    /// Waits for the next stream; returns it and its origin.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no stream: the next call returns it.
    ///
    /// # Errors
    ///
    /// Only errors of this process or machine, such as a lack of file descriptors. Such an error
    /// may persist, and then the next call fails immediately: wait before calling again.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Origin)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, remote) = listener.accept().await?;
                Ok((Stream::Tcp(stream), remote.into()))
            }
            Self::Ipc(listener) => {
                let (stream, remote) = listener.accept().await?;
                Ok((Stream::Ipc(stream), remote))
            }
        }
    }

    /// Returns the bound endpoint: the numeric address, and the value picked for `*`.
    pub(crate) fn local_endpoint(&self) -> Endpoint {
        match self {
            Self::Tcp(listener) => listener.local_addr().into(),
            Self::Ipc(listener) => listener.local().clone().into(),
        }
    }
}

/// The reason why a socket cannot listen on an endpoint.
#[derive(Debug, Error)]
pub(crate) enum ListenError {
    /// The host name has no address, or could not be resolved.
    #[error("cannot resolve the host name")]
    Resolve(#[source] io::Error),
    /// The system refused the address.
    #[error("cannot listen on {endpoint}")]
    Listen {
        /// The numeric endpoint.
        endpoint: Endpoint,
        source: io::Error,
    },
    /// An option cannot be applied to the file of the socket.
    #[error("cannot set `{option}` of {endpoint}")]
    FileOption { endpoint: Endpoint, option: &'static str, source: io::Error },
    /// The path holds something other than a socket that can be replaced.
    #[error("the path of {endpoint} does not hold a socket")]
    NotASocket { endpoint: Endpoint, file_type: FileType },
    /// The system does not support the transport.
    #[error("{endpoint} cannot be used on this system")]
    Unsupported { endpoint: Endpoint },
}

impl ListenError {
    fn unsupported(endpoint: &Endpoint) -> Self {
        Self::Unsupported { endpoint: endpoint.clone() }
    }

    /// Returns the error of the system.
    pub(crate) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Resolve(source) | Self::Listen { source, .. } => source.kind(),
            Self::FileOption { source, .. } => source.kind(),
            Self::NotASocket { .. } => io::ErrorKind::AlreadyExists,
            Self::Unsupported { .. } => io::ErrorKind::Unsupported,
        }
    }
}

impl From<ListenError> for io::Error {
    fn from(error: ListenError) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpStream;
    use zmtp_proto::endpoint::EndpointError;

    use super::*;

    #[tokio::test]
    async fn bytes_pass_between_two_ipv4_ends() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let (dialed, accepted) = pair(&listener, &listener.local_endpoint()).await;
        exchange(dialed, accepted).await;
    }

    #[tokio::test]
    async fn bytes_pass_between_two_ipv6_ends() {
        if !support::skipped::has_ipv6() {
            return;
        }
        let listener = bind("tcp://[::1]:*").await.unwrap();
        let (dialed, accepted) = pair(&listener, &listener.local_endpoint()).await;
        exchange(dialed, accepted).await;
    }

    #[tokio::test]
    async fn a_name_can_be_bound_and_dialed() {
        let listener = bind("tcp://localhost:*").await.unwrap();
        let dialed = parse(&format!("tcp://localhost:{}", port(&listener)));
        let (dialed, accepted) = pair(&listener, &dialed).await;
        exchange(dialed, accepted).await;
    }

    #[tokio::test]
    async fn every_interface_includes_those_of_ipv4() {
        let listener = bind("tcp://*:*").await.unwrap();
        let endpoint = parse(&format!("tcp://127.0.0.1:{}", port(&listener)));
        let (dialed, accepted) = tokio::try_join!(dial(&endpoint), listener.accept()).unwrap();
        assert_eq!(dialed.1.address.map(Endpoint::from), Some(endpoint));
        // As IPv4, not as `::ffff:127.0.0.1`.
        assert_eq!(accepted.1.address, Some(tcp(&dialed.0).local_addr().unwrap()));
    }

    #[tokio::test]
    async fn every_interface_includes_those_of_ipv6() {
        if !support::skipped::has_ipv6() {
            return;
        }
        let listener = bind("tcp://*:*").await.unwrap();
        let dialed = parse(&format!("tcp://[::1]:{}", port(&listener)));
        let (dialed, accepted) = pair(&listener, &dialed).await;
        exchange(dialed, accepted).await;
    }

    #[tokio::test]
    async fn a_listener_knows_its_endpoint_with_the_real_port() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let endpoint = listener.local_endpoint();
        assert_ne!(port(&listener), 0);
        assert_eq!(endpoint, parse(&format!("tcp://127.0.0.1:{}", port(&listener))));
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_in_the_error() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let endpoint = listener.local_endpoint();
        let error = listen(&endpoint).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(error.to_string(), format!("cannot listen on {endpoint}"));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    #[cfg(not(windows))]
    async fn a_port_can_be_bound_again_while_its_connections_last() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let endpoint = listener.local_endpoint();
        let _connection = pair(&listener, &endpoint).await;
        drop(listener);
        listen(&endpoint).await.unwrap();
    }

    #[tokio::test]
    async fn an_accept_that_is_dropped_loses_no_stream() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let mut accept = tokio_test::task::spawn(listener.accept());
        assert!(accept.poll().is_pending());
        let (dialed, _) = dial(&listener.local_endpoint()).await.unwrap();
        drop(accept);
        let (accepted, _) = listener.accept().await.unwrap();
        exchange(dialed, accepted).await;
    }

    #[tokio::test]
    async fn both_ends_send_small_writes_immediately() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let (dialed, accepted) = pair(&listener, &listener.local_endpoint()).await;
        for stream in [dialed, accepted] {
            assert!(tcp(&stream).nodelay().unwrap());
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_can_only_be_bound_is_not_dialed() {
        for text in ["tcp://*:1", "tcp://127.0.0.1:*"] {
            let error = dial(&parse(text)).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.get_ref().is_some_and(|inner| inner.is::<EndpointError>()));
        }
    }

    /// Sends `head` and `body` in one vectored write, and echoes them until the end of the stream.
    async fn exchange(mut dialed: Stream, mut accepted: Stream) {
        assert!(dialed.is_write_vectored());
        let parts = [IoSlice::new(b"head"), IoSlice::new(b"body")];
        assert_eq!(dialed.write_vectored(&parts).await.unwrap(), 8);
        let mut received = [0; 8];
        accepted.read_exact(&mut received).await.unwrap();
        accepted.write_all(&received).await.unwrap();
        accepted.flush().await.unwrap();
        accepted.shutdown().await.unwrap();
        let mut returned = Vec::new();
        dialed.read_to_end(&mut returned).await.unwrap();
        assert_eq!(returned, b"headbody");
    }

    async fn pair(listener: &StreamListener, dialed: &Endpoint) -> (Stream, Stream) {
        let (dialed, accepted) = tokio::try_join!(dial(dialed), listener.accept()).unwrap();
        (dialed.0, accepted.0)
    }

    async fn bind(endpoint: &str) -> Result<StreamListener, ListenError> {
        listen(&parse(endpoint)).await
    }

    async fn listen(endpoint: &Endpoint) -> Result<StreamListener, ListenError> {
        StreamListener::bind(endpoint, &Options::default()).await
    }

    async fn dial(endpoint: &Endpoint) -> io::Result<(Stream, Origin)> {
        connect(endpoint, &TcpOptions::default()).await
    }

    fn parse(endpoint: &str) -> Endpoint {
        endpoint.parse().unwrap()
    }

    fn port(listener: &StreamListener) -> u16 {
        let Endpoint::Tcp(tcp) = listener.local_endpoint() else { panic!("it is TCP") };
        tcp.port()
    }

    fn tcp(stream: &Stream) -> &TcpStream {
        let Stream::Tcp(stream) = stream else { panic!("it is TCP") };
        stream
    }
}
