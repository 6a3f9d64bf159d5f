//! A stream during its handshake, whose buffers are overwritten afterwards.

use std::ops::{Deref, DerefMut};

use bytes::BytesMut;
use tokio_util::codec::Framed;
use zeroize::{Zeroize, Zeroizing};

use super::codec::HandshakeCodec;

/// A stream whose buffers are overwritten when its handshake succeeds or fails: under PLAIN, a
/// password passes through them.
#[derive(Debug)]
pub(super) struct HandshakeStream<S>(Option<Framed<S, HandshakeCodec>>);

impl<S> HandshakeStream<S> {
    pub(super) const fn new(framed: Framed<S, HandshakeCodec>) -> Self {
        Self(Some(framed))
    }

    /// Ends the handshake. Bytes that were read and not consumed are kept.
    pub(super) fn into_inner(mut self) -> Framed<S, HandshakeCodec> {
        self.wipe();
        self.0.take().expect(THERE)
    }

    /// Overwrites the bytes that the buffers held before. Bytes that are not consumed are kept.
    pub(super) fn wipe(&mut self) {
        if let Some(framed) = &mut self.0 {
            wipe(framed.read_buffer_mut());
            wipe(framed.write_buffer_mut());
        }
    }
}

impl<S> Deref for HandshakeStream<S> {
    type Target = Framed<S, HandshakeCodec>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect(THERE)
    }
}

impl<S> DerefMut for HandshakeStream<S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().expect(THERE)
    }
}

impl<S> Drop for HandshakeStream<S> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Overwrites the bytes that a buffer held before.
fn wipe(buffer: &mut BytesMut) {
    let held = Zeroizing::new(buffer.to_vec());
    buffer.clear();
    // Makes the consumed bytes at the front accessible again.
    let _ = buffer.try_reclaim(buffer.capacity() + 1);
    buffer.resize(buffer.capacity(), 0x00);
    buffer.zeroize();
    buffer.clear();
    buffer.extend_from_slice(&held);
}

const THERE: &str = "it is taken only at the end";

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    #[test]
    fn wiping_keeps_unread_bytes_and_overwrites_the_rest() {
        let mut buffer = BytesMut::with_capacity(100);
        buffer.extend_from_slice(b"secret, and what follows");
        buffer.advance(8);
        wipe(&mut buffer);
        assert_eq!(buffer, &b"and what follows"[..]);
        assert_eq!(buffer.capacity(), 100);
        buffer.resize(100, 0xFF);
        assert!(!buffer.windows(3).any(|bytes| bytes == b"sec"));
    }
}
