//! The frame header: flags and size (RFC 37, Framing).

use bytes::{BufMut, BytesMut};
use thiserror::Error;

/// The flags and the size that precede every frame body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// More frames of the same message follow. Never set on a command.
    pub more: bool,
    /// The body is a command. Otherwise it is a part of a message.
    pub command: bool,
    /// The size has eight bytes. Senders should use this form only for bodies above 255 bytes, but
    /// libzmq and this crate accept it for every size.
    pub long: bool,
    /// The size of the body in bytes; below 2^63.
    pub size: u64,
}

impl Header {
    /// Decodes the header at the start of `input`. Returns `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// Invalid flags are refused as soon as they arrive, before the rest of the header.
    #[inline]
    pub fn decode(input: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some((&flags, input)) = input.split_first() else {
            return Ok(None);
        };
        if flags & RESERVED != 0x00 {
            return Err(FrameError::ReservedFlags { flags });
        }
        let more = flags & MORE != 0x00;
        let command = flags & COMMAND != 0x00;
        if command && more {
            return Err(FrameError::CommandWithMore);
        }
        let long = flags & LONG != 0x00;
        let size = if long {
            let Some(&size) = input.first_chunk() else {
                return Ok(None);
            };
            u64::from_be_bytes(size)
        } else {
            let Some(&size) = input.first() else {
                return Ok(None);
            };
            u64::from(size)
        };
        if size > SIZE_MAX {
            return Err(FrameError::SizeOverflow { size });
        }
        Ok(Some(Self { more, command, long, size }))
    }

    /// Returns the size of the header itself: 2 or 9 bytes.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub fn len(&self) -> usize {
        if self.long { LONG_LENGTH } else { SHORT_LENGTH }
    }

    /// Returns the body that follows this header at the start of `input`, if it is complete.
    #[inline]
    pub fn body<'a>(&self, input: &'a [u8]) -> Option<&'a [u8]> {
        let size = usize::try_from(self.size).ok()?;
        input.get(self.len()..)?.get(..size)
    }
}

/// Appends the header of a message's last, or only, frame with a body of `len` bytes.
#[inline]
pub fn put_message_header(dst: &mut BytesMut, len: usize) {
    put_header(dst, 0x00, len);
}

/// Appends the header of a frame that other frames of the same message follow, with a body of `len`
/// bytes.
#[inline]
pub fn put_part_header(dst: &mut BytesMut, len: usize) {
    put_header(dst, MORE, len);
}

/// Writes the header of a frame with a body of `len` bytes to the beginning of `dst`, and returns
/// its length. `more` states whether other frames of the same message follow.
///
/// # Panics
///
/// `dst` is shorter than the header.
#[inline]
pub fn write_header(dst: &mut [u8], more: bool, len: usize) -> usize {
    let flags = if more { MORE } else { 0x00 };
    if let Ok(size) = u8::try_from(len) {
        dst[..SHORT_LENGTH].copy_from_slice(&[flags, size]);
        return SHORT_LENGTH;
    }
    dst[0] = flags | LONG;
    dst[1..LONG_LENGTH].copy_from_slice(&(len as u64).to_be_bytes());
    LONG_LENGTH
}

/// Clears the COMMAND flag of the frame at the beginning of `input`, which turns it into a message.
#[inline]
pub fn mark_as_message(input: &mut [u8]) {
    if let Some(flags) = input.first_mut() {
        *flags &= !COMMAND;
    }
}

/// Clears the MORE flag of the frame at the beginning of `frames`, which makes it the last of its
/// message.
#[inline]
pub const fn mark_as_last(frames: &mut [u8]) {
    if let Some(flags) = frames.first_mut() {
        *flags &= !MORE;
    }
}

/// Returns the size of a frame with a body of `len` bytes.
#[inline]
pub fn frame_len(len: usize) -> usize {
    let header = if len <= usize::from(u8::MAX) { SHORT_LENGTH } else { LONG_LENGTH };
    header + len
}

/// Appends the header of a command with a body of `len` bytes.
#[inline]
pub fn put_command_header(dst: &mut BytesMut, len: usize) {
    put_header(dst, COMMAND, len);
}

/// Appends a header as one slice, because each append checks the capacity of the buffer.
#[inline]
fn put_header(dst: &mut BytesMut, flags: u8, len: usize) {
    if let Ok(size) = u8::try_from(len) {
        dst.put_slice(&[flags, size]);
    } else {
        let mut header = [0x00; LONG_LENGTH];
        header[0] = flags | LONG;
        header[1..].copy_from_slice(&(len as u64).to_be_bytes());
        dst.put_slice(&header);
    }
}

