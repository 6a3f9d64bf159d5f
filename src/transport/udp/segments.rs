//! Several datagrams for one call of the system, where it splits what is sent.

use std::io;

use tokio::net::UdpSocket;

use crate::platform::datagrams;

/// Whether the system splits what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offload {
    None,
    /// It splits what is longer than this; zero for nothing.
    Segments(usize),
}

impl Offload {
    pub(super) fn of_sender(socket: &UdpSocket) -> Self {
        match datagrams::set_segment(socket, 0) {
            Ok(()) => Self::Segments(0),
            Err(_) => Self::None,
        }
    }

    /// Returns whether the system splits this many bytes into datagrams of one length, of which the
    /// last may be shorter.
    pub(super) const fn splits(self, len: usize, segment: usize) -> bool {
        matches!(self, Self::Segments(_))
            && segment <= SEGMENT_MAX
            && len <= SEGMENTS_MAX * segment
            && len <= BATCH_MAX
    }

    /// Sends datagrams one by one from now on. Returns whether they were sent together before.
    ///
    /// The system applies the last length to single datagrams as well, so that it is cleared.
    pub(super) fn disable(&mut self, socket: &UdpSocket) -> bool {
        let Self::Segments(present) = *self else { return false };
        if present > 0 {
            let _ = datagrams::set_segment(socket, 0);
        }
        *self = Self::None;
        true
    }

    /// Sets the length of the datagrams, if there are several or one could be split by mistake.
    pub(super) fn prepare(
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
            datagrams::set_segment(socket, wanted)?;
            *self = Self::Segments(wanted);
        }
        Ok(())
    }
}

/// The longest datagram that is sent together with others: what every path of IPv6 carries (1,280
/// bytes, RFC 8200, 5) without the headers. The system does not split into fragments what it
/// segments.
const SEGMENT_MAX: usize = 1_232;

/// The limit of Linux, `UDP_MAX_SEGMENTS`.
const SEGMENTS_MAX: usize = 64;

/// Below 65,535 bytes, the limit of a packet, headers included.
const BATCH_MAX: usize = 0xFF00;
