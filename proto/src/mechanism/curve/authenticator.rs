//! The one-time authenticator Poly1305.
//!
//! Two implementations share the work, each where it is the faster one of those that can be
//! trusted. `docs/security.md` compares them with others.
//!
//! - `libcrux-poly1305` is generated from the code of HACL*, which is verified to be correct and to
//!   have no branches or addresses that depend on secrets. It starts within nanoseconds.
//! - `poly1305` has vector instructions for AVX2, and takes 1.4 µs to start with them.

use libcrux_poly1305::mac;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use poly1305::{Block, Poly1305};

/// Computes the tag of `bytes`. The key must not be used for anything else.
#[inline]
pub(super) fn authenticate(key: &[u8; KEY], bytes: &[u8]) -> [u8; TAG] {
    if bytes.len() < LONG { authenticate_short(key, bytes) } else { authenticate_long(key, bytes) }
}

fn authenticate_short(key: &[u8; KEY], bytes: &[u8]) -> [u8; TAG] {
    let mut tag = [0x00; TAG];
    let computed = mac(key, bytes, &mut tag);
    assert!(computed.is_ok(), "the bytes are fewer than 4 GiB");
    tag
}

fn authenticate_long(key: &[u8; KEY], bytes: &[u8]) -> [u8; TAG] {
    let mut poly1305 = Poly1305::new(key.into());
    let (blocks, rest) = Block::slice_as_chunks(bytes);
    // `compute_unpadded` alone takes one block at a time, and half as long again.
    poly1305.update(blocks);
    poly1305.compute_unpadded(rest).into()
}

/// The length of a key.
pub(super) const KEY: usize = 32;

/// The length of a tag.
pub(super) const TAG: usize = 16;

/// The length from which `poly1305` is faster with AVX2. Without, both take about the same time.
const LONG: usize = 0x1000;

/// Computes the tag with each implementation.
#[cfg(test)]
pub(super) fn authenticate_with_both(key: &[u8; KEY], bytes: &[u8]) -> [[u8; TAG]; 2] {
    [authenticate_short(key, bytes), authenticate_long(key, bytes)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_implementations_agree(
            key in any::<[u8; KEY]>(),
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                prop::collection::vec(any::<u8>(), LONG - 70..LONG + 70),
                // Sums that need every carry.
                prop::collection::vec(Just(0xFF), 0..300),
            ],
        ) {
            let [short, long] = authenticate_with_both(&key, &bytes);
            prop_assert_eq!(short, long);
            prop_assert_eq!(short, authenticate(&key, &bytes));
        }
    }
}
