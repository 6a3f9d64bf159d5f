//! Boxes: bytes that only two parties can write and read (RFC 26, CurveZMQ Commands).
//!
//! A box is that of NaCl: XSalsa20 and Poly1305, with a key that X25519 has agreed upon. X25519 is
//! that of `x25519-dalek`, the derivation of keys that of `salsa20` and Poly1305 that of `cryptoxide`,
//! all of which are widely used and free of branches on secrets. `crypto_box`, which has all of it
//! together, derives the cipher's key from the nonce's first 16 bytes for each box, whereas these stay
//! the same for all messages of a direction: the derivation would cost a third of a short message. Its
//! Poly1305, that of `poly1305`, takes 1.8 us to begin where there is AVX2, twenty times what a short
//! message takes here. [`KeyStream`] explains why Salsa20 is not that of `salsa20`.

use std::fmt;

use cryptoxide::mac::Mac;
use cryptoxide::poly1305::Poly1305;
use salsa20::cipher::consts::U10;
use salsa20::hsalsa;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::key_stream::{BLOCK, KeyStream};
use super::keys::{CurvePublicKey, CurveSecretKey};

/// What two key pairs have agreed upon. It opens what the other has sealed, and seals for the other.
///
/// It is in a box, because moves leave copies behind. Code that computes with it ensures that the stack
/// is [wiped](super::stack_wipe::wiped).
#[derive(Clone)]
pub(super) struct SharedKey(Box<Zeroizing<[u8; 32]>>);

/// A [`SharedKey`] for nonces that begin with the same 16 bytes.
#[derive(Clone)]
pub(super) struct NonceKey(Box<Zeroizing<[u8; 32]>>);

/// A box does not open: it was sealed with other keys or another nonce, or it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unopened;

impl SharedKey {
    /// Agrees upon a key with the holder of the other half of `public`.
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

    /// Takes a key that is not shared.
    pub(super) fn own(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    /// Seals for nonces that begin so.
    pub(super) fn with_prefix(&self, prefix: &[u8; 16]) -> NonceKey {
        let key = hsalsa::<U10>(&(**self.0).into(), &(*prefix).into());
        NonceKey(Box::new(Zeroizing::new(key.into())))
    }

    /// Returns a box of `text`.
    pub(super) fn seal(&self, nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
        let (prefix, nonce) = split(nonce);
        let mut space = Zeroizing::new(vec![0x00; SPACE + text.len()]);
        space[SPACE..].copy_from_slice(text);
        let tag = self.with_prefix(prefix).seal(nonce, &mut space);
        [&tag, &space[SPACE..]].concat()
    }

    /// Returns what was sealed.
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
    /// Seals the bytes behind the first [`SPACE`], which have to be zero and are left to be
    /// overwritten. Returns the tag, which stands before the bytes in a box.
    #[inline]
    pub(super) fn seal(&self, nonce: &[u8; 8], space: &mut [u8]) -> [u8; TAG] {
        // The first bytes of the key stream are the authenticator's key, as in NaCl.
        KeyStream::new(&self.0, nonce).apply(0, space);
        let (key, sealed) = space.split_first_chunk_mut().expect("there is the space");
        let tag = authenticate(key, sealed);
        key.zeroize();
        tag
    }

    /// Opens bytes where they are; changes nothing if it fails.
    #[inline]
    pub(super) fn open(
        &self,
        nonce: &[u8; 8],
        tag: &[u8; TAG],
        sealed: &mut [u8],
    ) -> Result<(), Unopened> {
        let stream = KeyStream::new(&self.0, nonce);
        // The key and what the first bytes are sealed with: as much as is computed at a time.
        let mut start = Zeroizing::new([0x00; START]);
        let len = START.min(SPACE + sealed.len());
        stream.apply(0, &mut start[..len]);
        let (key, start) = start.split_first_chunk().expect("the key is shorter");
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

/// Authenticates bytes with a key that is used for nothing else.
fn authenticate(key: &[u8; SPACE], bytes: &[u8]) -> [u8; TAG] {
    let mut poly1305 = Poly1305::new(key);
    poly1305.input(bytes);
    let mut tag = [0x00; TAG];
    poly1305.raw_result(&mut tag);
    tag
}

fn split(nonce: &[u8; 24]) -> (&[u8; 16], &[u8; 8]) {
    let (prefix, nonce) = nonce.split_first_chunk().expect("16 of 24 bytes");
    (prefix, nonce.first_chunk().expect("8 of 24 bytes"))
}

/// How much longer a box is than what is in it.
pub(super) const TAG: usize = 16;

/// How much of the key stream is computed first.
const START: usize = 4 * BLOCK;

/// What is left free before the text that is to be sealed.
pub(super) const SPACE: usize = 32;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// How many keys this thread has agreed upon.
        pub(in super::super) static AGREEMENTS: Cell<usize> = const { Cell::new(0) };
    }
}
