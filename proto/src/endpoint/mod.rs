//! Endpoints, the addresses that a socket binds or connects to: `tcp://127.0.0.1:5555`.

mod error;
mod host;
mod host_and_port;
mod inproc;
mod ipc;
mod name;
mod stream;
mod tcp;
mod tls;
mod udp;
mod websocket;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use self::error::{EndpointError, EndpointErrorKind};
pub use self::host::Host;
pub use self::inproc::InprocEndpoint;
pub use self::ipc::IpcEndpoint;
pub use self::stream::StreamEndpoint;
pub use self::tcp::{TcpEndpoint, TcpSource};
pub use self::tls::TlsEndpoint;
pub use self::udp::UdpEndpoint;
pub use self::websocket::WebSocketEndpoint;

/// An address to bind or to connect to.
///
/// | Text | Bind | Connect |
/// |---|---|---|
/// | `tcp://127.0.0.1:5555` | that interface, that port | that host, that port |
/// | `tcp://[::1]:5555`, `tcp://[fe80::1%eth0]:5555` | the same with IPv6 | the same with IPv6 |
/// | `tcp://example.org:5555` | the first of its addresses that works | the first that answers |
/// | `tcp://*:5555`, `tcp://[::]:5555` | every interface, IPv6 and IPv4 | refused |
/// | `tcp://0.0.0.0:5555` | every interface, IPv4 only | refused |
/// | `tcp://127.0.0.1:*` | a port that the system picks | refused |
/// | `tcp://192.0.2.7:*;example.org:5555` | refused | from that address of this machine |
/// | `tcp://eth0;example.org:5555` | refused | from an address of that interface |
/// | `tcp://example.org:5555/orders` | that resource, at a port that other sockets can share | that resource |
/// | `tls://example.org:5555` | the same as for `tcp`, without a resource, and encrypted by TLS | the same |
/// | `ws://example.org:8080/orders` | that path, at a port that other sockets can share, over WebSockets | that path |
/// | `wss://example.org/orders` | the same with TLS | the same |
/// | `ipc:///run/service.sock` | that path of a Unix domain socket | the same |
/// | `ipc://@service` | that abstract name, which is in no file system (Linux) | the same |
/// | `ipc://*` | a fresh path, which only this user can reach | refused |
/// | `inproc://workers` | that name inside this process | the same, before or after bind |
/// | `udp://192.0.2.7:5555` | that interface, that port; `*` as for `tcp` | that host, that port |
/// | `udp://239.1.2.3:5555`, `udp://[ff02::4242]:5555` | that multicast address | the same |
/// | `udp://eth0;239.1.2.3:5555` | that multicast address, on that interface | through that interface |
/// | `stream://browser-7` | refused | a stream that the application establishes, only by `connect_with` |
///
/// The part before a semicolon is the *source* of connections: an address of this machine, or the
/// name of one of its interfaces, and a port, which can be omitted. `*` stands for any of them. In
/// a `udp` endpoint with a multicast address, this part is the *interface*, without a port.
///
/// A path has up to 107 bytes, or the limit of the system; the name of an `inproc` or `stream`
/// endpoint has up to 256.
///
/// Every method with an endpoint also accepts a `&str`, a `String` or a [`SocketAddr`]. Two
/// endpoints are equal if they name the same address: host names are stored in lower case, and port
/// 0 is stored as `*`. Parsing the text of an endpoint yields the same endpoint.
///
/// A [guide](https://docs.rs/tokio-zmtp/latest/tokio_zmtp/guide/endpoints/) describes the files of
/// `ipc`, ports with several resources, datagrams, streams of the application, and WebSockets.
///
/// # Resources
///
/// The part after the slash that follows a port is a *resource*: names of letters, digits, `$`,
/// `-`, `_`, `@`, `.`, `&` and `+`, with slashes between them (RFC 37, The Resource Property). With
/// resources, several sockets share a port, and each of them serves one resource.
///
/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// # use tokio_zmtp::{Endpoint, EndpointError};
/// let endpoint: Endpoint = "tcp://localhost:5555".parse()?;
/// assert_eq!(endpoint.to_string(), "tcp://localhost:5555");
/// # Ok::<(), EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(try_from = "String"))]
#[non_exhaustive]
pub enum Endpoint {
    /// A TCP port of a host.
    Tcp(TcpEndpoint),
    /// A TCP port of a host, with TLS.
    Tls(TlsEndpoint),
    /// A path of an HTTP server, over WebSockets.
    WebSocket(WebSocketEndpoint),
    /// A Unix domain socket.
    Ipc(IpcEndpoint),
    /// A name inside this process.
    Inproc(InprocEndpoint),
    /// A UDP port of a host or of a multicast address.
    Udp(UdpEndpoint),
    /// A stream that the application establishes.
    Stream(StreamEndpoint),
}

/// Refuses an endpoint that cannot be bound.
///
/// # Errors
///
/// The endpoint has a source of connections or a query, or is a stream of the application.
pub fn check_bindable(endpoint: &Endpoint) -> Result<(), EndpointError> {
    let checked = match endpoint {
        Endpoint::Tcp(tcp) => tcp.check_bindable(),
        Endpoint::Tls(tls) => tls.check_bindable(),
        Endpoint::WebSocket(websocket) => websocket.check_bindable(),
        Endpoint::Stream(stream) => stream.check_usable(),
        Endpoint::Ipc(_) | Endpoint::Inproc(_) | Endpoint::Udp(_) => Ok(()),
    };
    checked.map_err(|error| error.within(&endpoint.to_string()))
}

