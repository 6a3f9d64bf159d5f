mod race;

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use self::race::race;
use super::ListenError;
use super::resolve::{interleave, resolve};
use crate::endpoint::{Host, TcpEndpoint};

/// Listens on one TCP address.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Binds the first address of the endpoint that can be bound.
    pub(super) async fn bind(endpoint: &TcpEndpoint) -> Result<Self, ListenError> {
        let addresses = resolve(endpoint).await.map_err(ListenError::Resolve)?;
        let mut failure = None;
        for address in addresses {
            match listen(address) {
                Ok(listener) => return Ok(listener),
                Err(source) => {
                    // IPv4 alone is for machines without IPv6, not for half of a port that
                    // belongs to someone else.
                    let stop = *endpoint.host() == Host::Any && is_refusal_of_port(&source);
                    failure = Some(ListenError::Listen { endpoint: address.into(), source });
                    if stop {
                        break;
                    }
                }
            }
        }
        Err(failure.unwrap_or_else(|| ListenError::Resolve(io::ErrorKind::NotFound.into())))
    }

    /// Waits for the next connection.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    // Fails only on a connection that is gone already; whoever reads it will see.
                    let _ = stream.set_nodelay(true);
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

/// Dials the endpoint; returns the connection and the address that answered.
pub(super) async fn connect(endpoint: &TcpEndpoint) -> io::Result<(TcpStream, SocketAddr)> {
    let addresses = interleave(resolve(endpoint).await?);
    race(addresses, dial).await
}

fn listen(address: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Lets a restarted server have its port back. On Windows it would let others steal it.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Lets `::` serve IPv4 as well; systems differ in their default.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let local = listener.local_addr()?;
    Ok(Listener { listener, local })
}

async fn dial(address: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    let stream = TcpStream::connect(address).await?;
    refuse_self_connection(&stream)?;
    stream.set_nodelay(true)?;
    Ok((stream, canonical(address)))
}

/// Refuses a connection whose two ends are one and the same socket.
///
/// TCP allows it (RFC 9293, simultaneous open): it happens when nobody listens on a local port that
/// the system then picks as the source of the attempt. The socket would talk to itself, and the
/// server could no longer bind its port.
fn refuse_self_connection(stream: &TcpStream) -> io::Result<()> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "connected to itself, as nobody listens on this port",
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

/// Shows an IPv4 remote as such where a dual-stack socket gives a mapped address.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(ip) => (ip, v6.port()).into(),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

/// How many connections the system keeps until they are accepted; libzmq's `BACKLOG`.
const BACKLOG: i32 = 100;

#[cfg(test)]
mod tests {
    use tokio::net::TcpSocket;

    use super::*;

    #[tokio::test]
    async fn a_dead_address_does_not_keep_from_the_next_one() {
        let silent = bound_but_not_listening();
        let listener = listen(loopback(0)).unwrap();
        let addresses = vec![silent.local_addr().unwrap(), listener.local_addr()];
        let (stream, remote) = race(addresses, dial).await.unwrap();
        assert_eq!(remote, listener.local_addr());
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn dialling_a_port_without_listener_is_refused() {
        let silent = bound_but_not_listening();
        let addresses = vec![silent.local_addr().unwrap()];
        let error = race(addresses, dial).await.unwrap_err();
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
        let listener = listen(loopback(0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr()).await.unwrap();
        refuse_self_connection(&stream).unwrap();
    }

    #[tokio::test]
    async fn every_interface_means_no_half_of_a_port_in_use() {
        let Ok(owner) = ipv6_only("[::]:0".parse().unwrap()) else {
            eprintln!("skipped: no IPv6 here");
            return;
        };
        owner.listen(1).unwrap();
        let port = owner.local_addr().unwrap().as_socket().unwrap().port();
        let error = bind(&format!("tcp://*:{port}")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    async fn bind(endpoint: &str) -> Result<Listener, ListenError> {
        let crate::endpoint::Endpoint::Tcp(endpoint) = endpoint.parse().unwrap();
        Listener::bind(&endpoint).await
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

    /// Holds a port at which nobody answers, so that no other test gets it.
    fn bound_but_not_listening() -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback(0)).unwrap();
        socket
    }
}
