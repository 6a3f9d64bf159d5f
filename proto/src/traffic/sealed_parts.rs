//! Decoding of messages of several parts in which every frame is encrypted.

use bytes::BytesMut;

use super::super::command::CommandError;
use super::super::frame::{Header, frame_len, write_header};
use super::super::mechanism::curve::OVERHEAD;
use super::super::subscription;
use super::parts::{ArrivedParts, PartRule, is_subscription};
use super::sealed::{SEALED_WORK, SealedFrame};
use super::{Traffic, TrafficDecoder, TrafficError, WORK_MAX};

impl TrafficDecoder {
    /// Implements [`decode`](Self::decode) for encrypted frames of messages of several parts.
    ///
    /// Frames are decrypted in place, and moved together to the form that they have without
    /// encryption. `input` is then: unused bytes up to `start`, complete messages up to `end`, the
    /// decrypted parts of an incomplete message up to `joined`, unused bytes, and from `next` on
    /// encrypted frames.
    pub(super) fn decode_sealed_parts<R: PartRule>(
        &mut self,
        rule: R,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        let Some(sealed) = &mut self.sealed else { return Ok(None) };
        if let Some(found) = sealed.found.take() {
            return (*found).map(|command| Some(Traffic::Command(command)));
        }
        let mut arrived = self.arrived;
        let (mut start, mut end, mut messages) = (0, 0, 0);
        let (mut joined, mut next) = (arrived.len, arrived.len);
        let found = loop {
            if self.work.saturating_sub(self.returned_at) >= WORK_MAX {
                break Ok(SealedFrame::Enough);
            }
            let (before, limit) = rule.limit(&arrived);
            let found = sealed.open(&mut input[next..], before, limit);
            let found = match found {
                Ok(SealedFrame::Message(len)) if arrived.parts == 0 => {
                    whole_message::<R>(len, content(&input[next..next + len]))
                }
                found => found,
            };
            if let Ok(
                SealedFrame::Message(len) | SealedFrame::Part(len) | SealedFrame::Command(len, _),
            ) = found
            {
                self.work = self.work.saturating_add(SEALED_WORK).saturating_add(len);
            }
            let (len, more) = match found {
                Ok(SealedFrame::Message(len)) => (len, false),
                Ok(SealedFrame::Part(len)) => (len, true),
                found => break found,
            };
            let part = content(&input[next..next + len]);
            let size = part.len();
            let checked = rule.check_header(&arrived, more, size as u64);
            if let Err(error) = checked.and_then(|()| rule.check_part(&arrived, part)) {
                break Err(error);
            }
            next += len;
            if joined == 0 {
                // The first part stays where it is: it may be long.
                start = next - frame_len(size);
                joined = start;
            }
            join(&mut input[joined..next], more, size);
            joined += frame_len(size);
            if more {
                arrived.add(frame_len(size), size);
            } else {
                arrived = ArrivedParts::default();
                end = joined;
                messages += 1;
            }
        };
        self.arrived = arrived;
        self.pass(input, start);
        let batch = (messages > 0).then(|| {
            let read = next - arrived.len;
            self.batch_of_parts(input, end - start, messages, read)
        });
        let command = if let Ok(SealedFrame::Command(len, _)) = found { len } else { 0 };
        self.remove(input, arrived.len, next - joined + command);
        let found = match found {
            Ok(SealedFrame::Command(_, command)) => Some(Ok(command)),
            Err(error) => Some(Err(error)),
            Ok(SealedFrame::Incomplete(missing)) if batch.is_none() => {
                self.reserve_for_parts(input, missing);
                return Ok(None);
            }
            Ok(SealedFrame::Enough) if batch.is_none() => return Ok(Some(Traffic::Progress)),
            Ok(_) => None,
        };
        let Some(batch) = batch else {
            return found.transpose().map(|command| command.map(Traffic::Command));
        };
        if let Some(sealed) = &mut self.sealed {
            sealed.found = found.map(Box::new);
        }
        Ok(Some(Traffic::Messages(batch?)))
    }
}

/// Returns what a decrypted message of one part is: a message, or a command that it stands for.
fn whole_message<R: PartRule>(len: usize, part: &[u8]) -> Result<SealedFrame, TrafficError> {
    if !is_subscription::<R>(part) {
        return Ok(SealedFrame::Message(len));
    }
    let command = subscription::command_of(part).transpose().map_err(CommandError::Topic)?;
    Ok(command.map_or(SealedFrame::Message(len), |command| SealedFrame::Command(len, command)))
}

/// Moves the content of a decrypted frame, the last `size` bytes of `input`, to the beginning,
/// behind its header.
///
/// The overhead of each frame is longer than its header, so that nothing is overwritten before it
/// is moved.
fn join(input: &mut [u8], more: bool, size: usize) {
    let header = frame_len(size) - size;
    input.copy_within(input.len() - size.., header);
    write_header(input, more, size);
}

