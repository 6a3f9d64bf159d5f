//! Options of TCP and UDP sockets.
//!
//! Where a system does not have an option of the user, the builder does not have its setter. The
//! fallback, [`Unsupported`](io::ErrorKind::Unsupported), is then never reached.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Socket, TcpKeepalive};
use thiserror::Error;

/// The reason why options cannot be applied to a socket. Always within an [`io::Error`].
#[derive(Debug, Error)]
pub(crate) enum OptionError {
    /// The system refused an option.
    #[error("cannot set {option}")]
    Refused {
        /// The system's name of the option.
        option: &'static str,
        source: io::Error,
    },
    /// The system refused the source address.
    #[error("cannot connect from {address}")]
    Source { address: SocketAddr, source: io::Error },
    /// A remote without an IPv6 address cannot be reached from one, and likewise for IPv4.
    #[error("the remote has no address of the same family as the source address {address}")]
    SourceFamily { address: SocketAddr },
}

impl OptionError {
    /// Returns whether an error has this cause.
    pub(crate) fn is_in(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

impl From<OptionError> for io::Error {
    fn from(error: OptionError) -> Self {
        let kind = match &error {
            OptionError::Refused { source, .. } | OptionError::Source { source, .. } => {
                source.kind()
            }
            OptionError::SourceFamily { .. } => io::ErrorKind::AddrNotAvailable,
        };
        Self::new(kind, error)
    }
}

/// Names the option that was refused.
pub(crate) fn check(option: &'static str, outcome: io::Result<()>) -> io::Result<()> {
    outcome.map_err(|source| OptionError::Refused { option, source }.into())
}

/// Sets the network interface that the packets pass, by its name.
pub(crate) fn set_device(socket: &Socket, name: &str) -> io::Result<()> {
    #[cfg(linux_kernel)]
    let outcome = if name.len() > DEVICE_NAME_MAX {
        Err(io::ErrorKind::InvalidInput.into())
    } else {
        socket.bind_device(Some(name.as_bytes()))
    };
    #[cfg(not(linux_kernel))]
    let outcome = unsupported(socket, name);
    check("SO_BINDTODEVICE", outcome)
}

/// Sets the priority of outgoing packets.
pub(crate) fn set_priority(socket: &Socket, priority: u32) -> io::Result<()> {
    #[cfg(linux_kernel)]
    let outcome = socket.set_priority(priority);
    #[cfg(not(linux_kernel))]
    let outcome = unsupported(socket, priority);
    check("SO_PRIORITY", outcome)
}

/// Sets how long sent data may stay unacknowledged; zero leaves it to the system.
pub(crate) fn set_user_timeout(socket: &Socket, limit: Duration) -> io::Result<()> {
    #[cfg(linux_kernel)]
    let outcome = socket.set_tcp_user_timeout(Some(limit));
    #[cfg(not(linux_kernel))]
    let outcome = unsupported(socket, limit);
    check("TCP_USER_TIMEOUT", outcome)
}

/// Limits the bytes that the system accepts beyond those that it can send. Elsewhere, its buffer is
/// the limit.
pub(crate) fn limit_unsent(socket: &Socket, bytes: u32) {
    #[cfg(linux_kernel)]
    let _ = socket.set_tcp_notsent_lowat(bytes);
    #[cfg(not(linux_kernel))]
    let _ = (socket, bytes);
}

/// Sets the byte by which networks classify traffic.
#[cfg(type_of_service)]
pub(crate) fn set_type_of_service(socket: &Socket, byte: u8) -> io::Result<()> {
    let is_ipv6 = socket.local_addr()?.is_ipv6();
    // On other systems an IPv6 socket has no type of service for IPv4 traffic.
    if !is_ipv6 || cfg!(linux_kernel) {
        check("IP_TOS", socket.set_tos_v4(byte.into()))?;
    }
    if is_ipv6 {
        check("IPV6_TCLASS", socket.set_tclass_v6(byte.into()))?;
    }
    Ok(())
}

#[cfg(not(type_of_service))]
pub(crate) fn set_type_of_service(socket: &Socket, byte: u8) -> io::Result<()> {
    check("IP_TOS", unsupported(socket, byte))
}

/// Returns the details of keep-alive probes: how long a connection must be silent before them, the
/// time between them, and their number. `None` leaves a detail to the system, as does a system
/// without the last two.
pub(crate) fn keepalive(
    idle: Option<Duration>,
    interval: Option<Duration>,
    count: Option<u32>,
) -> TcpKeepalive {
    let mut details = TcpKeepalive::new();
    if let Some(idle) = idle {
        details = details.with_time(idle);
    }
    #[cfg(tcp_keepalive_details)]
    {
        if let Some(interval) = interval {
            details = details.with_interval(interval);
        }
        if let Some(count) = count {
            details = details.with_retries(count);
        }
    }
    #[cfg(not(tcp_keepalive_details))]
    let _ = (interval, count);
    details
}

/// Lets an address be bound while earlier connections from it last.
pub(crate) fn reuse_address(socket: &Socket) -> io::Result<()> {
    // On Windows, the option would let other processes take the port.
    if cfg!(windows) { Ok(()) } else { socket.set_reuse_address(true) }
}

/// Lets several sockets be bound to the port, each of which receives every datagram that is sent to
/// a multicast address.
pub(crate) fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    // Elsewhere, the first option is enough.
    #[cfg(reuse_port)]
    socket.set_reuse_port(true)?;
    Ok(())
}

/// Lets the socket receive only the multicast addresses that it has joined, on the interface on
/// which it has joined them.
pub(crate) fn receive_only_joined(socket: &Socket, is_ipv4: bool) -> io::Result<()> {
    // Otherwise, Linux delivers what any socket of this machine has joined, on any interface.
    #[cfg(target_os = "linux")]
    if is_ipv4 {
        socket.set_multicast_all_v4(false)?;
    } else {
        // Since Linux 4.20. Before it, the address that is bound still excludes other groups.
        let _ = socket.set_multicast_all_v6(false);
    }
    // The option of Android is not in socket2. On other systems, this is the default.
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, is_ipv4);
    Ok(())
}

/// Whether a socket can be bound to a multicast address. Elsewhere it is bound to its port on all
/// addresses, and also receives what is sent to other addresses.
pub(crate) const BINDS_MULTICAST: bool = cfg!(unix);

#[cfg(not(linux_kernel))]
fn unsupported<T>(_: &Socket, _: T) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The longest name of an interface (Linux, `IFNAMSIZ` without the zero at its end). The system
/// truncates a longer name, which could then match another interface.
#[cfg(linux_kernel)]
const DEVICE_NAME_MAX: usize = 15;