/// Refuses an endpoint that can only be bound, so that `connect` fails immediately.
///
/// # Errors
///
/// The host, the port or the path is a wildcard, or the endpoint is a stream of the application.
pub fn check_connectable(endpoint: &Endpoint) -> Result<(), EndpointError> {
    let checked = match endpoint {
        Endpoint::Tcp(tcp) => tcp.check_connectable(),
        Endpoint::Tls(tls) => tls.check_connectable(),
        Endpoint::WebSocket(websocket) => websocket.check_connectable(),
        Endpoint::Ipc(ipc) => ipc.check_connectable(),
        Endpoint::Inproc(_) => Ok(()),
        Endpoint::Udp(udp) => udp.check_connectable(),
        Endpoint::Stream(stream) => stream.check_usable(),
    };
    checked.map_err(|error| error.within(&endpoint.to_string()))
}

/// Refuses an endpoint to which the application cannot dial a stream.
///
/// # Errors
///
/// The host, the port or the path is a wildcard, or the socket itself dials the transport: an
/// endpoint of `tls` or `wss` would otherwise be without TLS.
pub fn check_dialable(endpoint: &Endpoint) -> Result<(), EndpointError> {
    match endpoint {
        Endpoint::Stream(_) => Ok(()),
        Endpoint::Inproc(_) | Endpoint::Tls(_) | Endpoint::Udp(_) | Endpoint::WebSocket(_) => {
            Err(EndpointError::new(EndpointErrorKind::UnexpectedDialer, "")
                .within(&endpoint.to_string()))
        }
        Endpoint::Tcp(_) | Endpoint::Ipc(_) => check_connectable(endpoint),
    }
}

/// Returns an endpoint with an address in place of its host and port, for example the result of
/// resolving the host. Endpoints without a host and port are returned unchanged.
#[must_use]
pub fn resolved(endpoint: &Endpoint, address: SocketAddr) -> Endpoint {
    match endpoint {
        Endpoint::Tcp(tcp) => tcp.at(address).into(),
        Endpoint::Tls(tls) => tls.at(address).into(),
        Endpoint::WebSocket(websocket) => websocket.at(address).into(),
        Endpoint::Udp(udp) => udp.at(address).into(),
        Endpoint::Ipc(_) | Endpoint::Inproc(_) | Endpoint::Stream(_) => endpoint.clone(),
    }
}

/// Returns an endpoint without its resource.
#[must_use]
pub fn without_resource(endpoint: &Endpoint) -> Endpoint {
    match endpoint {
        Endpoint::Tcp(tcp) => tcp.without_resource().into(),
        Endpoint::Tls(_)
        | Endpoint::WebSocket(_)
        | Endpoint::Ipc(_)
        | Endpoint::Inproc(_)
        | Endpoint::Udp(_)
        | Endpoint::Stream(_) => endpoint.clone(),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => fmt::Display::fmt(tcp, f),
            Self::Tls(tls) => fmt::Display::fmt(tls, f),
            Self::WebSocket(websocket) => fmt::Display::fmt(websocket, f),
            Self::Ipc(ipc) => fmt::Display::fmt(ipc, f),
            Self::Inproc(inproc) => fmt::Display::fmt(inproc, f),
            Self::Udp(udp) => fmt::Display::fmt(udp, f),
            Self::Stream(stream) => fmt::Display::fmt(stream, f),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(input: &str) -> Result<Self, EndpointError> {
        let Some((transport, address)) = input.split_once("://") else {
            return Err(EndpointError::no_transport(input));
        };
        let parsed = match transport {
            "tcp" => TcpEndpoint::parse(address).map(Self::Tcp),
            "tls" => TlsEndpoint::parse(address).map(Self::Tls),
            "ws" => WebSocketEndpoint::parse(address, false).map(Self::WebSocket),
            "wss" => WebSocketEndpoint::parse(address, true).map(Self::WebSocket),
            "ipc" => IpcEndpoint::parse(address).map(Self::Ipc),
            "inproc" => InprocEndpoint::parse(address).map(Self::Inproc),
            "udp" => UdpEndpoint::parse(address).map(Self::Udp),
            "stream" => StreamEndpoint::parse(address).map(Self::Stream),
            unknown => Err(EndpointError::new(EndpointErrorKind::UnknownTransport, unknown)),
        };
        parsed.map_err(|error| error.within(input))
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;

    fn try_from(input: &str) -> Result<Self, EndpointError> {
        input.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(input: String) -> Result<Self, EndpointError> {
        input.parse()
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = EndpointError;

    fn try_from(input: &String) -> Result<Self, EndpointError> {
        input.parse()
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address.into())
    }
}

impl From<TcpEndpoint> for Endpoint {
    fn from(tcp: TcpEndpoint) -> Self {
        Self::Tcp(tcp)
    }
}

impl From<TlsEndpoint> for Endpoint {
    fn from(tls: TlsEndpoint) -> Self {
        Self::Tls(tls)
    }
}

impl From<WebSocketEndpoint> for Endpoint {
    fn from(websocket: WebSocketEndpoint) -> Self {
        Self::WebSocket(websocket)
    }
}

impl From<IpcEndpoint> for Endpoint {
    fn from(ipc: IpcEndpoint) -> Self {
        Self::Ipc(ipc)
    }
}

impl From<InprocEndpoint> for Endpoint {
    fn from(inproc: InprocEndpoint) -> Self {
        Self::Inproc(inproc)
    }
}

impl From<UdpEndpoint> for Endpoint {
    fn from(udp: UdpEndpoint) -> Self {
        Self::Udp(udp)
    }
}

impl From<StreamEndpoint> for Endpoint {
    fn from(stream: StreamEndpoint) -> Self {
        Self::Stream(stream)
    }
}

impl From<&Self> for Endpoint {
    fn from(endpoint: &Self) -> Self {
        endpoint.clone()
    }
}

/// Serializes the text of the endpoint.
#[cfg(feature = "serde")]
impl serde::Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
