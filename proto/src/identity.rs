//! The identity of a remote of a ROUTER (RFC 28).

use bytes::Bytes;
use thiserror::Error;

use super::short_bytes::{ShortBytes, impl_short_bytes};

/// The identity by which a ROUTER addresses a remote: up to 255 bytes.
///
/// A socket that announces no identity has the empty one, and each ROUTER that it is connected to
/// generates one for it. Identities are compared byte by byte.
///
/// RFC 28 reserves identities that begin with a zero for those that a ROUTER generates. libzmq
/// refuses to announce one, but accepts it from a remote, and so does this crate.
///
/// Cloning an identity is cheap: up to 22 bytes are stored inline, and longer ones are shared.
///
/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::identity::*; }
/// use tokio_zmtp::Identity;
///
/// let worker: Identity = "worker-1".parse()?;
/// assert_eq!(worker, "worker-1");
/// assert_eq!(worker, Identity::try_from(&b"worker-1"[..])?);
/// # Ok::<(), tokio_zmtp::IdentityError>(())
/// ```
#[derive(Clone)]
pub struct Identity(ShortBytes);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::identity::*; }
/// use tokio_zmtp::Identity;
///
/// let binary = Identity::try_from(b"\x00\xD1\x02\x9F\x77")?;
/// assert_eq!(binary.as_bytes(), b"\x00\xD1\x02\x9F\x77");
/// assert!(!binary.is_empty());
/// assert!(binary.to_str().is_err());
/// assert_eq!(binary.to_string(), r"\x00\xd1\x02\x9fw");
/// # Ok::<(), tokio_zmtp::IdentityError>(())
/// ```
impl Identity {
    /// The length of the longest identity in bytes.
    pub const LEN_MAX: usize = 0xFF;

    /// Returns the bytes of the identity.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Returns whether this is the empty identity of a socket that announces none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Returns the identity as text if it is UTF-8.
    ///
    /// # Errors
    ///
    /// The position of the first byte that is not UTF-8.
    pub fn to_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }
}

impl TryFrom<&[u8]> for Identity {
    type Error = IdentityError;

    fn try_from(bytes: &[u8]) -> Result<Self, IdentityError> {
        if bytes.len() > Self::LEN_MAX {
            return Err(IdentityError::TooLong { len: bytes.len() });
        }
        Ok(Self(ShortBytes::new(bytes)))
    }
}

impl From<Identity> for Bytes {
    fn from(identity: Identity) -> Self {
        Self::copy_from_slice(identity.as_bytes())
    }
}

impl_short_bytes!(Identity, IdentityError);

/// The reason why bytes are not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There are more than 255 bytes (RFC 37, The Identity Property).
    #[error("an identity of {len} bytes exceeds the limit of {}", Identity::LEN_MAX)]
    TooLong {
        /// The number of bytes.
        len: usize,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identity_has_up_to_255_bytes() {
        for len in [0, 1, 22, 23, 255] {
            let bytes = vec![0x00; len];
            assert_eq!(Identity::try_from(&bytes[..]).unwrap(), bytes);
        }
        assert_eq!(Identity::try_from(vec![1; 256]), Err(IdentityError::TooLong { len: 256 }));
    }

    #[test]
    fn an_identity_is_found_by_its_bytes() {
        let bytes = ["worker", "", "an identity of more bytes than are stored inline"];
        let identities: HashSet<Identity> =
            bytes.iter().map(|bytes| bytes.parse().unwrap()).collect();
        assert!(bytes.iter().all(|bytes| identities.contains(bytes.as_bytes())));
        assert!(!identities.contains(&b"work"[..]));
    }

    #[test]
    fn control_characters_are_not_displayed() {
        let identity = Identity::try_from("go\x1B[2J").unwrap();
        assert_eq!(identity.to_string(), "go\\x1b[2J");
        assert_eq!(format!("{identity:?}"), "\"go\\x1b[2J\"");
    }

    proptest! {
        #[test]
        fn identities_are_ordered_like_their_bytes(
            a in prop::collection::vec(any::<u8>(), 0..40),
            b in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let [first, second] = [&a, &b].map(|bytes| Identity::try_from(&bytes[..]).unwrap());
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first == second, a == b);
        }
    }
}
