//! The envelope of a request.

use zmtp_proto::request_envelope::{ReqEnvelope, split_envelope};

use crate::message::Message;

/// Puts an envelope in front of the frames of a request. A long request is copied: its frames must
/// be contiguous.
#[inline]
pub(super) fn enclose(envelope: ReqEnvelope, frames: &Message) -> Message {
    let len = envelope_len(envelope) + frames.len();
    let mut enclosed = Vec::new();
    if len > Message::SHORT {
        enclosed.reserve_exact(len);
        envelope.encode(&mut enclosed);
        enclosed.extend_from_slice(frames);
        return Message::from(enclosed);
    }
    let mut short = Short { bytes: [0; Message::SHORT], len: 0 };
    envelope.encode(&mut short);
    short.extend_from_slice(frames);
    Message::short(short.bytes, short.len, None)
}

/// Returns the frames of a request, without the envelope that this socket has put in front of them.
pub(super) fn body(is_correlated: bool, request: &Message) -> Message {
    let id = [0; 4];
    let envelope = if is_correlated { ReqEnvelope::Correlated(id) } else { ReqEnvelope::Plain };
    request.tail(envelope_len(envelope))
}

/// Returns the frames of a request whose socket is closed, without its envelope.
pub(in crate::routing) fn open(request: &Message) -> Message {
    // The forms of requests and replies are the same.
    request.tail(split(request).map_or(0, |(_, body)| body))
}

/// Splits a reply into its envelope and the position of its body. Returns `None` if it does not
/// have the form of a reply to a REQ.
#[inline]
pub(super) fn split(reply: &[u8]) -> Option<(ReqEnvelope, usize)> {
    let (envelope, _) = split_envelope(reply)?;
    Some((ReqEnvelope::decode(envelope)?, envelope.len()))
}

const fn envelope_len(envelope: ReqEnvelope) -> usize {
    match envelope {
        ReqEnvelope::Plain => 2,
        ReqEnvelope::Correlated(_) => 8,
    }
}

/// A message that is short enough to be stored inline.
struct Short {
    bytes: [u8; Message::SHORT],
    len: usize,
}

impl Short {
    fn extend_from_slice(&mut self, more: &[u8]) {
        let end = self.len + more.len();
        self.bytes[self.len..end].copy_from_slice(more);
        self.len = end;
    }
}

impl Extend<u8> for Short {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, more: I) {
        for byte in more {
            self.extend_from_slice(&[byte]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_enclosed_and_its_body_is_found_again() {
        let id = *b"\x4B\x94\xE8\x2A";
        for len in [0, 1, 61, 62, 63, 64, 70, 71, 200] {
            let mut frames = vec![0, len];
            frames.extend(vec![7; usize::from(len)]);
            let frames = Message::from(frames);
            for (envelope, prefix) in [
                (ReqEnvelope::Plain, &b"\x01\x00"[..]),
                (ReqEnvelope::Correlated(id), b"\x01\x04\x4B\x94\xE8\x2A\x01\x00"),
            ] {
                let enclosed = enclose(envelope, &frames);
                assert_eq!(enclosed, [prefix, &frames].concat());
                assert_eq!(split(&enclosed), Some((envelope, prefix.len())));
                assert_eq!(body(envelope != ReqEnvelope::Plain, &enclosed), frames);
            }
        }
    }
}
