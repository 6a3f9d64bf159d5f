//! The masks of frames from clients (RFC 6455, 5.3).

use bytes::{BufMut, BytesMut};

/// The mask of one frame, at a position in its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Masks or unmasks the next bytes of the payload.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let mut chunks = bytes.chunks_exact_mut(8);
        for chunk in &mut chunks {
            if let Ok(plain) = <[u8; 8]>::try_from(&*chunk) {
                chunk.copy_from_slice(&(u64::from_ne_bytes(plain) ^ wide).to_ne_bytes());
            }
        }
        let rest = chunks.into_remainder();
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(rest.len() % 4);
    }

    /// Appends the next bytes of the payload, masked.
    pub(super) fn put(&mut self, bytes: &[u8], dst: &mut BytesMut) {
        let start = dst.len();
        dst.put_slice(bytes);
        self.apply(&mut dst[start..]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_of_any_length_are_masked_like_the_whole(
            key: [u8; 4],
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..8),
        ) {
            let whole = pieces.concat();
            let masked: Vec<u8> =
                whole.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            let (mut mask, mut dst) = (Mask::new(key), BytesMut::new());
            for piece in &pieces {
                mask.put(piece, &mut dst);
            }
            prop_assert_eq!(&dst[..], &masked[..]);
        }
    }
}
