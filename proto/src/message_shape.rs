//! The shape of a message: the frames that it consists of.
//!
//! A message of the shape [`Single`](MessageShape::Single) is handled as its body. Messages of the
//! other shapes are handled as their frames, back to back, as they are on the wire without
//! encryption: each part except the last with the MORE flag.

use std::{iter, mem};

use bytes::BytesMut;
use thiserror::Error;

use super::frame::{self, Header, SHORT_LENGTH, SHORT_MESSAGE, SHORT_PART};
use super::group::{Group, GroupError};
use super::socket_type::SocketType;

/// The shape of the messages between two socket types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageShape {
    /// One body (RFC 37, Thread-Safe Socket Types).
    #[default]
    Single,
    /// A group and a body, in two frames (RFC 37, The Radio-Dish Pattern).
    GroupAndBody,
    /// Any number of parts, at least one (RFC 37, Framing).
    Multipart,
}

impl MessageShape {
    /// Returns the shape of the messages between a socket type and its remotes.
    #[must_use]
    pub const fn of(socket_type: SocketType) -> Self {
        match socket_type {
            SocketType::Req
            | SocketType::Rep
            | SocketType::Dealer
            | SocketType::Router
            | SocketType::Pub
            | SocketType::Xpub
            | SocketType::Sub
            | SocketType::Xsub
            | SocketType::Push
            | SocketType::Pull
            | SocketType::Pair => Self::Multipart,
            SocketType::Client
            | SocketType::Server
            | SocketType::Scatter
            | SocketType::Gather
            | SocketType::Peer
            | SocketType::Channel => Self::Single,
            SocketType::Radio | SocketType::Dish => Self::GroupAndBody,
        }
    }
}

/// Why a message does not have the required shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A message for a DISH has only one part.
    #[error("the message has no group")]
    MissingGroup,
    /// A message for a DISH has more than two parts.
    #[error("the message has more parts than a group and a body")]
    TooManyParts,
    /// The first part of a message for a DISH is not a group.
    #[error("the first part is not a group")]
    Group(#[from] GroupError),
}

/// Appends a message of a group: its group and its body as two frames.
pub fn put_group_message(dst: &mut BytesMut, group: &Group, body: &[u8]) {
    let group = group.as_bytes();
    dst.reserve(group_message_len(group.len(), body.len()));
    frame::put_part_header(dst, group.len());
    dst.extend_from_slice(group);
    frame::put_message_header(dst, body.len());
    dst.extend_from_slice(body);
}

/// Returns the length of a message of a group with these lengths.
pub fn group_message_len(group: usize, body: usize) -> usize {
    frame::frame_len(group) + frame::frame_len(body)
}

/// Splits a message of several parts into its first part, without its header, and the frames of the
/// others. Returns `None` if there is only one frame.
#[inline]
pub fn split_first_part(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    // Most parts are short: these paths take a few instructions.
    match frames {
        [SHORT_PART, len, rest @ ..] => return rest.split_at_checked(usize::from(*len)),
        [SHORT_MESSAGE, ..] => return None,
        _ => {}
    }
    let header = Header::decode(frames).ok()??;
    if header.command || !header.more {
        return None;
    }
    let part = header.body(frames)?;
    Some((part, &frames[header.len() + part.len()..]))
}

/// Returns the first part of a message, which can be its only one.
#[inline]
pub fn first_part(frames: &[u8]) -> &[u8] {
    let first = split_first_part(frames).map(|(first, _)| first);
    first.or_else(|| last_part(frames)).unwrap_or_default()
}

/// Returns the body of the frame that begins a message or its last part.
#[inline]
pub fn last_part(frames: &[u8]) -> Option<&[u8]> {
    if let [SHORT_MESSAGE, len, rest @ ..] = frames {
        return rest.get(..usize::from(*len));
    }
    let header = Header::decode(frames).ok()??;
    if header.command || header.more { None } else { header.body(frames) }
}

/// Returns the parts of the message at the beginning of `frames`. The iterator ends before the
/// first incomplete part.
#[inline]
pub const fn parts(frames: &[u8]) -> MessageParts<'_> {
    MessageParts { frames }
}

/// The parts of a message, in order.
#[derive(Clone, Debug)]
pub struct MessageParts<'a> {
    frames: &'a [u8],
}

