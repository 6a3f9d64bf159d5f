//! Bytes that are cheap to clone, for names that messages carry.

use std::sync::Arc;

/// Bytes of which there are usually few: up to 22 are stored inline, and more are shared.
#[derive(Clone)]
pub(crate) struct ShortBytes(Inner);

#[derive(Clone)]
enum Inner {
    /// The first `len` of `bytes`; the rest has no meaning.
    Inline {
        len: u8,
        bytes: [u8; INLINE_MAX],
    },
    Shared(Arc<[u8]>),
}

impl ShortBytes {
    /// Copies `bytes`. Their number is not limited here.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(len) if bytes.len() <= INLINE_MAX => {
                let mut inline = [0x00; INLINE_MAX];
                inline[..bytes.len()].copy_from_slice(bytes);
                Self(Inner::Inline { len, bytes: inline })
            }
            _ => Self(Inner::Shared(bytes.into())),
        }
    }

    pub(crate) const fn empty() -> Self {
        Self(Inner::Inline { len: 0, bytes: [0x00; INLINE_MAX] })
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Inner::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Inner::Shared(bytes) => bytes,
        }
    }
}

/// Implements what all types have that consist of [`ShortBytes`]: conversions, which check the bytes
/// with `TryFrom<&[u8]>`, comparison, and formatting.
macro_rules! impl_short_bytes {
    ($name:ident, $error:ident) => {
        impl Default for $name {
            /// Returns the empty one.
            fn default() -> Self {
                Self($crate::short_bytes::ShortBytes::empty())
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        /// Equal, ordered and hashed like the bytes.
        impl std::borrow::Borrow<[u8]> for $name {
            fn borrow(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        impl<const N: usize> TryFrom<&[u8; N]> for $name {
            type Error = $error;

            fn try_from(bytes: &[u8; N]) -> Result<Self, $error> {
                Self::try_from(&bytes[..])
            }
        }

        impl<const N: usize> TryFrom<[u8; N]> for $name {
            type Error = $error;

            fn try_from(bytes: [u8; N]) -> Result<Self, $error> {
                Self::try_from(&bytes[..])
            }
        }

        impl TryFrom<Vec<u8>> for $name {
            type Error = $error;

            fn try_from(bytes: Vec<u8>) -> Result<Self, $error> {
                Self::try_from(&bytes[..])
            }
        }

        impl TryFrom<bytes::Bytes> for $name {
            type Error = $error;

            fn try_from(bytes: bytes::Bytes) -> Result<Self, $error> {
                Self::try_from(&bytes[..])
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::try_from(text.as_bytes())
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::try_from(text.as_bytes())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::try_from(text)
            }
        }

        impl From<&Self> for $name {
            fn from(other: &Self) -> Self {
                other.clone()
            }
        }

        impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for $name {
            fn eq(&self, other: &T) -> bool {
                self.as_bytes() == other.as_ref()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_bytes().cmp(other.as_bytes())
            }
        }

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "\"{self}\"")
            }
        }

        /// Writes the bytes, with escapes for all that are not printable ASCII characters.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.as_bytes().escape_ascii(), f)
            }
        }
    };
}

pub(crate) use impl_short_bytes;

/// The largest number of inline bytes: it makes the type 24 bytes.
const INLINE_MAX: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_bytes_is_stored() {
        for len in [0, 1, INLINE_MAX, INLINE_MAX + 1, 255, 256, 300] {
            let bytes = vec![b'x'; len];
            assert_eq!(ShortBytes::new(&bytes).as_slice(), bytes);
        }
        assert_eq!(ShortBytes::empty().as_slice(), b"");
    }

    #[test]
    fn it_takes_no_more_memory_than_documented() {
        assert_eq!(size_of::<ShortBytes>(), 24);
        assert_eq!(size_of::<Option<ShortBytes>>(), 24);
    }
}
