//! Envelopes on their way from and to messages.

use std::time::Duration;

use crate::message::Message;
use crate::rpc::envelope::{Content, Envelope, HEADER, ID};

/// A message that still lacks the id of its call, which is known only when it is queued.
#[derive(Debug)]
pub(super) enum UnaddressedEnvelope {
    Short { bytes: [u8; Message::SHORT], len: usize },
    Long(Vec<u8>),
}

impl UnaddressedEnvelope {
    #[inline]
    pub(super) fn new(content: Content<'_>) -> Self {
        let envelope = Envelope { id: 0, content };
        let len = envelope.len();
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

/// The rest of a call's time, as a REQUEST states it: rounded up, so that the responder's clock does not
/// fire before this one; `None` if it exceeds what a REQUEST can state.
pub(super) fn millis(left: Duration) -> Option<u32> {
    u32::try_from(left.as_nanos().div_ceil(1_000_000)).ok()
}

/// The whole message of a call.
#[inline]
pub(super) fn message(id: u64, content: Content<'_>) -> Message {
    UnaddressedEnvelope::new(content).finish(id)
}

/// The body of a message, which is its last `len` bytes: copied if it is short, and otherwise shared.
#[inline]
pub(super) fn last(message: &Message, len: usize) -> Message {
    message.tail(message.len().saturating_sub(len))
}

/// The body of a message whose only other part is its header.
#[inline]
pub(super) fn body(message: &Message) -> Message {
    let len = message.len().saturating_sub(HEADER);
    last(message, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_on_the_other_side_whatever_its_length() {
        for len in [0, 1, 60, 61, 62, 69, 70, 71, 72, 1_000] {
            let sent = Message::from(vec![7; len]);
            let whole = message(u64::MAX, Content::Reply(&sent));
            let decoded = Envelope::decode(&whole).unwrap();
            assert_eq!(decoded, Envelope { id: u64::MAX, content: Content::Reply(&sent) });
            assert_eq!(body(&whole), sent);
        }
    }
}
