//! Decoding of messages of a group and a body in which every frame is encrypted.

use bytes::BytesMut;

use super::super::batch::Batch;
use super::super::frame::{
    Header, LONG_MESSAGE, SHORT_LENGTH, SHORT_MESSAGE, SHORT_PART, frame_len,
};
use super::super::mechanism::curve::OVERHEAD;
use super::super::message_shape::ShapeError;
use super::group_message::check_group;
use super::sealed::{SEALED_WORK, SealedFrame};
use super::{Traffic, TrafficDecoder, TrafficError, WORK_MAX};

impl TrafficDecoder {
    /// Implements [`decode`](Self::decode) for encrypted frames of messages of a group.
    ///
    /// The two frames of a message are decrypted in place, and moved together to the form that they
    /// have without encryption. `input` is then: complete messages up to `end`, unused bytes, the
    /// decrypted group of an incomplete message, and from `next` on encrypted frames.
    pub(super) fn decode_sealed_group_messages(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        let Some(sealed) = &mut self.sealed else { return Ok(None) };
        if let Some(found) = sealed.found.take() {
            return found.map(|command| Some(Traffic::Command(command)));
        }
        let (mut end, mut messages) = (0, 0);
        let mut group = sealed.group_frame;
        let mut next = group;
        let found = loop {
            if self.work.saturating_sub(self.returned_at) >= WORK_MAX {
                break Ok(SealedFrame::Enough);
            }
            let found = sealed.open(&mut input[next..], self.max_message_size, u64::MAX);
            if let Ok(
                SealedFrame::Message(len) | SealedFrame::Part(len) | SealedFrame::Command(len, _),
            ) = found
            {
                self.work = self.work.saturating_add(SEALED_WORK).saturating_add(len);
            }
            match found {
                Ok(SealedFrame::Part(len)) if group == 0 => {
                    if let Err(error) = check_group(content(&input[next..next + len])) {
                        break Err(error);
                    }
                    group = len;
                    next += len;
                }
                Ok(SealedFrame::Part(_)) => break Err(ShapeError::TooManyParts.into()),
                Ok(SealedFrame::Message(_)) if group == 0 => {
                    break Err(ShapeError::MissingGroup.into());
                }
                Ok(SealedFrame::Message(len)) => {
                    end += join(&mut input[end..next + len], next - group - end, group);
                    next += len;
                    group = 0;
                    messages += 1;
                }
                found => break found,
            }
        };
        let batch = (messages > 0).then(|| {
            self.read_capacity.record_frames(next - group, messages);
            let buffer = self.read_capacity.buffer_len(input);
            let frames = input.split_to(end).freeze();
            next -= end;
            let passed = std::mem::take(&mut self.passed).min(buffer);
            Batch::of_parts(frames, messages, passed).map(|batch| batch.within(buffer))
        });
        if let Ok(SealedFrame::Command(len, _)) = found {
            // The command is removed from behind the group.
            input.copy_within(next - group..next, next + len - group);
            next += len;
        }
        sealed.group_frame = group;
        self.pass(input, next - group);
        let found = match found {
            Ok(SealedFrame::Command(_, command)) => Some(Ok(command)),
            Err(error) => Some(Err(error)),
            Ok(SealedFrame::Incomplete(missing)) if batch.is_none() => {
                self.read_capacity.reserve(input, missing);
                return Ok(None);
            }
            Ok(SealedFrame::Enough) if batch.is_none() => return Ok(Some(Traffic::Progress)),
            Ok(_) => None,
        };
        let Some(batch) = batch else {
            return found.transpose().map(|command| command.map(Traffic::Command));
        };
        if let Some(sealed) = &mut self.sealed {
            sealed.found = found;
        }
        Ok(Some(Traffic::Messages(batch?)))
    }
}

/// Moves the two decrypted frames of a message to the beginning of `input`, in the form that they
/// have without encryption, and returns the length of this form. The first frame begins at `start`
/// and has `group` bytes; the second is the rest.
///
/// The overhead of each frame is longer than its header, so that nothing is overwritten before it
/// is moved.
fn join(input: &mut [u8], start: usize, group: usize) -> usize {
    let name = start + group - content(&input[start..start + group]).len()..start + group;
    let body = input.len() - content(&input[start + group..]).len()..input.len();
    let (name_len, body_len) = (name.len(), body.len());
    input.copy_within(name, SHORT_LENGTH);
    input[..SHORT_LENGTH].copy_from_slice(&[SHORT_PART, u8::try_from(name_len).unwrap_or(u8::MAX)]);
    let header_at = SHORT_LENGTH + name_len;
    let body_at = header_at + frame_len(body_len) - body_len;
    input.copy_within(body, body_at);
    match u8::try_from(body_len) {
        Ok(len) => input[header_at..body_at].copy_from_slice(&[SHORT_MESSAGE, len]),
        Err(_) => {
            input[header_at] = LONG_MESSAGE;
            input[header_at + 1..body_at].copy_from_slice(&(body_len as u64).to_be_bytes());
        }
    }
    body_at + body_len
}

/// Returns the content of a decrypted frame.
fn content(frame: &[u8]) -> &[u8] {
    let header = Header::decode(frame).ok().flatten().map_or(0, |header| header.len());
    frame.get(header + OVERHEAD..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::command::Command;
    use super::super::super::group::Group;
    use super::super::super::mechanism::curve::Sealer;
    use super::super::super::message_shape::{MessageShape, put_group_message};
    use super::super::super::ping_pong::Ping;
    use super::super::sealed::tests::ends;
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
            let (mut input, mut received, mut commands) = (BytesMut::new(), Vec::<Bytes>::new(), 0);
            let (mut rest, mut cuts) = (&sent[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                input.extend_from_slice(piece);
                rest = after;
                while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                    match traffic {
                        Traffic::Messages(mut batch) => received.extend(std::iter::from_fn(|| batch.pop())),
                        Traffic::Command(_) => commands += 1,
                        Traffic::Progress => {}
                    }
                }
            }
            prop_assert_eq!(received, expected);
            prop_assert_eq!(commands, pings);
            prop_assert!(input.is_empty());
        }
    }

    fn put(sealer: &mut Sealer, dst: &mut BytesMut, group: &[u8], body: &[u8]) {
        sealer.put(dst, 0x01, group);
        sealer.put_message(dst, body);
    }
}
