//! Conversions between envelopes and messages.

use std::time::Duration;

use zmtp_proto::rpc::envelope::{Content, Envelope, ID};

use super::framing::Framing;
use crate::message::Message;

/// An encoded message without the id of its call, which is assigned when the message is queued.
#[derive(Debug)]
pub(super) enum UnaddressedEnvelope {
    Short {
        bytes: [u8; Message::SHORT],
        len: usize,
        /// The number of bytes before the envelope.
        start: usize,
    },
    Long {
        bytes: Vec<u8>,
        start: usize,
    },
}

impl UnaddressedEnvelope {
    #[inline]
    pub(super) fn new(framing: Framing<'_>, content: Content<'_>) -> Self {
        Self::encode(framing, Envelope { id: 0, content })
    }

    #[inline]
    fn encode(framing: Framing<'_>, envelope: Envelope<'_>) -> Self {
        let encoded_len = envelope.encoded_len();
        let start = framing.overhead(encoded_len);
        let len = start + encoded_len;
        if len <= Message::SHORT {
            let mut bytes = [0x00; Message::SHORT];
            framing.write(encoded_len, &mut bytes);
            envelope.encode(&mut &mut bytes[start..]);
            Self::Short { bytes, len, start }
        } else {
            let mut bytes = Vec::with_capacity(len);
            bytes.resize(start, 0x00);
            framing.write(encoded_len, &mut bytes);
            envelope.encode(&mut bytes);
            Self::Long { bytes, start }
        }
    }

    #[inline]
    pub(super) fn finish(self, id: u64) -> Message {
        match self {
            Self::Short { mut bytes, len, start } => {
                bytes[start..][ID].copy_from_slice(&id.to_be_bytes());
                Message::short(bytes, len, None)
            }
            Self::Long { mut bytes, start } => {
                bytes[start..][ID].copy_from_slice(&id.to_be_bytes());
                Message::from(bytes)
            }
        }
    }
}

/// Returns the remaining time of a call in the unit of a REQUEST, rounded up, so that the
/// responder's timer does not fire before the requester's; `None` if it exceeds the range of the
/// field.
pub(super) fn millis(left: Duration) -> Option<u32> {
    u32::try_from(left.as_nanos().div_ceil(1_000_000)).ok()
}

/// Encodes a message of a call.
#[inline]
pub(super) fn message(framing: Framing<'_>, id: u64, content: Content<'_>) -> Message {
    match UnaddressedEnvelope::encode(framing, Envelope { id, content }) {
        UnaddressedEnvelope::Short { bytes, len, .. } => Message::short(bytes, len, None),
        UnaddressedEnvelope::Long { bytes, .. } => Message::from(bytes),
    }
}

/// Returns the last `len` bytes of a message, its body: copied if it is short, and otherwise
/// shared.
#[inline]
pub(super) fn last(message: &Message, len: usize) -> Message {
    message.tail(message.len().saturating_sub(len))
}

#[cfg(test)]
mod tests {
    use zmtp_proto::message_shape::parts;

    use super::*;

    #[test]
    fn bodies_of_every_length_are_decoded_unchanged() {
        let envelope = b"\x01\x02id\x01\x00";
        for len in [0, 1, 53, 54, 55, 60, 61, 62, 69, 70, 71, 72, 246, 247, 248, 1_000] {
            let sent = Message::from(vec![7; len]);
            for framing in [Framing::Body, Framing::DELIMITED, Framing::LastPart(envelope)] {
                let whole = message(framing, u64::MAX, Content::Reply(&sent));
                let part = match framing {
                    Framing::Body => &whole,
                    Framing::LastPart(_) => parts(&whole).last().unwrap(),
                };
                let decoded = Envelope::decode(part).unwrap();
                assert_eq!(decoded, Envelope { id: u64::MAX, content: Content::Reply(&sent) });
                assert_eq!(last(&whole, len), sent);
            }
        }
    }
}
