//! The path from a request back through the sockets that have forwarded it.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use bytes::Bytes;
use zmtp_proto::request_envelope::DELIMITER;

use super::framing::Framing;
use super::return_path::ReturnPath;
use crate::connection_id::ConnectionId;

/// The connection and the envelope of a request that a REP has received.
#[derive(Clone, Debug)]
pub(crate) struct EnvelopePath {
    connection: ConnectionId,
    /// The frames of the envelope.
    envelope: Bytes,
    tag: u64,
}

impl EnvelopePath {
    pub(super) fn new(connection: ConnectionId, envelope: &[u8]) -> Self {
        // Requesters that are connected directly usually send nothing else.
        if envelope == DELIMITER {
            return Self { connection, envelope: Bytes::from_static(&DELIMITER), tag: 0 };
        }
        let tag = TAGS.hash_one(envelope);
        Self { connection, envelope: Bytes::copy_from_slice(envelope), tag }
    }
}

impl ReturnPath for EnvelopePath {
    type Key = ConnectionId;

    #[inline]
    fn key(&self) -> ConnectionId {
        self.connection
    }

    #[inline]
    fn framing(&self) -> Framing<'_> {
        Framing::LastPart(&self.envelope)
    }

    #[inline]
    fn tag(&self) -> u64 {
        self.tag
    }

    fn len(&self) -> usize {
        self.envelope.len()
    }
}

/// Hashes envelopes to tags. The keys are random, so that no requester can choose the tag of
/// another one, and 64 bits suffice for the requests that one connection has in progress.
static TAGS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requesters_behind_a_broker_have_different_tags() {
        let tag = |envelope: &[u8]| EnvelopePath::new(ConnectionId::FIRST, envelope).tag();
        assert_eq!(tag(b"\x01\x00"), 0);
        assert_eq!(tag(b"\x01\x01a\x01\x00"), tag(b"\x01\x01a\x01\x00"));
        assert_ne!(tag(b"\x01\x01a\x01\x00"), tag(b"\x01\x01b\x01\x00"));
        assert_ne!(tag(b"\x01\x01a\x01\x00"), 0);
    }
}
