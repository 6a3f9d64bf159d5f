//! The options that sockets of TCP and of UDP have in common.

use std::io;
use std::net::SocketAddr;

use socket2::Socket;
use thiserror::Error;

use crate::options::TcpOptions;

/// The reason why options cannot be applied to a socket. Always within an [`io::Error`].
#[derive(Debug, Error)]
pub(in crate::transport) enum OptionError {
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
    pub(in crate::transport) fn is_in(error: &io::Error) -> bool {
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

/// Sets the options that can be set at any time.
pub(in crate::transport) fn set(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    #[cfg(linux_kernel)]
    set_device(socket, options)?;
    if let Some(bytes) = options.recv_buffer_size {
        check("SO_RCVBUF", socket.set_recv_buffer_size(bytes as usize))?;
    }
    if let Some(bytes) = options.send_buffer_size {
        check("SO_SNDBUF", socket.set_send_buffer_size(bytes as usize))?;
    }
    #[cfg(type_of_service)]
    set_type_of_service(socket, options)?;
    // The type of service also sets the priority.
    #[cfg(linux_kernel)]
    set_priority(socket, options)?;
    Ok(())
}

#[cfg(linux_kernel)]
fn set_device(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    let Some(name) = &options.device else { return Ok(()) };
    let outcome = if name.len() > DEVICE_NAME_MAX {
        Err(io::ErrorKind::InvalidInput.into())
    } else {
        socket.bind_device(Some(name.as_bytes()))
    };
    check("SO_BINDTODEVICE", outcome)
}

/// Sets the priority of outgoing packets.
#[cfg(linux_kernel)]
pub(in crate::transport) fn set_priority(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    let Some(priority) = options.priority else { return Ok(()) };
    check("SO_PRIORITY", socket.set_priority(priority))
}

#[cfg(type_of_service)]
fn set_type_of_service(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    let Some(byte) = options.type_of_service else { return Ok(()) };
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

/// Names the option that was refused.
pub(in crate::transport) fn check(option: &'static str, outcome: io::Result<()>) -> io::Result<()> {
    outcome.map_err(|source| OptionError::Refused { option, source }.into())
}

/// The longest name of an interface (Linux, `IFNAMSIZ` without the zero at its end). The system
/// truncates a longer name, which could then match another interface.
#[cfg(linux_kernel)]
const DEVICE_NAME_MAX: usize = 15;
