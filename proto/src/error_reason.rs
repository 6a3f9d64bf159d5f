//! The reason inside an ERROR command (RFC 37, The NULL Security Mechanism).

use std::fmt;

use bytes::{BufMut, BytesMut};

/// The reason why a remote refuses the handshake.
///
/// It "can be logged" and "has no defined semantic value", so the behavior of a program should not
/// depend on it. libzmq sends the status codes of its authenticator: `300`, `400` or `500`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReason(Box<[u8]>);

impl ErrorReason {
    /// The reason of a ROUTER that has another remote with the identity that this one announces. It
    /// is temporary: the remote can try again.
    pub const DUPLICATE_IDENTITY: &'static str = "duplicate identity";

    /// The reason of a ROUTER for an identity that is not valid.
    pub const INVALID_IDENTITY: &'static str = "invalid identity";

    /// The reason of a socket that communicates with one remote at a time, and has another one. It
    /// is temporary: the remote can try again.
    pub const OCCUPIED: &'static str = "occupied";

    /// Returns whether a reason is known to be temporary, so that the remote can try again.
    pub fn is_temporary(reason: &str) -> bool {
        [Self::DUPLICATE_IDENTITY, Self::OCCUPIED].contains(&reason)
    }

    /// Creates a reason from at most the first 255 bytes, which is the limit of the command.
    pub fn new(reason: &[u8]) -> Self {
        Self(reason.get(..LEN_MAX).unwrap_or(reason).into())
    }

    /// Decodes the data of an ERROR command, or returns `None` if it is shorter than its length
    /// field.
    ///
    /// Bytes after the reason are ignored, as in libzmq: the remote has already ended the
    /// handshake, and its reason is more useful than an error about the format.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (&len, data) = data.split_first()?;
        data.get(..usize::from(len)).map(Self::new)
    }

    /// Appends the data of an ERROR command.
    pub fn encode(&self, dst: &mut BytesMut) {
        let len = u8::try_from(self.0.len()).expect("a reason has at most 255 bytes");
        dst.put_u8(len);
        dst.put_slice(&self.0);
    }

    /// Returns the number of bytes that [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        1 + self.0.len()
    }
}

/// Writes printable ASCII characters, and a replacement character for every other byte, so that a
/// remote cannot put control sequences into a log.
impl fmt::Display for ErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in &self.0 {
            let printable = byte.is_ascii_graphic() || byte == b' ';
            fmt::Write::write_char(
                f,
                if printable { char::from(byte) } else { char::REPLACEMENT_CHARACTER },
            )?;
        }
        Ok(())
    }
}

/// RFC 37, The NULL Security Mechanism: "error-reason = short-size 0*255VCHAR".
const LEN_MAX: usize = 0xFF;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reason_follows_its_length() {
        assert_eq!(encoded(&ErrorReason::new(b"400")), b"\x03400".as_slice());
        assert_eq!(encoded(&ErrorReason::new(b"")), b"\x00".as_slice());
    }

    #[test]
    fn a_reason_of_more_than_255_bytes_is_truncated() {
        let reason = ErrorReason::new(&[b'x'; 300]);

        assert_eq!(reason.0.len(), 255);
    }

    #[test]
    fn bytes_after_the_reason_are_ignored() {
        assert_eq!(ErrorReason::decode(b"\x03400\x00!"), Some(ErrorReason::new(b"400")));
    }

    #[test]
    fn control_characters_are_not_displayed() {
        let reason = ErrorReason::new(b"go\x1B[2J away\n\xFF");

        assert_eq!(reason.to_string(), "go\u{FFFD}[2J away\u{FFFD}\u{FFFD}");
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(bytes in prop::collection::vec(any::<u8>(), 0..=255)) {
            let reason = ErrorReason::new(&bytes);
            let data = encoded(&reason);

            prop_assert_eq!(data.len(), reason.encoded_len());
            prop_assert_eq!(ErrorReason::decode(&data), Some(reason));
            for end in 0..data.len() {
                prop_assert_eq!(ErrorReason::decode(&data[..end]), None);
            }
        }
    }

    fn encoded(reason: &ErrorReason) -> BytesMut {
        let mut dst = BytesMut::new();
        reason.encode(&mut dst);
        dst
    }
}
