//! Several datagrams for one call of the system, where it supports that: Linux splits what is sent
//! into datagrams of one length (`UDP_SEGMENT`, since 4.18), and joins what it receives (`UDP_GRO`,
//! since 5.0).

use std::io;

#[cfg(linux_kernel)]
pub(super) use self::linux::{Offload, enable_receive, is_unsupported, try_recv};
#[cfg(not(linux_kernel))]
pub(super) use self::other::{Offload, enable_receive, is_unsupported, try_recv};

/// What one call returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    /// The bytes of all datagrams.
    pub(super) len: usize,
    /// The length of each datagram but the last.
    pub(super) segment: usize,
    /// The number of datagrams that the system has dropped since the socket was opened.
    pub(super) dropped: Option<u32>,
}

#[cfg(linux_kernel)]
mod linux {
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::sockopt::{RxqOvfl, UdpGroSegment, UdpGsoSegment};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use super::{Arrived, io};
    use crate::transport::udp::DatagramBatch;

    /// Whether the system splits what is sent.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::transport::udp) enum Offload {
        None,
        /// It splits what is longer than this; zero for nothing.
        Segments(usize),
    }

    impl Offload {
        pub(in crate::transport::udp) fn of_sender(socket: &UdpSocket) -> Self {
            match setsockopt(socket, UdpGsoSegment, &0) {
                Ok(()) => Self::Segments(0),
                Err(_) => Self::None,
            }
        }

        /// Returns whether another datagram can be sent together with those of a batch.
        pub(in crate::transport::udp) fn accepts(self, batch: &DatagramBatch, len: usize) -> bool {
            let DatagramBatch { encoded, datagrams, segment, .. } = batch;
            matches!(self, Self::Segments(_))
                && encoded.len() == datagrams * segment
                && len <= *segment
                && *segment <= SEGMENT_MAX
                && *datagrams < SEGMENTS_MAX
                && encoded.len() + len <= BATCH_MAX
        }

        /// Sends datagrams one by one from now on. Returns whether they were sent together before.
        ///
        /// The system applies the last length to single datagrams as well, so that it is cleared.
        pub(in crate::transport::udp) fn disable(&mut self, socket: &UdpSocket) -> bool {
            let Self::Segments(present) = *self else { return false };
            if present > 0 {
                let _ = setsockopt(socket, UdpGsoSegment, &0);
            }
            *self = Self::None;
            true
        }

        /// Sets the length of the datagrams, if there are several or one could be split by mistake.
        pub(in crate::transport::udp) fn prepare(
            &mut self,
            socket: &UdpSocket,
            len: usize,
            segment: usize,
        ) -> io::Result<()> {
            let Self::Segments(present) = *self else { return Ok(()) };
            let wanted = if len > segment { segment } else { 0 };
            // A length that splits nothing can stay.
            let is_right = present == wanted || wanted == 0 && len <= present;
            if !is_right {
                let value = i32::try_from(wanted).map_err(io::Error::other)?;
                setsockopt(socket, UdpGsoSegment, &value)?;
                *self = Self::Segments(wanted);
            }
            Ok(())
        }
    }

    /// Lets the system join datagrams, and count those that it drops.
    pub(in crate::transport::udp) fn enable_receive(socket: &UdpSocket) {
        // Older systems do neither.
        let _ = setsockopt(socket, UdpGroSegment, &true);
        let _ = setsockopt(socket, RxqOvfl, &1);
    }

    /// Returns whether datagrams may be accepted one by one that are refused together: the
    /// interface cannot calculate their checksums, or they are longer than it allows.
    pub(in crate::transport::udp) fn is_unsupported(error: &io::Error) -> bool {
        use nix::errno::Errno;
        let unsupported = [Errno::EIO, Errno::EINVAL, Errno::EMSGSIZE];
        error.raw_os_error().is_some_and(|code| unsupported.contains(&Errno::from_raw(code)))
    }

    pub(in crate::transport::udp) fn try_recv(
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> io::Result<Arrived> {
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

    /// The longest datagram that is sent together with others: what every path of IPv6 carries
    /// (1,280 bytes, RFC 8200, 5) without the headers. The system does not split into fragments
    /// what it segments.
    const SEGMENT_MAX: usize = 1_232;

    /// The limit of Linux, `UDP_MAX_SEGMENTS`.
    const SEGMENTS_MAX: usize = 64;

    /// Below 65,535 bytes, the limit of a packet, headers included.
    const BATCH_MAX: usize = 0xFF00;
}

#[cfg(not(linux_kernel))]
mod other {
    use tokio::net::UdpSocket;

    use super::{Arrived, io};
    use crate::transport::udp::DatagramBatch;

    /// The system takes and returns datagrams one by one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::transport::udp) enum Offload {
        None,
    }

    impl Offload {
        pub(in crate::transport::udp) const fn of_sender(_socket: &UdpSocket) -> Self {
            Self::None
        }

        pub(in crate::transport::udp) const fn accepts(
            self,
            _batch: &DatagramBatch,
            _len: usize,
        ) -> bool {
            false
        }

        pub(in crate::transport::udp) const fn disable(&mut self, _socket: &UdpSocket) -> bool {
            false
        }

        pub(in crate::transport::udp) const fn prepare(
            &mut self,
            _socket: &UdpSocket,
            _len: usize,
            _segment: usize,
        ) -> io::Result<()> {
            Ok(())
        }
    }

    pub(in crate::transport::udp) const fn enable_receive(_socket: &UdpSocket) {}

    pub(in crate::transport::udp) const fn is_unsupported(_error: &io::Error) -> bool {
        false
    }

    pub(in crate::transport::udp) fn try_recv(
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> io::Result<Arrived> {
        let len = socket.try_recv(buffer)?;
        Ok(Arrived { len, segment: len, dropped: None })
    }
}
