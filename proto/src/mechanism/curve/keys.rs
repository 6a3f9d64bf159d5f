//! CURVE keys (RFC 26, General Design).

use std::fmt;
use std::str::{self, FromStr};
use std::sync::Arc;

use subtle::ConstantTimeEq;
use thiserror::Error;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::stack_wipe::wiped;
use super::z85;

/// The public half of a CURVE key pair, which identifies the holder of the secret half.
///
/// Its text form has 40 characters of Z85, as is usual for ZeroMQ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurvePublicKey([u8; LEN]);

/// The secret half of a CURVE key pair.
///
/// `Debug` does not print it. Its text form has 40 characters of Z85, as is usual for ZeroMQ.
///
/// # Memory
///
/// A key is stored once on the heap, shared by its clones and by the sockets that use it, and
/// overwritten when the last of them is dropped. Copies that arithmetic leaves on the stack are
/// also overwritten. Short-term keys of connections are overwritten when they are dropped, but
/// encrypting a message leaves parts of them on the stack.
///
/// Safe Rust cannot overwrite registers that the system saves, or memory that is swapped out or
/// dumped. Nor does this crate overwrite the text or the bytes from which a program creates a key:
/// do so in the program, for example with the crate `zeroize`.
///
/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::curve::*; } }
/// use tokio_zmtp::auth::CurveSecretKey;
///
/// let secret: CurveSecretKey = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs".parse()?;
/// assert_eq!(secret.public_key().to_string(), "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
/// # Ok::<(), tokio_zmtp::auth::CurveKeyError>(())
/// ```
#[derive(Clone)]
pub struct CurveSecretKey(Arc<Zeroizing<[u8; LEN]>>);

/// Both halves of a CURVE key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveKeypair {
    public: CurvePublicKey,
    secret: CurveSecretKey,
}

/// The reason why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CurveKeyError {
    /// A character is not part of Z85, or its group of five exceeds 32 bits.
    #[error("character {at} of the key is not valid")]
    Character {
        /// The index of the character, counted from zero.
        at: usize,
    },
    /// The text does not have 40 characters.
    #[error("a key has 40 characters, not {len}")]
    Length {
        /// The number of bytes in the text.
        len: usize,
    },
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::curve::*; } }
/// use tokio_zmtp::auth::CurvePublicKey;
///
/// let key: CurvePublicKey = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID".parse()?;
/// assert_eq!(CurvePublicKey::from_bytes(*key.as_bytes()), key);
/// # Ok::<(), tokio_zmtp::auth::CurveKeyError>(())
/// ```
impl CurvePublicKey {
    /// Creates a key from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for CurvePublicKey {
    type Err = CurveKeyError;

    fn from_str(text: &str) -> Result<Self, CurveKeyError> {
        let mut bytes = [0x00; LEN];
        decode(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for CurvePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CurvePublicKey({self})")
    }
}

impl fmt::Display for CurvePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = z85::encode(&self.0);
        f.pad(str::from_utf8(&text).expect(ASCII))
    }
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::curve::*; } }
/// use tokio_zmtp::auth::{CurveKeypair, CurveSecretKey};
///
/// let secret = CurveKeypair::generate().secret_key().clone();
/// let same = CurveSecretKey::from_bytes(*secret.as_bytes());
/// assert_eq!(same.public_key(), secret.public_key());
/// ```
impl CurveSecretKey {
    /// Creates a key from its bytes, which must be random. The caller's own copy of them is not
    /// overwritten.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self::filled(|key| key.copy_from_slice(&bytes));
        bytes.zeroize();
        key
    }

    /// Creates a key from the bytes that `fill` writes, which are then stored nowhere else.
    pub(super) fn filled(fill: impl FnOnce(&mut [u8; LEN])) -> Self {
        let mut key = Arc::new(Zeroizing::default());
        fill(Arc::get_mut(&mut key).expect("a new key is not shared"));
        Self(key)
    }

    /// Creates a key from the bytes that a fallible function writes, which are then stored nowhere
    /// else.
    pub(super) fn try_filled<E>(
        fill: impl FnOnce(&mut [u8; LEN]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut filled = Ok(());
        let key = Self::filled(|key| filled = fill(key));
        filled.map(|()| key)
    }

    /// Returns the bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the public half.
    #[must_use]
    pub fn public_key(&self) -> CurvePublicKey {
        wiped(|| CurvePublicKey(PublicKey::from(&StaticSecret::from(**self.0)).to_bytes()))
    }

    /// Returns the key as 40 characters of Z85, which are overwritten when they are dropped.
    ///
    /// The text dereferences to a `String`. Its `Debug` prints the key.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::curve::*; } }
    /// use tokio_zmtp::auth::{CurveKeypair, CurveSecretKey};
    ///
    /// let keypair = CurveKeypair::generate();
    /// let text = keypair.secret_key().to_text();
    /// println!("keep this secret: {}", *text);
    /// assert_eq!(&text.parse::<CurveSecretKey>()?, keypair.secret_key());
    /// # Ok::<(), tokio_zmtp::auth::CurveKeyError>(())
    /// ```
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        wiped(|| {
            let bytes = z85::encode(self.as_bytes());
            Zeroizing::new(str::from_utf8(&bytes).expect(ASCII).to_owned())
        })
    }

    /// Computes the secret that is shared with the holder of the secret half of `public`.
    ///
    /// Returns `None` for the few public keys that lead to the same secret for all secret keys, and
    /// for public keys with the bit that X25519 ignores: a key must not have two spellings, of
    /// which an authenticator may know only one.
    ///
    /// The caller ensures that the stack is [wiped].
    pub(super) fn agree(&self, public: &CurvePublicKey) -> Option<x25519_dalek::SharedSecret> {
        if public.0[LEN - 1] & 0x80 != 0x00 {
            return None;
        }
        let shared = StaticSecret::from(**self.0).diffie_hellman(&PublicKey::from(public.0));
        shared.was_contributory().then_some(shared)
    }
}

