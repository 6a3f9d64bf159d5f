//! Conversions of parts to messages.

use bytes::{Bytes, BytesMut};
use zmtp_proto::frame::frame_len;

use super::Multipart;
use super::encoder::Encoder;
use super::part::Part;
use crate::message::Message;

/// Collects parts into one message. An empty iterator becomes one empty part.
impl<P: AsRef<[u8]>> FromIterator<P> for Multipart {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        let mut encoder = Encoder::new();
        parts.into_iter().for_each(|part| encoder.put(part.as_ref()));
        Self(encoder.finish())
    }
}

/// Creates a message of these parts. An empty array becomes one empty part.
impl<P: Part, const N: usize> From<[P; N]> for Multipart {
    #[inline]
    fn from(parts: [P; N]) -> Self {
        Self::of_parts(&parts)
    }
}

/// Creates a message of these parts. An empty `Vec` becomes one empty part.
impl<P: Part> From<Vec<P>> for Multipart {
    fn from(parts: Vec<P>) -> Self {
        Self::of_parts(&parts)
    }
}

impl Multipart {
    fn of_parts(parts: &[impl Part]) -> Self {
        let len = parts.iter().map(|part| frame_len(part.body().len())).sum();
        let mut encoder = Encoder::with_capacity(len);
        parts.iter().for_each(|part| encoder.put(part.body()));
        Self(encoder.finish())
    }
}

/// Implements conversions of parts of several types to a message.
macro_rules! from_tuples {
    ($(($($part:ident: $of:ident),+);)+) => {
        $(
            /// Creates a message of these parts.
            impl<$($of: Part),+> From<($($of,)+)> for Multipart {
                fn from(($($part,)+): ($($of,)+)) -> Self {
                    let len = [$(frame_len($part.body().len())),+].into_iter().sum();
                    let mut encoder = Encoder::with_capacity(len);
                    $(encoder.put($part.body());)+
                    Self(encoder.finish())
                }
            }
        )+
    };
}

from_tuples! {
    (a: A, b: B);
    (a: A, b: B, c: C);
    (a: A, b: B, c: C, d: D);
    (a: A, b: B, c: C, d: D, e: E);
    (a: A, b: B, c: C, d: D, e: E, f: F);
    (a: A, b: B, c: C, d: D, e: E, f: F, g: G);
    (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
}

/// Implements conversions to a message of one part.
macro_rules! from_bodies {
    ($($body:ty),+) => {
        $(
            impl From<$body> for Multipart {
                #[inline]
                fn from(body: $body) -> Self {
                    Self::of_one(body.as_ref())
                }
            }
        )+
    };
}

from_bodies!(&[u8], Bytes, BytesMut, Vec<u8>, Box<[u8]>, &str, String, &String);
from_bodies!(Message, &Message);

impl From<()> for Multipart {
    fn from((): ()) -> Self {
        Self::new()
    }
}

impl<const N: usize> From<&[u8; N]> for Multipart {
    fn from(body: &[u8; N]) -> Self {
        Self::of_one(body)
    }
}

impl<const N: usize> From<[u8; N]> for Multipart {
    fn from(body: [u8; N]) -> Self {
        Self::of_one(&body)
    }
}

impl From<&Self> for Multipart {
    fn from(message: &Self) -> Self {
        message.clone()
    }
}
