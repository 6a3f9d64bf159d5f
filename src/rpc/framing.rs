//! The form of the messages of calls in the queues of a socket.

use zmtp_proto::frame::{frame_len, write_header};
use zmtp_proto::message_shape::{last_part, split_first_part};
use zmtp_proto::request_envelope::DELIMITER;

/// The form of a message of a call in the queues of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing<'a> {
    /// The body of a single-part message.
    Body,
    /// The last part of a multipart message, after the frames of a request envelope.
    LastPart(&'a [u8]),
}

impl Framing<'static> {
    /// The form in which a DEALER sends requests, and accepts replies: after the delimiter.
    pub(crate) const DELIMITED: Self = Self::LastPart(&DELIMITER);
}

impl Framing<'_> {
    /// Returns the number of bytes that precede a message of `len` bytes.
    #[inline]
    pub(super) fn overhead(self, len: usize) -> usize {
        match self {
            Self::Body => 0,
            Self::LastPart(envelope) => envelope.len() + frame_len(len) - len,
        }
    }

    /// Writes the bytes that precede a message of `len` bytes to the beginning of `dst`.
    #[inline]
    pub(super) fn write(self, len: usize, dst: &mut [u8]) {
        if let Self::LastPart(envelope) = self {
            let (before, header) = dst.split_at_mut(envelope.len());
            before.copy_from_slice(envelope);
            write_header(header, false, len);
        }
    }
}

/// Returns the part after the delimiter, if the message consists of these two.
#[inline]
pub(super) fn delimited(frames: &[u8]) -> Option<&[u8]> {
    let (delimiter, rest) = split_first_part(frames)?;
    if delimiter.is_empty() { last_part(rest) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimited_message_has_an_empty_part_and_one_other() {
        assert_eq!(delimited(b"\x01\x00\x00\x02hi"), Some(&b"hi"[..]));
        assert_eq!(delimited(b"\x03\0\0\0\0\0\0\0\0\x00\x02hi"), Some(&b"hi"[..]));
        assert_eq!(delimited(b"\x01\x00\x00\x00"), Some(&b""[..]));
        for frames in [
            &b""[..],
            b"\x00\x02hi",
            b"\x00\x00",
            b"\x01\x01a\x00\x02hi",
            b"\x01\x01a\x01\x00\x00\x02hi",
            b"\x01\x00\x01\x02hi\x00\x00",
        ] {
            assert_eq!(delimited(frames), None, "{frames:?}");
        }
    }

    #[test]
    fn the_bytes_before_a_message_are_an_envelope_and_a_header() {
        let envelope = b"\x01\x02id\x01\x00";
        for (len, header) in [(9, &b"\x00\x09"[..]), (256, b"\x02\0\0\0\0\0\0\x01\0")] {
            let framing = Framing::LastPart(envelope);
            let mut written = vec![0xFF; framing.overhead(len)];
            framing.write(len, &mut written);
            assert_eq!(written, [&envelope[..], header].concat());
            assert_eq!(Framing::Body.overhead(len), 0);
        }
    }
}
