//! Conversions between envelopes and messages.

use std::time::Duration;

use zmtp_proto::rpc::envelope::{Content, Envelope, HEADER, ID};

use crate::message::Message;

/// An encoded message without the id of its call, which is assigned when the message is queued.
#[derive(Debug)]
pub(super) enum UnaddressedEnvelope {
    Short { bytes: [u8; Message::SHORT], len: usize },
    Long(Vec<u8>),
}

impl UnaddressedEnvelope {
    #[inline]
    pub(super) fn new(content: Content<'_>) -> Self {
        let envelope = Envelope { id: 0, content };
        let len = envelope.encoded_len();
        if len <= Message::SHORT {
            let mut bytes = [0x00; Message::SHORT];
            envelope.encode(&mut &mut bytes[..]);
            Self::Short { bytes, len }
        } else {
            let mut bytes = Vec::with_capacity(len);
            envelope.encode(&mut bytes);
            Self::Long(bytes)
        }
    }

    #[inline]
    pub(super) fn finish(self, id: u64) -> Message {
        match self {
            Self::Short { mut bytes, len } => {
                bytes[ID].copy_from_slice(&id.to_be_bytes());
                Message::short(bytes, len, None)
            }
            Self::Long(mut bytes) => {
                bytes[ID].copy_from_slice(&id.to_be_bytes());
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
pub(super) fn message(id: u64, content: Content<'_>) -> Message {
    UnaddressedEnvelope::new(content).finish(id)
}

/// Returns the last `len` bytes of a message, its body: copied if it is short, and otherwise
/// shared.
#[inline]
pub(super) fn last(message: &Message, len: usize) -> Message {
    message.tail(message.len().saturating_sub(len))
}

/// Returns the body of a message that consists of its header and its body.
#[inline]
pub(super) fn body(message: &Message) -> Message {
    let len = message.len().saturating_sub(HEADER);
    last(message, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_every_length_are_decoded_unchanged() {
        for len in [0, 1, 60, 61, 62, 69, 70, 71, 72, 1_000] {
            let sent = Message::from(vec![7; len]);
            let whole = message(u64::MAX, Content::Reply(&sent));
            let decoded = Envelope::decode(&whole).unwrap();
            assert_eq!(decoded, Envelope { id: u64::MAX, content: Content::Reply(&sent) });
            assert_eq!(body(&whole), sent);
        }
    }
}
