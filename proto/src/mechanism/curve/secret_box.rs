//! Boxes: authenticated encryption between two key pairs (RFC 26, CurveZMQ Commands).
//!
//! A box is that of NaCl: XSalsa20 and Poly1305, with a key from the key agreement X25519. X25519
//! is that of `x25519-dalek`, and the key derivation that of `salsa20`. The modules
//! [`key_stream`](super::key_stream) and [`authenticator`](super::authenticator) explain where
//! Salsa20 and Poly1305 come from. `docs/security.md` states what is known about each of them.
//!
//! The crate `crypto_box` combines all of this, but is slower for short messages. It derives the
//! cipher's key from the first 16 bytes of the nonce for each box, although these are constant for
//! all messages of a direction: the derivation would cost a third of a short message.

use std::fmt;

use salsa20::cipher::consts::U10;
use salsa20::hsalsa;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::authenticator::{KEY, TAG, authenticate};
use super::key_stream::KeyStream;
use super::keys::{CurvePublicKey, CurveSecretKey};

/// A key that two key pairs share. It encrypts and decrypts the boxes between them.
///
/// The key is stored on the heap, because moves leave copies behind. Callers ensure that the stack
/// is [wiped](super::stack_wipe::wiped).
#[derive(Clone)]
pub(super) struct SharedKey(Box<Zeroizing<[u8; 32]>>);

/// A key that is derived from a [`SharedKey`], for nonces with the same first 16 bytes.
#[derive(Clone)]
pub(super) struct NonceKey(Box<Zeroizing<[u8; 32]>>);

/// The error of a box that cannot be decrypted: its keys or nonce differ, or it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unopened;

impl SharedKey {
    /// Computes the key that is shared with the holder of the secret half of `public`.
    pub(super) fn agree(
        secret: &CurveSecretKey,
        public: &CurvePublicKey,
    ) -> Result<Self, Unopened> {
        #[cfg(test)]
        tests::AGREEMENTS.set(tests::AGREEMENTS.get() + 1);
        let shared = secret.agree(public).ok_or(Unopened)?;
        let key = hsalsa::<U10>(&(*shared.as_bytes()).into(), &[0x00; 16].into());
        Ok(Self::own(&key.into()))
    }

    /// Creates a key from its bytes, without a key agreement.
    pub(super) fn own(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    /// Derives the key for nonces that start with `prefix`.
    pub(super) fn with_prefix(&self, prefix: &[u8; 16]) -> NonceKey {
        let key = hsalsa::<U10>(&(**self.0).into(), &(*prefix).into());
        NonceKey(Box::new(Zeroizing::new(key.into())))
    }

    /// Encrypts `text` and returns the box.
    pub(super) fn seal(&self, nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
        let (prefix, nonce) = split(nonce);
        let mut space = Zeroizing::new(vec![0x00; SPACE + text.len()]);
        space[SPACE..].copy_from_slice(text);
        let tag = self.with_prefix(prefix).seal(nonce, &mut space);
        [&tag, &space[SPACE..]].concat()
    }

    /// Decrypts a box and returns its text.
    pub(super) fn open(
        &self,
        nonce: &[u8; 24],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (prefix, nonce) = split(nonce);
        let (tag, text) = sealed.split_first_chunk().ok_or(Unopened)?;
        let mut text = Zeroizing::new(text.to_vec());
        self.with_prefix(prefix).open(nonce, tag, &mut text)?;
        Ok(text)
    }
}

impl NonceKey {
    /// Encrypts the bytes after the first [`SPACE`] bytes in place. The first bytes must be zero,
    /// and are then free to be overwritten. Returns the tag, which precedes the bytes in a box.
    #[inline]
    pub(super) fn seal(&self, nonce: &[u8; 8], space: &mut [u8]) -> [u8; TAG] {
        // The first bytes of the key stream are the key of Poly1305, as in NaCl.
        KeyStream::new(&self.0, nonce).apply(0, space);
        let (key, sealed) = space.split_first_chunk_mut().expect("the text follows SPACE bytes");
        let tag = authenticate(key, sealed);
        *key = [0x00; SPACE];
        tag
    }

    /// Decrypts bytes in place. Changes nothing if it fails.
    #[inline]
    pub(super) fn open(
        &self,
        nonce: &[u8; 8],
        tag: &[u8; TAG],
        sealed: &mut [u8],
    ) -> Result<(), Unopened> {
        let stream = KeyStream::new(&self.0, nonce);
        let start = stream.start(sealed.len());
        if !bool::from(authenticate(&start.key(), sealed).ct_eq(tag)) {
            return Err(Unopened);
        }
        stream.apply_after_start(start.apply(sealed));
        Ok(())
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

fn split(nonce: &[u8; 24]) -> (&[u8; 16], &[u8; 8]) {
    let (prefix, nonce) = nonce.split_first_chunk().expect("a nonce has 24 bytes");
    (prefix, nonce.first_chunk().expect("8 of 24 bytes follow the prefix"))
}

/// The number of free bytes before the text to be encrypted.
pub(super) const SPACE: usize = KEY;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use poly1305::Poly1305;
    use proptest::prelude::*;
    use salsa20::XSalsa20;
    use salsa20::cipher::{KeyIvInit, StreamCipher};

    use super::*;

    thread_local! {
        /// The number of key agreements of this thread.
        pub(in super::super) static AGREEMENTS: Cell<usize> = const { Cell::new(0) };
    }

    proptest! {
        #[test]
        fn a_box_equals_that_of_rustcrypto(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 24]>(),
            text in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..700),
                prop::collection::vec(any::<u8>(), 3_900..4_700),
            ],
            changed in any::<(prop::sample::Index, u8)>(),
        ) {
            let ours = SharedKey::own(&key).seal(&nonce, &text);
            let mut theirs = [&[0x00; SPACE][..], &text].concat();
            XSalsa20::new(&key.into(), &nonce.into()).apply_keystream(&mut theirs);
            let (key_of_tag, sealed) = theirs.split_first_chunk::<KEY>().unwrap();
            let poly1305 = <Poly1305 as poly1305::universal_hash::KeyInit>::new(key_of_tag.into());
            let tag = poly1305.compute_unpadded(sealed);
            prop_assert_eq!(&ours, &[&tag[..], sealed].concat());

            let opened = SharedKey::own(&key).open(&nonce, &ours).unwrap();
            prop_assert_eq!(&*opened, &text);
            let (at, bits) = changed;
            let mut forged = ours;
            *at.get_mut(&mut forged) ^= bits.max(1);
            prop_assert!(SharedKey::own(&key).open(&nonce, &forged).is_err());
        }
    }
}
