//! Endpoints, the addresses that a socket binds or connects to: `tcp://127.0.0.1:5555`.

mod error;
mod host;
mod host_and_port;
mod inproc;
mod ipc;
mod tcp;
mod udp;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use self::error::{EndpointError, EndpointErrorKind};
pub use self::host::Host;
pub use self::inproc::InprocEndpoint;
pub use self::ipc::IpcEndpoint;
pub use self::tcp::{TcpEndpoint, TcpSource};
pub use self::udp::UdpEndpoint;

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
/// | `tcp://example.org:5555/orders` | that resource, at a port that others may have, too | that resource |
/// | `ipc:///run/service.sock` | that path of a Unix domain socket | the same |
/// | `ipc://@service` | that abstract name, which is in no file system (Linux) | the same |
/// | `ipc://*` | a fresh path, which only this user can reach | refused |
/// | `inproc://workers` | that name inside this process | the same, before or after bind |
/// | `udp://192.0.2.7:5555` | that interface, that port; `*` as for `tcp` | that host, that port |
/// | `udp://239.1.2.3:5555`, `udp://[ff02::4242]:5555` | that multicast address | the same |
/// | `udp://eth0;239.1.2.3:5555` | that multicast address, on that interface | through that interface |
///
/// The part before a semicolon is the *source* of connections: an address of this machine, or the
/// name of one of its interfaces, and a port, which can be omitted. `*` stands for any of them. In
/// a `udp` endpoint with a multicast address, this part is the *interface*, without a port.
///
/// One socket at a time is bound to a path of `ipc`. `bind` replaces a socket that no longer
/// listens, for example the socket of a killed process. It refuses a path of a listening socket, or
/// of any other file. Meanwhile it holds a lock, the file `.service.sock.zmtp-lock` in the same
/// directory, and removes it afterwards. The file system must therefore support locks (`flock`),
/// and this user must be allowed to create files there. The file of the socket is removed when the
/// endpoint is unbound, but never by a forked child.
///
/// On systems other than Linux, a socket that accepts nothing while its backlog is full refuses
/// connections, like an abandoned socket, and `bind` replaces it. Programs that use libzmq replace
/// any file, including that of a listening socket.
///
/// A path has up to 107 bytes, or the limit of the system; the name of an `inproc` endpoint has up
/// to 256.
///
/// Every method with an endpoint also accepts a `&str`, a `String` or a [`SocketAddr`]. Two
/// endpoints are equal if they name the same address: host names are stored in lower case, and port
/// 0 is stored as `*`. Parsing the text of an endpoint yields the same endpoint.
///
/// # Resources
///
/// The part after the slash behind a port is a *resource*: names of letters, digits, `$`, `-`, `_`,
/// `@`, `.`, `&` and `+`, with slashes between them (RFC 37, The Resource Property). With
/// resources, several sockets of one process share a port, even in different runtimes. Each socket
/// serves one resource, or, if it is bound without a resource, the remotes that request none.
///
/// - They must have the same mechanism, domain, authenticator and networks of proxies, because a
///   remote is authenticated before its resource is known: create them with clones of one
///   [`Builder`](crate::Builder).
/// - A remote that requests a resource that is not served waits for it within the
///   [`handshake_interval`](crate::Builder::handshake_interval) of the accepting socket, and counts
///   as one of its half-open connections during that time.
/// - The TCP options for listening, such as the [`backlog`](crate::Builder::backlog), are those of
///   the socket that bound the port first.
/// - A socket without a resource that does not share its port serves every remote, regardless of
///   the requested resource. So does a libzmq socket, which does not support resources and cannot
///   request one.
/// - A port that was [adopted](crate::Socket::bind_from_std) is not shared.
///
/// ```
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
/// let orders = Server::builder().bind(format!("tcp://127.0.0.1:{port}/orders")).await?;
/// let billing = Server::builder().bind(format!("tcp://127.0.0.1:{port}/billing")).await?;
///
/// let client = Client::new();
/// client.connect(format!("tcp://127.0.0.1:{port}/billing")).await?;
/// client.send("a bill").await?;
/// assert_eq!(billing.recv().await?, "a bill");
/// # Ok(())
/// # }
/// ```
///
/// # Datagrams
///
/// Over `udp`, a [`Radio`](crate::Radio) sends each message as one datagram, and a
/// [`Dish`](crate::Dish) receives those of the groups that it has joined. A radio only connects, a
/// dish only binds, and other sockets refuse the endpoint.
///
/// - **There is no security.** Every program that can reach the port can publish, and datagrams can
///   be read and forged on the network. A socket with PLAIN, CURVE or an authenticator therefore
///   refuses a `udp` endpoint. Use this only on trusted networks.
/// - **Datagrams can be lost, duplicated and reordered**, and neither side learns of it. What this
///   machine drops is [counted](crate::stats::DroppedDatagrams).
/// - There is no handshake, no heartbeat and no hello message. While its socket is open, an
///   endpoint is one remote in [`remotes`](crate::Radio::remotes), whether or not there is another
///   program.
/// - A group has up to 127 bytes, and group and body together have up to 8,191: see
///   [`SendError::TooLong`](crate::SendError::TooLong). Datagrams of more than about 1,400 bytes
///   are split by the network, and lost if one of their parts is.
///
/// An address of 224.0.0.0/4 or ff00::/8 is a *multicast* address, which any number of dishes join,
/// also on one machine. On Unix a dish binds the multicast address itself, so that it does not hear
/// others at the same port, as a libzmq socket does. On other systems, and on a link-local address
/// of IPv6 without an interface or a zone, it binds all addresses of the port.
///
/// The part before the semicolon is the interface: an address of it or its name. Without it the
/// system chooses one. If two dishes are bound to the same unicast address, the system delivers
/// each datagram to one of them.
///
/// ```
/// use tokio_zmtp::{Dish, Group, Radio};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let weather = Group::try_from("weather")?;
/// let dish = Dish::builder().join(&weather).build();
/// let endpoint = dish.bind("udp://127.0.0.1:*").await?;
/// let radio = Radio::new();
/// radio.connect(endpoint).await?;
/// radio.send(&weather, "rain").await?;
/// assert_eq!(&dish.recv().await?[..], b"rain");
/// # Ok(())
/// # }
/// ```
///
/// # Examples
///
/// ```
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
    /// A Unix domain socket.
    Ipc(IpcEndpoint),
    /// A name inside this process.
    Inproc(InprocEndpoint),
    /// A UDP port of a host or of a multicast address.
    Udp(UdpEndpoint),
}

