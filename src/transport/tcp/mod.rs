mod race;
mod socket;
#[cfg(feature = "socks")]
mod socks;
mod unsent;

use std::io;
use std::net::{self, SocketAddr};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use zmtp_proto::endpoint::{Host, TcpEndpoint, TcpSource};

use self::race::race;
#[cfg(feature = "socks")]
pub(crate) use self::socks::ProxyRefusal;
use super::ListenError;
use super::resolve::{interleave, resolve, resolve_source, resolve_to_bind};
use crate::options::TcpOptions;
use crate::platform::sockets::{self, OptionError};
use crate::quota::{Quota, within_quota};

/// Listens on one TCP address.
#[derive(Debug)]
pub(crate) struct TcpStreamListener {
    listener: TcpListener,
    local: SocketAddr,
    /// The options of accepted sockets. Boxed, because a command to the driver contains a listener.
    options: Box<TcpOptions>,
}

impl TcpStreamListener {
    /// Adopts a listener, with the options that can still be set.
    pub(super) fn adopt(listener: net::TcpListener, options: &TcpOptions) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        socket::set_options(&SockRef::from(&listener), options)?;
        Self::new(listener, options)
    }

    fn new(listener: net::TcpListener, options: &TcpOptions) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let local = listener.local_addr()?;
        Ok(Self { listener, local, options: Box::new(options.clone()) })
    }

    /// Creates another listener for the same address, in the runtime of the caller.
    pub(super) fn duplicate(&self, options: &TcpOptions) -> io::Result<Self> {
        let duplicate = SockRef::from(&self.listener).try_clone()?;
        Self::new(duplicate.into(), options)
    }

    /// Waits for the next connection.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    prepare(&stream, &self.options);
                    return Ok((stream, canonical(remote)));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the bound address with its real port.
    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

/// Sets the options of an accepted connection.
pub(super) fn prepare(stream: &TcpStream, options: &TcpOptions) {
    // Fails only on a connection that has ended, which the next read reports.
    let _ = stream.set_nodelay(true);
    unsent::limit(stream);
    // The listening socket has these options, so the failure concerns only the connection, or a
    // privilege that the process has dropped. The connection is served in either case.
    if let Err(error) = socket::adopt(stream, options) {
        let error = &error as &dyn std::error::Error;
        within_quota!(LACKS, warn, error, "an accepted connection lacks an option");
    }
}

/// Limits how often this is logged, because it affects every connection or none.
static LACKS: Quota = Quota::new();

/// Opens the first address of the endpoint that can be opened.
pub(super) async fn bind<T>(
    endpoint: &TcpEndpoint,
    options: &TcpOptions,
    mut open: impl FnMut(SocketAddr) -> io::Result<T>,
) -> Result<T, ListenError> {
    let addresses =
        resolve_to_bind(endpoint, &options.resolver).await.map_err(ListenError::Resolve)?;
    let mut failure = None;
    for address in addresses {
        match open(address) {
            Ok(opened) => return Ok(opened),
            Err(source) => {
                // IPv4 alone is for machines without IPv6. It must not bind half of a port that
                // belongs to another process, or apply only half of the options.
                let stop = *endpoint.host() == Host::Any
                    && (is_refusal_of_port(&source) || OptionError::is_in(&source));
                failure = Some(ListenError::Listen { endpoint: address.into(), source });
                if stop {
                    break;
                }
            }
        }
    }
    Err(failure.unwrap_or_else(|| ListenError::Resolve(io::ErrorKind::NotFound.into())))
}

/// Dials the endpoint, through a proxy if there is one; returns the connection and the address of
/// the remote, if it is known.
pub(super) async fn connect(
    endpoint: &TcpEndpoint,
    options: &TcpOptions,
) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    #[cfg(feature = "socks")]
    if let Some(proxy) = &options.socks_proxy {
        let source = endpoint.source().or_else(|| proxy.endpoint().source());
        let (stream, _) = connect_from(source, proxy.endpoint(), options).await?;
        return socks::pass(stream, proxy, endpoint).await;
    }
    let (stream, address) = connect_from(endpoint.source(), endpoint, options).await?;
    Ok((stream, Some(address)))
}

