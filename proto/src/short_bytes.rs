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
