//! The options that sockets of TCP and of UDP have in common.

use std::io;

use socket2::Socket;

use crate::options::TcpOptions;
use crate::platform::sockets::{self, check};

/// Sets the options that can be set at any time.
pub(in crate::transport) fn set(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    if let Some(name) = &options.device {
        sockets::set_device(socket, name)?;
    }
    if let Some(bytes) = options.recv_buffer_size {
        check("SO_RCVBUF", socket.set_recv_buffer_size(bytes as usize))?;
    }
    if let Some(bytes) = options.send_buffer_size {
        check("SO_SNDBUF", socket.set_send_buffer_size(bytes as usize))?;
    }
    if let Some(byte) = options.type_of_service {
        sockets::set_type_of_service(socket, byte)?;
    }
    // The type of service also sets the priority.
    if let Some(priority) = options.priority {
        sockets::set_priority(socket, priority)?;
    }
    Ok(())
}
