//! Decoding of messages of a group and a body (RFC 37, The Radio-Dish Pattern).

use bytes::BytesMut;

use super::super::frame::{Header, SHORT_MESSAGE, SHORT_PART};
use super::super::group::{Group, GroupError};
use super::super::message_shape::ShapeError;
use super::{Traffic, TrafficDecoder, TrafficError};

impl TrafficDecoder {
    /// Returns the total length and the number of the complete messages at the beginning of
    /// `input`.
    pub(super) fn scan_group_messages(&self, input: &[u8]) -> Result<(usize, usize), TrafficError> {
        let (mut end, mut messages) = (0, 0);
        loop {
            match self.group_message(&input[end..]) {
                Ok(Some(len)) => {
                    end += len;
                    messages += 1;
                }
                // The messages before the error are returned first.
                Err(error) if messages == 0 => return Err(error),
                Ok(None) | Err(_) => return Ok((end, messages)),
            }
        }
    }

    /// Returns the length of the message at the beginning of `input`, or `None` if it is incomplete
    /// or a command.
    #[inline]
    fn group_message(&self, input: &[u8]) -> Result<Option<usize>, TrafficError> {
        match short_group_message(input) {
            Some((group, body, len)) if body as u64 <= self.max_message_size => {
                check_group(group)?;
                Ok(Some(len))
            }
            _ => self.long_group_message(input),
        }
    }

    /// Does the same for a message with any headers.
    fn long_group_message(&self, input: &[u8]) -> Result<Option<usize>, TrafficError> {
        let Some(header) = Header::decode(input)? else { return Ok(None) };
        if header.command {
            return Ok(None);
        }
        if !header.more {
            return Err(ShapeError::MissingGroup.into());
        }
        if header.size > Group::LEN_MAX as u64 {
            let len = usize::try_from(header.size).unwrap_or(usize::MAX);
            return Err(ShapeError::Group(GroupError::TooLong { len }).into());
        }
        let Some(group) = header.body(input) else { return Ok(None) };
        check_group(group)?;
        let start = header.len() + group.len();
        let input = &input[start..];
        let Some(header) = Header::decode(input)? else { return Ok(None) };
        if header.command {
            return Ok(None);
        }
        if header.more {
            return Err(ShapeError::TooManyParts.into());
        }
        self.check_size(header.size)?;
        Ok(header.body(input).map(|body| start + header.len() + body.len()))
    }

    /// Continues after the group of an incomplete message, whose frame has this header. libzmq
    /// sends a PONG between the two frames of a message.
    pub(super) fn decode_behind_group(
        &mut self,
        header: Header,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        let mut missing = 0;
        if let Some(group) = header.body(input) {
            let start = header.len() + group.len();
            match Header::decode(&input[start..])? {
                Some(header) if header.command => return self.command(start, header, input),
                Some(header) => {
                    let len = (start as u64 + header.len() as u64).saturating_add(header.size);
                    missing = len.saturating_sub(input.len() as u64);
                }
                None => {}
            }
        }
        self.read_capacity.reserve(input, usize::try_from(missing).unwrap_or(usize::MAX));
        Ok(None)
    }
}

/// Returns the group, the length of the body, and the length of the message at the beginning of
/// `input`, or `None` if it is incomplete, or if one of its headers is long.
#[inline]
fn short_group_message(input: &[u8]) -> Option<(&[u8], usize, usize)> {
    let [SHORT_PART, len, rest @ ..] = input else { return None };
    let (group, rest) = rest.split_at_checked(usize::from(*len))?;
    let [SHORT_MESSAGE, body, rest @ ..] = rest else { return None };
    let body = usize::from(*body);
    (body <= rest.len()).then(|| (group, body, input.len() - rest.len() + body))
}