async fn connect_from(
    source: Option<&TcpSource>,
    endpoint: &TcpEndpoint,
    options: &TcpOptions,
) -> io::Result<(TcpStream, SocketAddr)> {
    let mut addresses = resolve(endpoint, &options.resolver).await?;
    let sources = match source {
        Some(source) => resolve_source(source).await?,
        None => Vec::from_iter(options.source_address),
    };
    let source = |address: SocketAddr| {
        sources.iter().find(|source| source.is_ipv4() == address.is_ipv4()).copied()
    };
    if let Some(&address) = sources.first() {
        addresses.retain(|address| source(*address).is_some());
        if addresses.is_empty() {
            return Err(OptionError::SourceFamily { address }.into());
        }
    }
    race(interleave(addresses), |address| dial(address, source(address), options)).await
}

pub(super) fn listen(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpStreamListener> {
    let socket = socket::open(address, options)?;
    // Lets a restarted server bind its port again.
    sockets::reuse_address(&socket)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Lets `::` serve IPv4 as well; systems differ in their default.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    TcpStreamListener::new(socket.into(), options)
}

async fn dial(
    address: SocketAddr,
    source: Option<SocketAddr>,
    options: &TcpOptions,
) -> io::Result<(TcpStream, SocketAddr)> {
    let socket = socket::open(address, options)?;
    if let Some(source) = source {
        socket::bind_source(&socket, source)?;
    }
    let stream = TcpSocket::from_std_stream(socket.into()).connect(address).await?;
    refuse_self_connection(&stream)?;
    stream.set_nodelay(true)?;
    unsent::limit(&stream);
    Ok((stream, canonical(address)))
}

/// Refuses a connection whose two ends are the same socket.
///
/// TCP allows it (RFC 9293, simultaneous open): it happens if there is no listener on a local port
/// that the system picks as the source of the attempt. The socket would talk to itself, and the
/// server could no longer bind its port.
fn refuse_self_connection(stream: &TcpStream) -> io::Result<()> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "connected to itself, because there is no listener on this port",
        ));
    }
    Ok(())
}

