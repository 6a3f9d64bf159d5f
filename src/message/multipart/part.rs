//! The values that become parts of a message.

use bytes::{Bytes, BytesMut};

use self::sealed::Body;
use crate::message::{GroupMessage, Message};

/// A value that becomes one part of a [`Multipart`](crate::Multipart).
///
/// Its bytes are copied into the message, so that text and bytes of any lifetime are parts. The
/// trait cannot be implemented outside of this crate: other types convert to one of these.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Multipart, Part};
///
/// fn with_status(status: impl Part, text: &str) -> Multipart {
///     Multipart::from((status, text))
/// }
///
/// assert_eq!(with_status([200], "ok"), Multipart::from(([200], "ok")));
/// assert_eq!(with_status("200", "ok"), ["200", "ok"]);
/// ```
pub trait Part: Body {}

pub(super) mod sealed {
    /// The bytes of a part.
    #[expect(unnameable_types, reason = "so that other crates cannot implement it")]
    pub trait Body {
        fn body(&self) -> &[u8];
    }
}

macro_rules! parts {
    ($($part:ty),+) => {
        $(
            impl Part for $part {}

            impl Body for $part {
                #[inline]
                fn body(&self) -> &[u8] {
                    self.as_ref()
                }
            }
        )+
    };
}

parts!(&[u8], Bytes, &Bytes, BytesMut, Vec<u8>, &Vec<u8>, Box<[u8]>, &str, String, &String);
parts!(Message, &Message);

/// The body, without the group.
impl Part for GroupMessage {}

impl Body for GroupMessage {
    fn body(&self) -> &[u8] {
        self.as_ref()
    }
}

/// An empty part.
impl Part for () {}

impl Body for () {
    fn body(&self) -> &[u8] {
        &[]
    }
}

impl<const N: usize> Part for [u8; N] {}

impl<const N: usize> Body for [u8; N] {
    #[inline]
    fn body(&self) -> &[u8] {
        self
    }
}

impl<const N: usize> Part for &[u8; N] {}

impl<const N: usize> Body for &[u8; N] {
    #[inline]
    fn body(&self) -> &[u8] {
        *self
    }
}