/// Checks the first part of a message.
pub(super) fn check_group(group: &[u8]) -> Result<(), TrafficError> {
    Ok(Group::check(group).map_err(ShapeError::from)?)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::batch::Batch;
    use super::super::super::command::Command;
    use super::super::super::message_shape::{MessageShape, put_group_message};
    use super::*;

    #[test]
    fn a_message_is_returned_as_its_frames() {
        let mut input =
            BytesMut::from(&b"\x01\x01a\x00\x02bc\x01\x00\x00\x00\x01\x01d\x00\x05ef"[..]);
        let mut decoder = decoder(None);
        let mut batch = messages(decoder.decode(&mut input));
        assert_eq!(batch.messages(), 2);
        assert_eq!(batch.first(), Some(&b"\x01\x01a\x00\x02bc"[..]));
        assert_eq!(batch.pop().unwrap(), b"\x01\x01a\x00\x02bc"[..]);
        assert_eq!(batch.pop_short::<8>().unwrap().1, 4);
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert_eq!(input, b"\x01\x01d\x00\x05ef"[..]);
    }

    #[test]
    fn a_message_of_another_shape_is_an_error() {
        let long = [&b"\x03\0\0\0\0\0\0\x01\0"[..], &[b'x'; 256]].concat();
        let broken: [(&[u8], ShapeError); 4] = [
            (b"\x00\x01a", ShapeError::MissingGroup),
            (b"\x01\x01a\x01\x01b\x00\x01c", ShapeError::TooManyParts),
            (b"\x01\x02a\0\x00\x01c", ShapeError::Group(GroupError::ContainsNul { at: 1 })),
            (&long, ShapeError::Group(GroupError::TooLong { len: 256 })),
        ];
        for (frames, error) in broken {
            let mut input = BytesMut::from(&[b"\x01\x01g\x00\x01b", frames].concat()[..]);
            let mut decoder = decoder(None);
            assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
            assert_eq!(decoder.decode(&mut input).unwrap_err(), TrafficError::Shape(error));
        }
    }

    #[test]
    fn the_size_limit_applies_to_the_body() {
        let mut decoder = decoder(Some(3));
        let mut input = BytesMut::from(&b"\x01\x05group\x00\x03abc\x01\x01a\x00\x04"[..]);
        assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
        let refused = TrafficError::MessageTooLarge { size: 4, limit: 3 };
        assert_eq!(decoder.decode(&mut input).unwrap_err(), refused);
    }

    proptest! {
        #[test]
        fn messages_and_commands_between_their_frames_are_decoded_wherever_reads_end(
            sent in vec((vec(1..=255_u8, 0..40), vec(any::<u8>(), 0..600), any::<(bool, bool)>()), 1..12),
            cuts in vec(1_usize..500, 1..40),
        ) {
            let (mut wire, mut expected, mut pings) = (BytesMut::new(), Vec::new(), 0);
            for (group, body, (before, between)) in &sent {
                let mut frames = BytesMut::new();
                put_group_message(&mut frames, &Group::try_from(&group[..]).unwrap(), body);
                let (first, second) = frames.split_at(2 + group.len());
                for (part, has_ping) in [(first, before), (second, between)] {
                    if *has_ping {
                        wire.extend_from_slice(b"\x04\x07\x04PING\x00\x0a");
                        pings += 1;
                    }
                    wire.extend_from_slice(part);
                }
                expected.push(frames.freeze());
            }
            let (mut input, mut received, mut commands) = (BytesMut::new(), Vec::<Bytes>::new(), 0);
            let mut decoder = decoder(None);
            let (mut rest, mut cuts) = (&wire[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                input.extend_from_slice(piece);
                rest = after;
                while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                    match traffic {
                        Traffic::Messages(mut batch) => {
                            let mut part = batch.split_to(2, usize::MAX);
                            received.extend(std::iter::from_fn(|| part.pop()));
                            received.extend(std::iter::from_fn(|| batch.pop()));
                        }
                        Traffic::Command(Command::Ping(_)) => commands += 1,
                        other => panic!("{other:?}"),
                    }
                }
            }
            prop_assert_eq!(received, expected);
            prop_assert_eq!(commands, pings);
            prop_assert!(input.is_empty());
        }

        #[test]
        fn no_input_causes_a_panic(pieces in vec(vec(prop_oneof![0..6_u8, any::<u8>()], 0..50), 0..20)) {
            let mut decoder = decoder(Some(100));
            let mut input = BytesMut::new();
            for piece in pieces {
                input.extend_from_slice(&piece);
                loop {
                    match decoder.decode(&mut input) {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
            }
        }
    }

    fn decoder(max_message_size: Option<u64>) -> TrafficDecoder {
        TrafficDecoder::new(max_message_size, None).with_shape(MessageShape::GroupAndBody)
    }

    fn messages(decoded: Result<Option<Traffic>, TrafficError>) -> Batch {
        match decoded {
            Ok(Some(Traffic::Messages(batch))) => batch,
            other => panic!("messages are due, not {other:?}"),
        }
    }
}
