//! Decoding of messages of a group and a body (RFC 37, The Radio-Dish Pattern).

use super::super::group::{Group, GroupError};
use super::super::message_shape::ShapeError;
use super::parts::{ArrivedParts, PartRule};
use super::{MAX_COMMAND_SIZE, TrafficDecoder, TrafficError};

/// The first part is a group, and the second, which is the last, a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupRule {
    max_message_size: u64,
}

impl GroupRule {
    pub(super) const fn of(decoder: &TrafficDecoder) -> Self {
        Self { max_message_size: decoder.max_message_size }
    }
}

impl PartRule for GroupRule {
    fn limit(self, arrived: &ArrivedParts) -> (u64, u64) {
        // The size limit does not apply to groups.
        let is_group = arrived.parts == 0;
        let limit = self.max_message_size;
        (0, if is_group { limit.max(MAX_COMMAND_SIZE) } else { limit })
    }

    #[inline]
    fn accepts_alone(self, _size: usize) -> bool {
        false
    }

    #[inline]
    fn check_header(
        self,
        arrived: &ArrivedParts,
        more: bool,
        size: u64,
    ) -> Result<(), TrafficError> {
        if arrived.parts == 0 {
            if !more {
                return Err(ShapeError::MissingGroup.into());
            }
            if size > Group::LEN_MAX as u64 {
                let len = usize::try_from(size).unwrap_or(usize::MAX);
                return Err(ShapeError::Group(GroupError::TooLong { len }).into());
            }
            return Ok(());
        }
        if more {
            return Err(ShapeError::TooManyParts.into());
        }
        if size > self.max_message_size {
            return Err(TrafficError::MessageTooLarge { size, limit: self.max_message_size });
        }
        Ok(())
    }

    #[inline]
    fn check_part(self, arrived: &ArrivedParts, part: &[u8]) -> Result<(), TrafficError> {
        if arrived.parts == 0 {
            Group::check(part).map_err(ShapeError::from)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::message_shape::{MessageShape, put_group_message};
    use super::super::tests::{decode_in_pieces, messages};
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
            let received = decode_in_pieces(&mut decoder(None), &wire, &cuts, &[2, usize::MAX]);
            prop_assert_eq!(received, (expected, pings));
        }
    }

    fn decoder(max_message_size: Option<u64>) -> TrafficDecoder {
        TrafficDecoder::new(max_message_size, None).with_shape(MessageShape::GroupAndBody)
    }
}