impl<'a> Iterator for MessageParts<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some((part, rest)) = split_first_part(self.frames) {
            self.frames = rest;
            return Some(part);
        }
        last_part(mem::take(&mut self.frames))
    }

    #[inline]
    fn last(self) -> Option<&'a [u8]> {
        match self.frames {
            [SHORT_MESSAGE, len, rest @ ..] => rest.get(..usize::from(*len)),
            frames => last_of_several(frames),
        }
    }

    /// Counts the parts, so that the bounds are exact.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (mut count, mut rest) = (0, self.frames);
        while let Some((_, others)) = split_first_part(rest) {
            rest = others;
            count += 1;
        }
        count += usize::from(last_part(rest).is_some());
        (count, Some(count))
    }
}

impl ExactSizeIterator for MessageParts<'_> {}

/// Returns the last part of any message. It is a separate function to keep it out of the path of
/// messages of one part.
#[inline(never)]
fn last_of_several(frames: &[u8]) -> Option<&[u8]> {
    let mut rest = frames;
    while let Some((_, others)) = split_first_part(rest) {
        rest = others;
    }
    last_part(rest)
}

/// Splits messages, whose frames are back to back, into single ones. The iterator ends before the
/// first incomplete one.
pub fn split_messages(frames: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frames;
    iter::from_fn(move || {
        let (message, others) = rest.split_at_checked(message_len(rest)?)?;
        rest = others;
        Some(message)
    })
}

/// Returns the number of complete messages at the beginning of `frames`.
#[inline]
pub fn count_messages(frames: &[u8]) -> usize {
    match message_len(frames) {
        Some(len) if len == frames.len() => 1,
        _ => split_messages(frames).count(),
    }
}

/// Returns the length of the frames of the message at the beginning of `frames`, or `None` if it is
/// incomplete or malformed.
#[inline]
pub(super) fn message_len(frames: &[u8]) -> Option<usize> {
    // Most messages have one short part.
    match frames {
        [SHORT_MESSAGE, len, rest @ ..] => {
            let len = usize::from(*len);
            (len <= rest.len()).then_some(SHORT_LENGTH + len)
        }
        _ => long_message_len(frames),
    }
}

/// Does the same for any message.
#[inline(never)]
fn long_message_len(frames: &[u8]) -> Option<usize> {
    let mut rest = frames;
    loop {
        // Most last parts are short as well.
        if let [SHORT_MESSAGE, len, after @ ..] = rest {
            let len = usize::from(*len);
            return (len <= after.len()).then(|| frames.len() - after.len() + len);
        }
        let Some((_, others)) = split_first_part(rest) else { break };
        rest = others;
    }
    let header = Header::decode(rest).ok()?.filter(|header| !header.more)?;
    let body = header.body(rest).filter(|_| !header.command)?;
    Some(frames.len() - rest.len() + header.len() + body.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_group_precedes_the_body_in_a_frame_of_its_own() {
        let mut frames = BytesMut::new();
        put_group_message(&mut frames, &"ab".parse().unwrap(), b"body");
        assert_eq!(frames, b"\x01\x02ab\x00\x04body"[..]);
        assert_eq!(split_first_part(&frames), Some((&b"ab"[..], &b"\x00\x04body"[..])));
    }

    #[test]
    fn a_message_of_one_part_has_no_first_part() {
        for frames in [&b"\x00\x01a"[..], b"\x04\x01a", b"\x01\x02a", b"\x01", b""] {
            assert_eq!(split_first_part(frames), None, "{frames:?}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_message_are_found_again(
            group in prop::collection::vec(1..=255_u8, 0..=255),
            body in prop::collection::vec(any::<u8>(), 0..600),
            after in prop::collection::vec(any::<u8>(), 0..5),
        ) {
            let group = Group::try_from(&group[..]).unwrap();
            let mut frames = BytesMut::new();
            put_group_message(&mut frames, &group, &body);
            let len = frames.len();
            prop_assert_eq!(len, group_message_len(group.as_bytes().len(), body.len()));
            let twice = [&frames[..], &frames[..]].concat();
            prop_assert!(split_messages(&twice).eq([&frames[..]; 2]));
            frames.extend_from_slice(&after);
            prop_assert_eq!(message_len(&frames), Some(len));
            prop_assert!(parts(&frames).eq([group.as_bytes(), &body]));
            let (first, rest) = split_first_part(&frames).unwrap();
            prop_assert_eq!(first, group.as_bytes());
            prop_assert_eq!(last_part(rest), Some(&body[..]));
            prop_assert_eq!(message_len(&frames[..len - 1]), None);
        }
    }
}
