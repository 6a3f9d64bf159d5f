//! Boxes: authenticated encryption between two key pairs (RFC 26, CurveZMQ Commands).
//!
//! A box is that of NaCl: XSalsa20 and Poly1305, with a key from the key agreement X25519. The
//! implementations of X25519 (`x25519-dalek`), key derivation (`salsa20`) and Poly1305
//! (`cryptoxide`) are widely used and have no branches on secrets.
//!
//! The crate `crypto_box` combines all of this, but is slower for short messages. It derives the
//! cipher's key from the first 16 bytes of the nonce for each box, although these are constant for
//! all messages of a direction: the derivation would cost a third of a short message. Its Poly1305,
//! the crate `poly1305`, takes 1.8 µs to start on processors with AVX2, twenty times as long as a
//! short message takes here. The module [`key_stream`](super::key_stream) explains why Salsa20 is
//! not that of `salsa20`.

use std::fmt;

use cryptoxide::mac::Mac;
use cryptoxide::poly1305::Poly1305;
use salsa20::cipher::consts::U10;
use salsa20::hsalsa;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::key_stream::{BLOCK, KeyStream};
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
    /// Encrypts the bytes after the first [`SPACE`] bytes in place. The first bytes must be
    /// zero, and are then free to be overwritten. Returns the tag, which precedes the bytes in a
    /// box.
    #[inline]
    pub(super) fn seal(&self, nonce: &[u8; 8], space: &mut [u8]) -> [u8; TAG] {
        // The first bytes of the key stream are the key of Poly1305, as in NaCl.
        KeyStream::new(&self.0, nonce).apply(0, space);
        let (key, sealed) = space.split_first_chunk_mut().expect("the text follows SPACE bytes");
        let tag = authenticate(key, sealed);
        key.zeroize();
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
        // The key of Poly1305 and the key stream of the first bytes, computed together.
        let mut start = Zeroizing::new([0x00; START]);
        let len = START.min(SPACE + sealed.len());
        stream.apply(0, &mut start[..len]);
        let (key, start) = start.split_first_chunk().expect("the key is shorter than START");
        if !bool::from(authenticate(key, sealed).ct_eq(tag)) {
            return Err(Unopened);
        }
        let (head, tail) = sealed.split_at_mut(len - SPACE);
        for (byte, stream) in head.iter_mut().zip(start) {
            *byte ^= stream;
        }
        stream.apply((START / BLOCK) as u64, tail);
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

/// Computes the tag of `bytes`. The key must not be used for anything else.
fn authenticate(key: &[u8; SPACE], bytes: &[u8]) -> [u8; TAG] {
    let mut poly1305 = Poly1305::new(key);
    poly1305.input(bytes);
    let mut tag = [0x00; TAG];
    poly1305.raw_result(&mut tag);
    tag
}

fn split(nonce: &[u8; 24]) -> (&[u8; 16], &[u8; 8]) {
    let (prefix, nonce) = nonce.split_first_chunk().expect("a nonce has 24 bytes");
    (prefix, nonce.first_chunk().expect("8 of 24 bytes follow the prefix"))
}

/// The length of the tag, by which a box is longer than its text.
pub(super) const TAG: usize = 16;

/// The length of the key stream that is computed first.
const START: usize = 4 * BLOCK;

/// The number of free bytes before the text to be encrypted.
pub(super) const SPACE: usize = 32;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// The number of key agreements of this thread.
        pub(in super::super) static AGREEMENTS: Cell<usize> = const { Cell::new(0) };
    }
}
