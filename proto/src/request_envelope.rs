//! The envelope of requests and replies (RFC 28).
//!
//! A message between REQ, REP, DEALER and ROUTER is an envelope and a body. The envelope is the
//! path back: all parts up to and including the first empty one, the delimiter. A REQ sends an
//! envelope of the delimiter alone, or of a correlation id and the delimiter; each ROUTER on the
//! path puts an identity in front. A REP keeps the envelope of a request, and puts it in front of
//! the reply.
//!
//! Both halves are frames, back to back, and are joined again by writing one after the other. No
//! function here copies a body.
//!
//! # Examples
//!
//! ```
//! use zmtp_proto::message_shape::parts;
//! use zmtp_proto::request_envelope::split_envelope;
//!
//! let request = b"\x01\x03id2\x01\x03id1\x01\x00\x00\x05hello";
//! let (envelope, body) = split_envelope(request).unwrap();
//! assert!(parts(body).eq([b"hello"]));
//!
//! let reply = [envelope, b"\x00\x05world"].concat();
//! assert_eq!(reply, b"\x01\x03id2\x01\x03id1\x01\x00\x00\x05world");
//! ```

use super::frame::{SHORT_LENGTH, SHORT_PART};
use super::message_shape::split_first_part;

/// Splits the frames of a message into its envelope and its body, both as frames.
///
/// Any number of parts can precede the delimiter. Empty parts after it belong to the body, which
/// has at least one part.
///
/// Returns `None` if no empty part precedes the last part: such a message has no envelope, or no
/// body.
#[inline]
#[must_use]
pub fn split_envelope(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    // A REQ sends nothing else.
    if let [SHORT_PART, 0x00, ..] = frames {
        return frames.split_at_checked(SHORT_LENGTH);
    }
    let mut rest = frames;
    loop {
        let (part, others) = split_first_part(rest)?;
        rest = others;
        if part.is_empty() {
            return frames.split_at_checked(frames.len() - rest.len());
        }
    }
}

/// The envelope that a REQ sends with its requests, and accepts with replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReqEnvelope {
    /// The delimiter alone.
    Plain,
    /// A correlation id and the delimiter. Other sockets return the id unchanged (libzmq
    /// `ZMQ_REQ_CORRELATE`).
    Correlated([u8; 4]),
}

impl ReqEnvelope {
    /// Decodes the frames of an envelope. Returns `None` if it has other parts than those of a REQ.
    #[must_use]
    pub fn decode(envelope: &[u8]) -> Option<Self> {
        let (first, rest) = split_first_part(envelope)?;
        if first.is_empty() {
            return rest.is_empty().then_some(Self::Plain);
        }
        let id = first.try_into().ok()?;
        let (delimiter, rest) = split_first_part(rest)?;
        (delimiter.is_empty() && rest.is_empty()).then_some(Self::Correlated(id))
    }

    /// Appends the frames of the envelope. The frames of the body follow them.
    pub fn encode(self, dst: &mut impl Extend<u8>) {
        if let Self::Correlated(id) = self {
            dst.extend([SHORT_PART, 0x04]);
            dst.extend(id);
        }
        dst.extend(DELIMITER);
    }
}

/// The frame of the delimiter.
pub const DELIMITER: [u8; SHORT_LENGTH] = [SHORT_PART, 0x00];

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{put_message_header, put_part_header};
    use crate::message_shape::parts;

    #[test]
    fn an_envelope_of_two_ids_is_split_after_its_delimiter() {
        let request = b"\x01\x03id2\x01\x03id1\x01\x00\x01\x02b1\x01\x00\x00\x02b2";
        let (envelope, body) = split_envelope(request).unwrap();
        assert_eq!(envelope, b"\x01\x03id2\x01\x03id1\x01\x00");
        assert_eq!(body, b"\x01\x02b1\x01\x00\x00\x02b2");
    }

    #[test]
    fn a_message_without_an_empty_part_before_its_last_has_no_envelope() {
        for frames in [
            &b""[..],
            b"\x00\x00",
            b"\x00\x01a",
            b"\x01\x01a\x00\x00",
            b"\x01\x01a\x01\x01b\x00\x01c",
        ] {
            assert_eq!(split_envelope(frames), None, "{frames:?}");
        }
    }

    #[test]
    fn a_delimiter_may_have_a_long_header() {
        let delimiter = b"\x03\0\0\0\0\0\0\0\0";
        let frames = [&delimiter[..], b"\x00\x01a"].concat();
        assert_eq!(split_envelope(&frames), Some((&delimiter[..], &b"\x00\x01a"[..])));
        assert_eq!(ReqEnvelope::decode(delimiter), Some(ReqEnvelope::Plain));
    }

    #[test]
    fn an_envelope_of_a_req_has_no_or_one_part_of_four_bytes_before_the_delimiter() {
        let id = *b"\x4B\x94\xE8\x2A";
        for (envelope, bytes) in [
            (ReqEnvelope::Plain, &b"\x01\x00"[..]),
            (ReqEnvelope::Correlated(id), b"\x01\x04\x4B\x94\xE8\x2A\x01\x00"),
        ] {
            let mut encoded = Vec::new();
            envelope.encode(&mut encoded);
            assert_eq!(encoded, bytes);
            assert_eq!(ReqEnvelope::decode(bytes), Some(envelope));
        }
        for bytes in [
            &b""[..],
            b"\x01\x03abc\x01\x00",
            b"\x01\x05abcde\x01\x00",
            b"\x01\x04abcd",
            b"\x01\x04abcd\x01\x04abcd\x01\x00",
            b"\x01\x00\x01\x00",
        ] {
            assert_eq!(ReqEnvelope::decode(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn an_envelope_and_a_body_are_found_again(
            ids in vec(vec(any::<u8>(), 1..300), 0..20),
            body in vec(vec(any::<u8>(), 0..300), 1..5),
        ) {
            let mut frames = BytesMut::new();
            for part in ids.iter().map(Vec::as_slice).chain([&[][..]]) {
                put_part(&mut frames, part);
            }
            let envelope = frames.clone();
            let mut body_frames = BytesMut::new();
            let (last, others) = body.split_last().unwrap();
            others.iter().for_each(|part| put_part(&mut body_frames, part));
            put_message_header(&mut body_frames, last.len());
            body_frames.extend_from_slice(last);
            frames.extend_from_slice(&body_frames);
            prop_assert_eq!(split_envelope(&frames), Some((&envelope[..], &body_frames[..])));
            // The body alone has no envelope, unless it has an empty part before the last.
            let has_delimiter = others.iter().any(Vec::is_empty);
            prop_assert_eq!(split_envelope(&body_frames).is_some(), has_delimiter);
        }

        #[test]
        fn the_halves_of_any_bytes_are_joined_to_the_same_bytes(
            bytes in vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..40),
        ) {
            let Some((envelope, body)) = split_envelope(&bytes) else { return Ok(()) };
            prop_assert_eq!([envelope, body].concat(), &bytes[..]);
            let mut ids: Vec<_> = parts(envelope).collect();
            prop_assert_eq!(ids.pop(), Some(&[][..]));
            prop_assert!(ids.iter().all(|id| !id.is_empty()));
            if let Some(envelope_of_req) = ReqEnvelope::decode(envelope) {
                let mut encoded = Vec::new();
                envelope_of_req.encode(&mut encoded);
                prop_assert!(parts(&encoded).eq(parts(envelope)));
            }
        }
    }

    fn put_part(dst: &mut BytesMut, part: &[u8]) {
        put_part_header(dst, part.len());
        dst.extend_from_slice(part);
    }
}