/// Returns the content of a decrypted frame.
fn content(frame: &[u8]) -> &[u8] {
    let header = Header::decode(frame).ok().flatten().map_or(0, |header| header.len());
    frame.get(header + OVERHEAD..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::command::Command;
    use super::super::super::group::Group;
    use super::super::super::mechanism::curve::Sealer;
    use super::super::super::message_shape::{MessageShape, ShapeError, put_group_message};
    use super::super::super::ping_pong::Ping;
    use super::super::sealed::tests::ends;
    use super::super::tests::decode_in_pieces;
    use super::*;

    #[test]
    fn a_message_without_a_group_and_one_of_three_parts_are_errors() {
        let (mut sealer, decoder) = ends(None);
        let mut decoder = decoder.with_shape(MessageShape::GroupAndBody);
        let mut input = BytesMut::new();
        put(&mut sealer, &mut input, b"g", b"body");
        sealer.put_message(&mut input, b"no group");
        let Ok(Some(Traffic::Messages(batch))) = decoder.decode(&mut input) else {
            panic!("the message before the error is due");
        };
        assert_eq!(batch.first(), Some(&b"\x01\x01g\x00\x04body"[..]));
        let missing = TrafficError::Shape(ShapeError::MissingGroup);
        assert_eq!(decoder.decode(&mut input).unwrap_err(), missing);

        let (mut sealer, decoder) = ends(None);
        let mut decoder = decoder.with_shape(MessageShape::GroupAndBody);
        let mut input = BytesMut::new();
        sealer.put(&mut input, 0x01, b"g");
        sealer.put(&mut input, 0x01, b"second");
        let parts = TrafficError::Shape(ShapeError::TooManyParts);
        assert_eq!(decoder.decode(&mut input).unwrap_err(), parts);
    }

    #[test]
    fn an_incomplete_part_behind_a_long_one_is_awaited() {
        let (mut sealer, decoder) = ends(None);
        let mut decoder = decoder.with_shape(MessageShape::Multipart);
        let (mut sent, long) = (BytesMut::new(), vec![7; 4 * WORK_MAX]);
        sealer.put(&mut sent, 0x01, &long);
        sealer.put_message(&mut sent, &long);
        let rest = sent.split_off(6 * WORK_MAX);
        let mut input = sent;
        let mut results = 0;
        while let Some(result) = decoder.decode(&mut input).unwrap() {
            assert!(matches!(result, Traffic::Progress));
            results += 1;
            assert!(results < 10, "no other bytes are read meanwhile");
        }
        input.extend_from_slice(&rest);
        while !matches!(decoder.decode(&mut input), Ok(Some(Traffic::Messages(_)))) {
            results += 1;
            assert!(results < 10, "the message has arrived");
        }
    }

    #[test]
    fn the_size_limit_applies_to_the_body() {
        let (mut sealer, decoder) = ends(Some(3));
        let mut decoder = decoder.with_shape(MessageShape::GroupAndBody);
        let mut input = BytesMut::new();
        put(&mut sealer, &mut input, b"a longer group", b"abc");
        assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Messages(_)))));
        put(&mut sealer, &mut input, b"g", b"abcd");
        let refused = TrafficError::MessageTooLarge { size: 4, limit: 3 };
        assert_eq!(decoder.decode(&mut input).unwrap_err(), refused);
    }

    proptest! {
        #[test]
        fn messages_are_decoded_wherever_reads_end(
            messages in vec((vec(1..=255_u8, 0..=255), vec(any::<u8>(), 0..600), any::<(bool, bool)>()), 1..12),
            cuts in vec(1_usize..900, 1..40),
        ) {
            let (mut sealer, decoder) = ends(None);
            let mut decoder = decoder.with_shape(MessageShape::GroupAndBody);
            let mut sent = BytesMut::new();
            let mut expected = Vec::new();
            let mut pings = 0;
            let ping = Command::Ping(Ping::decode(b"\x00\x0a").unwrap()).body();
            for (group, body, (before, between)) in &messages {
                if *before {
                    sealer.put_command(&mut sent, &ping);
                }
                sealer.put(&mut sent, 0x01, group);
                if *between {
                    sealer.put_command(&mut sent, &ping);
                }
                sealer.put_message(&mut sent, body);
                pings += usize::from(*before) + usize::from(*between);
                let mut frames = BytesMut::new();
                put_group_message(&mut frames, &Group::try_from(&group[..]).unwrap(), body);
                expected.push(frames.freeze());
            }
            let received = decode_in_pieces(&mut decoder, &sent, &cuts, &[usize::MAX]);
            prop_assert_eq!(received, (expected, pings));
        }
    }

    fn put(sealer: &mut Sealer, dst: &mut BytesMut, group: &[u8], body: &[u8]) {
        sealer.put(dst, 0x01, group);
        sealer.put_message(dst, body);
    }
}