/// The reason why a frame header is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The flags byte sets bits that are reserved (RFC 37, Framing: "MUST be zero").
    #[error("frame flags {flags:#04x} set reserved bits")]
    ReservedFlags {
        /// The whole flags byte.
        flags: u8,
    },
    /// A command claims to continue in the next frame, but commands are always one frame.
    #[error("command frame announces more frames")]
    CommandWithMore,
    /// The size is 2^63 or more.
    #[error("frame size {size:#x} is beyond 2^63 - 1")]
    SizeOverflow {
        /// The size as it was sent.
        size: u64,
    },
}

/// Flags of a message frame with a short size (RFC 37, Formal Grammar: `message-last`).
pub const SHORT_MESSAGE: u8 = 0x00;

/// Flags of a frame with a short size that other frames of the same message follow.
pub const SHORT_PART: u8 = MORE;

/// Flags of a message frame with a long size.
pub const LONG_MESSAGE: u8 = LONG;

// Flag bits, RFC 37, Framing.
const MORE: u8 = 0x01;
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;
const RESERVED: u8 = 0xF8;

/// RFC 37, Formal Grammar: "long-size = 8OCTET ; Body is 0 to 2^63-1 octets".
const SIZE_MAX: u64 = 0x7FFF_FFFF_FFFF_FFFF;

/// The size of a header with a short size.
pub const SHORT_LENGTH: usize = 2;
/// The size of a header with a long size.
pub const LONG_LENGTH: usize = 9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_of_255_bytes_is_announced_in_one_byte() {
        assert_eq!(message_header(0), [0x00, 0x00]);
        assert_eq!(message_header(255), [0x00, 0xFF]);
        assert_eq!(command_header(255), [0x04, 0xFF]);
    }

    #[test]
    fn a_body_of_256_bytes_is_announced_in_eight_bytes() {
        assert_eq!(message_header(256), [0x02, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(command_header(256), [0x06, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_long_header_may_announce_a_short_body() {
        let header = Header::decode(&[0x03, 0, 0, 0, 0, 0, 0, 0, 5]).unwrap().unwrap();

        assert!(header.more);
        assert_eq!(header.size, 5);
        assert_eq!(header.len(), 9);
    }

    #[test]
    fn reserved_flags_are_refused_at_the_first_byte() {
        for bit in 3..8 {
            let flags = 1 << bit;
            assert_eq!(Header::decode(&[flags]), Err(FrameError::ReservedFlags { flags }));
        }
    }

    #[test]
    fn a_command_that_announces_more_frames_is_refused() {
        assert_eq!(Header::decode(&[0x05, 0x00]), Err(FrameError::CommandWithMore));
        assert_eq!(Header::decode(&[0x07]), Err(FrameError::CommandWithMore));
    }

    #[test]
    fn a_size_with_its_top_bit_set_is_refused() {
        assert_eq!(
            Header::decode(&[0x02, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            Err(FrameError::SizeOverflow { size: 0x8000_0000_0000_0000 })
        );
        let largest = Header::decode(&[0x02, 0x7F, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(largest.unwrap().unwrap().size, 0x7FFF_FFFF_FFFF_FFFF);
    }

    #[test]
    fn an_incomplete_body_is_not_returned() {
        let frame = [0x00, 0x02, b'h', b'i', 0x00];
        let header = Header::decode(&frame).unwrap().unwrap();

        assert_eq!(header.body(&frame[..1]), None);
        assert_eq!(header.body(&frame[..3]), None);
        assert_eq!(header.body(&frame), Some(b"hi".as_slice()));
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(len in prop_oneof![0..600_usize, any::<u32>().prop_map(|len| len as usize)]) {
            for (encoded, command) in [(message_header(len), false), (command_header(len), true)] {
                let header = Header::decode(&encoded).unwrap().unwrap();
                prop_assert_eq!(header.size, len as u64);
                prop_assert_eq!(header.command, command);
                prop_assert!(!header.more);
                prop_assert_eq!(header.len(), encoded.len());
            }
        }

        #[test]
        fn a_truncated_header_needs_more(len in any::<u32>()) {
            let encoded = message_header(len as usize);
            for end in 0..encoded.len() {
                prop_assert_eq!(Header::decode(&encoded[..end]), Ok(None));
            }
        }

        #[test]
        fn bytes_after_the_header_do_not_matter(input in prop::collection::vec(any::<u8>(), 0..16)) {
            if let Ok(Some(header)) = Header::decode(&input) {
                prop_assert_eq!(Header::decode(&input[..header.len()]), Ok(Some(header)));
                prop_assert_eq!(Header::decode(&input[..header.len() - 1]), Ok(None));
            }
        }
    }

    fn message_header(len: usize) -> Vec<u8> {
        let mut dst = BytesMut::new();
        put_message_header(&mut dst, len);
        dst.into()
    }

    fn command_header(len: usize) -> Vec<u8> {
        let mut dst = BytesMut::new();
        put_command_header(&mut dst, len);
        dst.into()
    }
}
