//! Several datagrams for one call of the system, where it supports that: Linux splits what is sent
//! into datagrams of one length (`UDP_SEGMENT`, since 4.18), and joins what it receives (`UDP_GRO`,
//! since 5.0).

use std::io;

#[cfg(linux_kernel)]
pub(crate) use self::linux::{is_refusal_to_split, join_received, set_segment, try_recv};
#[cfg(not(linux_kernel))]
pub(crate) use self::other::{is_refusal_to_split, join_received, set_segment, try_recv};

/// What one call returned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// The bytes of all datagrams.
    pub(crate) len: usize,
    /// The length of each datagram but the last.
    pub(crate) segment: usize,
    /// The number of datagrams that the system has dropped since the socket was opened.
    pub(crate) dropped: Option<u32>,
}

#[cfg(linux_kernel)]
mod linux {
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;

    use nix::errno::Errno;
    use nix::sys::socket::sockopt::{RxqOvfl, UdpGroSegment, UdpGsoSegment};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use super::{Arrived, io};

    /// Lets the system split what is sent into datagrams of this length; zero for nothing.
    pub(crate) fn set_segment(socket: &UdpSocket, segment: usize) -> io::Result<()> {
        let segment = i32::try_from(segment).map_err(io::Error::other)?;
        Ok(setsockopt(socket, UdpGsoSegment, &segment)?)
    }

    /// Returns whether datagrams may be accepted one by one that are refused together: the
    /// interface cannot calculate their checksums, or they are longer than it allows.
    pub(crate) fn is_refusal_to_split(error: &io::Error) -> bool {
        let refusals = [Errno::EIO, Errno::EINVAL, Errno::EMSGSIZE];
        error.raw_os_error().is_some_and(|code| refusals.contains(&Errno::from_raw(code)))
    }

    /// Lets the system join datagrams, and count those that it drops.
    pub(crate) fn join_received(socket: &UdpSocket) {
        // Older systems do neither.
        let _ = setsockopt(socket, UdpGroSegment, &true);
        let _ = setsockopt(socket, RxqOvfl, &1);
    }

    /// Returns datagrams that have arrived already.
    pub(crate) fn try_recv(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Arrived> {
        let mut control = nix::cmsg_space!(i32, u32);
        socket.try_io(Interest::READABLE, || {
            let mut slices = [IoSliceMut::new(buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = socket.as_raw_fd();
            let message = recvmsg::<()>(fd, &mut slices, Some(&mut control), flags)?;
            let len = message.bytes;
            let mut arrived = Arrived { len, segment: len, dropped: None };
            for control in message.cmsgs()? {
                match control {
                    ControlMessageOwned::UdpGroSegments(segment) => {
                        arrived.segment = usize::try_from(segment).unwrap_or(len);
                    }
                    ControlMessageOwned::RxqOvfl(dropped) => arrived.dropped = Some(dropped),
                    _ => {}
                }
            }
            Ok(arrived)
        })
    }
}

/// Datagrams are sent and received one by one, and those that the system drops are not counted.
#[cfg(not(linux_kernel))]
mod other {
    use tokio::net::UdpSocket;

    use super::{Arrived, io};

    pub(crate) fn set_segment(_: &UdpSocket, _: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn is_refusal_to_split(_: &io::Error) -> bool {
        false
    }

    pub(crate) fn join_received(_: &UdpSocket) {}

    pub(crate) fn try_recv(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Arrived> {
        let len = socket.try_recv(buffer)?;
        Ok(Arrived { len, segment: len, dropped: None })
    }
}