impl FromStr for CurveSecretKey {
    type Err = CurveKeyError;

    fn from_str(text: &str) -> Result<Self, CurveKeyError> {
        wiped(|| Self::try_filled(|bytes| decode(text, bytes)))
    }
}

/// Compares keys in constant time.
impl PartialEq for CurveSecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for CurveSecretKey {}

impl fmt::Debug for CurveSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurveSecretKey(..)")
    }
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::curve::*; } }
/// use tokio_zmtp::auth::CurveKeypair;
///
/// let keypair = CurveKeypair::generate();
/// assert_eq!(keypair.public_key(), keypair.secret_key().public_key());
/// println!("give this to clients: {}", keypair.public_key());
/// ```
impl CurveKeypair {
    /// Returns the public half.
    #[must_use]
    pub const fn public_key(&self) -> CurvePublicKey {
        self.public
    }

    /// Returns the secret half.
    #[must_use]
    pub const fn secret_key(&self) -> &CurveSecretKey {
        &self.secret
    }
}

/// Computes the public half.
impl From<CurveSecretKey> for CurveKeypair {
    fn from(secret: CurveSecretKey) -> Self {
        Self { public: secret.public_key(), secret }
    }
}

fn decode(text: &str, bytes: &mut [u8; LEN]) -> Result<(), CurveKeyError> {
    let text = text.as_bytes().try_into().map_err(|_| CurveKeyError::Length { len: text.len() })?;
    z85::decode(text, bytes).map_err(|at| CurveKeyError::Character { at })
}

const ASCII: &str = "the characters of Z85 are ASCII";

/// RFC 26, CurveZMQ Commands: "keys are 32 octets".
pub(super) const LEN: usize = z85::BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    // The keys of zmq_curve(7).
    const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    #[test]
    fn the_public_half_follows_from_the_secret_one() {
        let secret: CurveSecretKey = SECRET.parse().unwrap();
        assert_eq!(*secret.to_text(), SECRET);
        let pair = CurveKeypair::from(secret);
        assert_eq!(pair.public_key().to_string(), PUBLIC);
        assert_eq!(pair.public_key(), PUBLIC.parse().unwrap());
    }

    #[test]
    fn a_secret_key_is_not_printed() {
        let pair = CurveKeypair::from(SECRET.parse::<CurveSecretKey>().unwrap());
        let shown = format!("{pair:?}");
        assert_eq!(
            shown,
            format!(
                "CurveKeypair {{ public: CurvePublicKey({PUBLIC}), secret: CurveSecretKey(..) }}"
            )
        );
    }

    #[test]
    fn a_text_that_is_not_a_key_is_refused() {
        let refused = |text: &str| text.parse::<CurvePublicKey>().unwrap_err();
        assert_eq!(refused(&PUBLIC[1..]), CurveKeyError::Length { len: 39 });
        assert_eq!(refused(&PUBLIC.replace('@', "~")), CurveKeyError::Character { at: 3 });
        assert!("".parse::<CurveSecretKey>().is_err());
    }

    #[test]
    fn a_second_spelling_of_a_key_is_refused() {
        let secret: CurveSecretKey = SECRET.parse().unwrap();
        let mut bytes = *PUBLIC.parse::<CurvePublicKey>().unwrap().as_bytes();
        assert!(secret.agree(&CurvePublicKey::from_bytes(bytes)).is_some());
        bytes[LEN - 1] ^= 0x80;
        assert!(secret.agree(&CurvePublicKey::from_bytes(bytes)).is_none());
    }

    #[test]
    fn a_key_with_which_all_secret_keys_agree_is_refused() {
        let secret: CurveSecretKey = SECRET.parse().unwrap();
        assert!(secret.agree(&CurvePublicKey::from_bytes([0x00; LEN])).is_none());
    }
}