fn is_refusal_of_port(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

/// Returns whether `accept` failed for a connection that ended before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// Converts the mapped address of an IPv4 remote of a dual-stack socket.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(ip) => (ip, v6.port()).into(),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use std::net::Ipv4Addr;
    #[cfg(target_os = "linux")]
    use std::time::Duration;

    use socket2::{Domain, Protocol, Socket, Type};
    use zmtp_proto::endpoint::Endpoint;

    use super::*;

    #[tokio::test]
    async fn an_adopted_listener_has_the_options() {
        let options = TcpOptions { keepalive: Some(true), ..TcpOptions::default() };
        let listener = net::TcpListener::bind(loopback(0)).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpStreamListener::adopt(listener, &options).unwrap();
        assert_eq!(listener.local_addr(), address);
        let dialed = TcpStream::connect(address);
        let (_dialed, (accepted, _)) = tokio::try_join!(dialed, listener.accept()).unwrap();
        assert!(SockRef::from(&accepted).keepalive().unwrap());
    }

    #[tokio::test]
    async fn an_unreachable_address_does_not_prevent_the_next_attempt() {
        let silent = bound_but_not_listening();
        let listener = listen(loopback(0), &TcpOptions::default()).unwrap();
        let addresses = vec![silent.local_addr().unwrap(), listener.local_addr()];
        let options = TcpOptions::default();
        let (stream, remote) =
            race(addresses, |address| dial(address, None, &options)).await.unwrap();
        assert_eq!(remote, listener.local_addr());
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn dialing_a_port_without_a_listener_is_refused() {
        let silent = bound_but_not_listening();
        let addresses = vec![silent.local_addr().unwrap()];
        let options = TcpOptions::default();
        let error = race(addresses, |address| dial(address, None, &options)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_connection_with_itself_is_refused() {
        let socket = bound_but_not_listening();
        let itself = socket.local_addr().unwrap();
        let stream = socket.connect(itself).await.unwrap();
        let error = refuse_self_connection(&stream).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_connection_with_another_socket_is_not_refused() {
        let listener = listen(loopback(0), &TcpOptions::default()).unwrap();
        let stream = TcpStream::connect(listener.local_addr()).await.unwrap();
        refuse_self_connection(&stream).unwrap();
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_backlog_limits_pending_connections() {
        let options = TcpOptions { backlog: 1, ..TcpOptions::default() };
        let listener = listen(loopback(0), &options).unwrap();
        let mut waiting = Vec::new();
        // Linux answers immediately while the backlog has room, which is for one more, and then not
        // at all.
        while let Ok(stream) =
            net::TcpStream::connect_timeout(&listener.local_addr(), Duration::from_millis(100))
        {
            waiting.push(stream);
            assert!(waiting.len() < 10);
        }
        assert!(waiting.len() > 1);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_connection_comes_from_the_source_address() {
        let listener = listen(loopback(0), &TcpOptions::default()).unwrap();
        let source = free_address();
        let options = TcpOptions::default();
        let dialed = dial(listener.local_addr(), Some(source), &options);
        let ((dialed, _), (_, remote)) = tokio::try_join!(dialed, listener.accept()).unwrap();
        assert_eq!(dialed.local_addr().unwrap(), source);
        assert_eq!(remote, source);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn several_connections_come_from_one_port() {
        let source = free_address();
        let options = TcpOptions::default();
        let mut dialed = Vec::new();
        for _ in 0..2 {
            let listener = listen(loopback(0), &options).unwrap();
            dialed.push(dial(listener.local_addr(), Some(source), &options).await.unwrap().0);
        }
        assert!(dialed.iter().all(|stream| stream.local_addr().unwrap() == source));
    }

    #[tokio::test]
    async fn only_addresses_of_the_same_family_are_dialed_from_a_source_address() {
        let listener = bind("tcp://127.0.0.1:*").await.unwrap();
        let port = listener.local_addr().port();
        let v4 = TcpOptions { source_address: Some(loopback(0)), ..TcpOptions::default() };
        connect(&parse(&format!("tcp://localhost:{port}")), &v4).await.unwrap();
        let error = connect(&parse(&format!("tcp://[::1]:{port}")), &v4).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the remote has no address of the same family as the source address 127.0.0.1:0"
        );
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_source_in_an_endpoint_overrides_that_of_the_options() {
        let listener = bind("tcp://lo:*").await.unwrap();
        let port = listener.local_addr().port();
        let options = TcpOptions {
            source_address: Some(([127, 0, 0, 2], 0).into()),
            ..TcpOptions::default()
        };
        for (source, seen) in [("127.0.0.3;", 3), ("lo:*;", 1), ("", 2), ("*;", 1)] {
            let endpoint = parse(&format!("tcp://{source}127.0.0.1:{port}"));
            let (_, (_, remote)) =
                tokio::try_join!(connect(&endpoint, &options), listener.accept()).unwrap();
            assert_eq!(remote.ip(), Ipv4Addr::new(127, 0, 0, seen));
        }
    }

    #[tokio::test]
    async fn a_source_address_of_another_machine_is_named_in_the_error() {
        let listener = listen(loopback(0), &TcpOptions::default()).unwrap();
        // RFC 5737: for documentation only.
        let source = ([192, 0, 2, 1], 0).into();
        let options = TcpOptions::default();
        let error = dial(listener.local_addr(), Some(source), &options).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(error.to_string(), "cannot connect from 192.0.2.1:0");
    }

    #[tokio::test]
    async fn every_interface_means_no_half_of_a_port_in_use() {
        let Ok(owner) = ipv6_only("[::]:0".parse().unwrap()) else {
            support::skipped::skip("IPv6 is not available");
            return;
        };
        owner.listen(1).unwrap();
        let port = owner.local_addr().unwrap().as_socket().unwrap().port();
        let error = bind(&format!("tcp://*:{port}")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    async fn bind(endpoint: &str) -> Result<TcpStreamListener, ListenError> {
        let options = TcpOptions::default();
        super::bind(&parse(endpoint), &options, |address| listen(address, &options)).await
    }

    fn parse(endpoint: &str) -> TcpEndpoint {
        let Endpoint::Tcp(tcp) = endpoint.parse().unwrap() else { panic!("{endpoint} is TCP") };
        tcp
    }

    /// Returns a currently free address, outside the range of tests that bind any port.
    #[cfg(target_os = "linux")]
    fn free_address() -> SocketAddr {
        let address = ([127, 0, 0, 3], 0);
        net::TcpListener::bind(SocketAddr::from(address)).unwrap().local_addr().unwrap()
    }

    fn loopback(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn ipv6_only(address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_only_v6(true)?;
        socket.bind(&address.into())?;
        Ok(socket)
    }

    /// Holds a port without a listener, so that no other test gets it.
    fn bound_but_not_listening() -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback(0)).unwrap();
        socket
    }
}