impl Endpoint {
    /// Returns whether the host is a name that must be resolved.
    pub(crate) fn is_name(&self) -> bool {
        match self {
            Self::Tcp(tcp) => matches!(tcp.host(), Host::Name(_)),
            Self::Udp(udp) => matches!(udp.host(), Host::Name(_)),
            Self::Ipc(_) | Self::Inproc(_) => false,
        }
    }

    /// Returns whether its connections are streams of bytes.
    pub(crate) const fn is_stream(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Ipc(_))
    }

    /// Returns the resource.
    pub(crate) fn resource(&self) -> Option<&str> {
        match self {
            Self::Tcp(tcp) => tcp.resource(),
            Self::Inproc(_) | Self::Ipc(_) | Self::Udp(_) => None,
        }
    }

    /// Returns the same endpoint without a resource.
    pub(crate) fn without_resource(&self) -> Self {
        match self {
            Self::Tcp(tcp) => tcp.clone().serving(None).into(),
            other => other.clone(),
        }
    }

    /// Refuses an endpoint that cannot be bound.
    pub(crate) fn check_bindable(&self) -> Result<(), EndpointError> {
        let checked = match self {
            Self::Tcp(tcp) => tcp.check_bindable(),
            Self::Ipc(_) | Self::Inproc(_) | Self::Udp(_) => Ok(()),
        };
        checked.map_err(|error| error.within(&self.to_string()))
    }

    /// Refuses an endpoint that can only be bound, so that `connect` fails immediately.
    pub(crate) fn check_connectable(&self) -> Result<(), EndpointError> {
        let checked = match self {
            Self::Tcp(tcp) => tcp.check_connectable(),
            Self::Ipc(ipc) => ipc.check_connectable(),
            Self::Inproc(_) => Ok(()),
            Self::Udp(udp) => udp.check_connectable(),
        };
        checked.map_err(|error| error.within(&self.to_string()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => fmt::Display::fmt(tcp, f),
            Self::Ipc(ipc) => fmt::Display::fmt(ipc, f),
            Self::Inproc(inproc) => fmt::Display::fmt(inproc, f),
            Self::Udp(udp) => fmt::Display::fmt(udp, f),
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
            "ipc" => IpcEndpoint::parse(address).map(Self::Ipc),
            "inproc" => InprocEndpoint::parse(address).map(Self::Inproc),
            "udp" => UdpEndpoint::parse(address).map(Self::Udp),
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
