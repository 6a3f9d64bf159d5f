//! Messages that are joined from two halves, such as an envelope and a body.

use bytes::BytesMut;

use super::Message;

impl Message {
    /// Creates a message of two byte strings, one after the other. They are copied, because the
    /// bytes of a message are contiguous.
    pub(crate) fn joined(first: &[u8], second: &[u8]) -> Self {
        let len = first.len() + second.len();
        if len > Self::SHORT {
            let mut body = BytesMut::with_capacity(len);
            body.extend_from_slice(first);
            body.extend_from_slice(second);
            return Self::long(body.freeze(), None);
        }
        let mut bytes = [0; Self::SHORT];
        bytes[..first.len()].copy_from_slice(first);
        bytes[first.len()..len].copy_from_slice(second);
        Self::short(bytes, len, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_message_has_the_bytes_of_both() {
        for (first, second) in [(0, 0), (0, 9), (9, 0), (2, 70), (2, 71), (100, 1), (1, 1_000)] {
            let (first, second) = (vec![1; first], vec![2; second]);
            let joined = Message::joined(&first, &second);
            assert_eq!(joined, [&first[..], &second[..]].concat());
            assert_eq!(joined.shared_body().is_some(), joined.len() > Message::SHORT);
        }
    }
}
