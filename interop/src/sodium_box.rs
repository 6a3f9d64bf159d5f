//! Boxes of libsodium, which is the cryptography of libzmq.

use libsodium_sys as ffi;

/// The key that two key pairs share.
#[derive(Clone, Debug)]
pub struct SodiumBox([u8; 32]);

impl SodiumBox {
    /// Computes the key that is shared with the holder of the secret half of `public`. Returns
    /// `None` if all secret keys lead to the same one.
    #[must_use]
    pub fn agree(secret: &[u8; 32], public: &[u8; 32]) -> Option<Self> {
        let mut key = [0; 32];
        // SAFETY: all three arrays have the 32 bytes that the function reads or writes.
        let result =
            unsafe { ffi::crypto_box_beforenm(key.as_mut_ptr(), public.as_ptr(), secret.as_ptr()) };
        (result == 0).then_some(Self(key))
    }

    /// Returns the public half of a secret key.
    #[must_use]
    pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
        let mut public = [0; 32];
        // SAFETY: both arrays have the 32 bytes that the function reads or writes.
        unsafe { ffi::crypto_scalarmult_base(public.as_mut_ptr(), secret.as_ptr()) };
        public
    }

    /// Encrypts `text` and returns the box: a tag of 16 bytes, and as many bytes as `text` has.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; 16 + text.len()];
        // SAFETY: the function reads `text`, a nonce of 24 bytes and a key of 32 bytes, and writes
        // 16 bytes more than it reads from `text`.
        unsafe {
            ffi::crypto_box_easy_afternm(
                sealed.as_mut_ptr(),
                text.as_ptr(),
                text.len() as u64,
                nonce.as_ptr(),
                self.0.as_ptr(),
            )
        };
        sealed
    }

    /// Decrypts a box. Returns `None` if it was not sealed with this key and nonce.
    #[must_use]
    pub fn open(&self, nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut text = vec![0; sealed.len().checked_sub(16)?];
        // SAFETY: the function reads `sealed`, which has at least the 16 bytes of a tag, a nonce of
        // 24 bytes and a key of 32 bytes, and writes 16 bytes less than it reads from `sealed`.
        let result = unsafe {
            ffi::crypto_box_open_easy_afternm(
                text.as_mut_ptr(),
                sealed.as_ptr(),
                sealed.len() as u64,
                nonce.as_ptr(),
                self.0.as_ptr(),
            )
        };
        (result == 0).then_some(text)
    }
}
