//! Opens sockets with their options.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use zmtp_proto::endpoint::UdpEndpoint;

use crate::options::Options;
use crate::platform::sockets::{self, check};
use crate::transport::{resolve, socket_options};

/// The interface of a multicast address, in the form that the system wants for its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    /// The system chooses.
    Any,
    /// The interface that has this address.
    V4(Ipv4Addr),
    /// The interface with this index.
    V6(u32),
}

/// Finds the interface of an endpoint, one of whose addresses is given.
pub(super) async fn interface(
    endpoint: &UdpEndpoint,
    address: SocketAddr,
) -> io::Result<Interface> {
    let Some(host) = endpoint.interface() else {
        return Ok(match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Interface::V6(v6.scope_id()),
            _ => Interface::Any,
        });
    };
    if !address.ip().is_multicast() {
        let error = format!("{} is not a multicast address, and takes no interface", address.ip());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    match address {
        SocketAddr::V4(_) => resolve::interface_address(host).await.map(Interface::V4),
        SocketAddr::V6(_) => resolve::interface_index(host).await.map(Interface::V6),
    }
}

/// Opens a socket that sends to an address. Also returns the address if the socket could not be
/// connected to it.
pub(super) fn sender(
    address: SocketAddr,
    interface: Interface,
    options: &Options,
) -> io::Result<(UdpSocket, Option<SocketAddr>)> {
    let socket = open(address, options)?;
    if address.ip().is_multicast() {
        let (hops, is_looped) = (options.udp.multicast_hops, options.udp.multicast_loop);
        if address.is_ipv4() {
            check("IP_MULTICAST_TTL", socket.set_multicast_ttl_v4(hops.into()))?;
            check("IP_MULTICAST_LOOP", socket.set_multicast_loop_v4(is_looped))?;
        } else {
            check("IPV6_MULTICAST_HOPS", socket.set_multicast_hops_v6(hops.into()))?;
            check("IPV6_MULTICAST_LOOP", socket.set_multicast_loop_v6(is_looped))?;
        }
        match interface {
            Interface::Any => {}
            Interface::V4(address) => {
                check("IP_MULTICAST_IF", socket.set_multicast_if_v4(&address))?;
            }
            Interface::V6(index) => {
                check("IPV6_MULTICAST_IF", socket.set_multicast_if_v6(index))?;
            }
        }
    } else if let Some(source) = options.tcp.source_address {
        if source.is_ipv4() == address.is_ipv4() {
            socket.bind(&source.into())?;
        }
    }
    // A connected socket is faster, and the system reports when the host refuses its datagrams.
    let destination = match socket.connect(&address.into()) {
        Ok(()) => None,
        // Linux refuses a link-local multicast address without a scope, but sends to it.
        Err(_) if is_unscoped(address) => Some(address),
        Err(error) => return Err(error),
    };
    Ok((UdpSocket::from_std(socket.into())?, destination))
}

/// Opens a socket that receives at an address; returns its port as well.
pub(super) fn receiver(
    address: SocketAddr,
    interface: Interface,
    options: &Options,
) -> io::Result<(UdpSocket, u16)> {
    let socket = open(address, options)?;
    if address.ip().is_multicast() {
        bind_multicast(&socket, address, interface)?;
    } else {
        // Like libzmq.
        sockets::reuse_address(&socket)?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            // Lets `::` serve IPv4 as well; systems differ in their default.
            socket.set_only_v6(false)?;
        }
        socket.bind(&address.into())?;
    }
    let socket = UdpSocket::from_std(socket.into())?;
    let port = socket.local_addr()?.port();
    Ok((socket, port))
}

fn bind_multicast(socket: &Socket, address: SocketAddr, interface: Interface) -> io::Result<()> {
    sockets::share_port(socket)?;
    sockets::receive_only_joined(socket, address.is_ipv4())?;
    match address {
        SocketAddr::V4(v4) => {
            if sockets::BINDS_MULTICAST {
                socket.bind(&address.into())?;
            } else {
                socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, v4.port())).into())?;
            }
            let interface = match interface {
                Interface::V4(address) => address,
                _ => Ipv4Addr::UNSPECIFIED,
            };
            check("IP_ADD_MEMBERSHIP", socket.join_multicast_v4(v4.ip(), &interface))
        }
        SocketAddr::V6(v6) => {
            let index = match interface {
                Interface::V6(index) => index,
                _ => 0,
            };
            // Lets a group be bound that has the same port as one of IPv4.
            socket.set_only_v6(true)?;
            let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, v6.port()));
            if sockets::BINDS_MULTICAST {
                let scoped = SocketAddrV6::new(*v6.ip(), v6.port(), 0, index);
                match socket.bind(&SocketAddr::V6(scoped).into()) {
                    Err(_) if is_unscoped(scoped.into()) => socket.bind(&any.into())?,
                    bound => bound?,
                }
            } else {
                socket.bind(&any.into())?;
            }
            check("IPV6_ADD_MEMBERSHIP", socket.join_multicast_v6(v6.ip(), index))
        }
    }
}

fn open(address: SocketAddr, options: &Options) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket_options::set(&socket, &options.tcp)?;
    Ok(socket)
}

/// Returns whether the address is a multicast address of one link, and its link is not known.
fn is_unscoped(address: SocketAddr) -> bool {
    // RFC 4291, 2.7: interface-local and link-local scope.
    matches!(address, SocketAddr::V6(v6)
        if v6.scope_id() == 0 && v6.ip().is_multicast() && matches!(v6.ip().segments()[0] & 0xF, 1 | 2))
}
