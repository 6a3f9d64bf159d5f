//! Decoding of traffic in which every frame is encrypted.

use bytes::BytesMut;

use super::super::batch::Batch;
use super::super::command::Command;
use super::super::frame::{self, Header};
use super::super::mechanism::curve::{OVERHEAD, Opener, SealError};
use super::{MAX_COMMAND_SIZE, Traffic, TrafficDecoder, TrafficError, WORK_MAX};

/// Decrypts frames in place.
#[derive(Debug)]
pub(super) struct SealedDecoder {
    opener: Opener,
    /// The command or error after the last batch. Its frame is already decrypted, which is possible
    /// only once. Boxed, because it is rare, and every connection has space for it.
    pub(super) found: Option<Box<Result<Command, TrafficError>>>,
}

/// What stands at the beginning of the input: a frame, with its kind and length, or less.
#[derive(Debug)]
pub(super) enum SealedFrame {
    Message(usize),
    /// A part of a multipart message, except the last.
    Part(usize),
    Command(usize, Command),
    /// The work limit is reached, so that no frame was decrypted.
    Enough,
    /// The frame is incomplete: the number of missing bytes.
    Incomplete(usize),
}

impl SealedDecoder {
    pub(super) const fn new(opener: Opener) -> Self {
        Self { opener, found: None }
    }

    /// Decrypts the frame at the beginning of `input`. The part in it may have `limit` bytes,
    /// together with `before` bytes of earlier parts.
    pub(super) fn open(
        &mut self,
        input: &mut [u8],
        before: u64,
        limit: u64,
    ) -> Result<SealedFrame, TrafficError> {
        let Some(header) = Header::decode(input)? else { return Ok(SealedFrame::Incomplete(0)) };
        let size = header.size.checked_sub(OVERHEAD as u64).ok_or(SealError::NoMessage)?;
        let message_size = before.saturating_add(size);
        if message_size > limit && size > MAX_COMMAND_SIZE {
            return Err(TrafficError::MessageTooLarge { size: message_size, limit });
        }
        let Some(end) =
            usize::try_from(header.size).ok().and_then(|len| len.checked_add(header.len()))
        else {
            return Ok(SealedFrame::Incomplete(usize::MAX));
        };
        if header.more {
            return Err(SealError::NoMessage.into());
        }
        let arrived = input.len();
        let Some(body) = input.get_mut(header.len()..end) else {
            return Ok(SealedFrame::Incomplete(end - arrived));
        };
        let flags = self.opener.open(body)?;
        if flags.command {
            if size > MAX_COMMAND_SIZE {
                return Err(TrafficError::CommandTooLarge { size });
            }
            return Ok(SealedFrame::Command(end, Command::decode(&body[OVERHEAD..])?));
        }
        if message_size > limit {
            return Err(TrafficError::MessageTooLarge { size: message_size, limit });
        }
        if flags.more {
            return Ok(SealedFrame::Part(end));
        }
        // Outside the box the COMMAND flag may be set, since RFC 26 calls MESSAGE a command. The
        // flag is not authenticated. It is cleared because a batch consists of message frames.
        if header.command {
            frame::mark_as_message(input);
        }
        Ok(SealedFrame::Message(end))
    }
}

impl TrafficDecoder {
    /// Implements [`decode`](Self::decode) for encrypted frames.
    pub(super) fn decode_sealed(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        loop {
            let Some(sealed) = &mut self.sealed else { return Ok(None) };
            if let Some(found) = sealed.found.take() {
                return (*found).map(|command| Some(Traffic::Command(command)));
            }
            let (mut end, mut messages) = (0, 0);
            let found = loop {
                if self.work.saturating_sub(self.returned_at) >= WORK_MAX {
                    break Ok(SealedFrame::Enough);
                }
                let found = sealed.open(&mut input[end..], 0, self.max_message_size);
                if let Ok(
                    SealedFrame::Message(len)
                    | SealedFrame::Part(len)
                    | SealedFrame::Command(len, _),
                ) = found
                {
                    self.work = self.work.saturating_add(SEALED_WORK).saturating_add(len);
                }
                match found {
                    Ok(SealedFrame::Message(len)) if !self.in_multipart => {
                        end += len;
                        messages += 1;
                    }
                    found => break found,
                }
            };
            let batch = (messages > 0).then(|| {
                self.read_capacity.record_frames(end, messages);
                let buffer = self.read_capacity.buffer_len(input);
                let frames = input.split_to(end).freeze();
                let passed = std::mem::take(&mut self.passed).min(buffer);
                Batch::new(frames, messages, OVERHEAD, passed).map(|batch| batch.within(buffer))
            });
            match found {
                Ok(SealedFrame::Message(len)) => {
                    self.in_multipart = false;
                    self.pass(input, len);
                }
                Ok(SealedFrame::Part(len)) => {
                    self.discarded += u64::from(!self.in_multipart);
                    self.in_multipart = true;
                    self.pass(input, len);
                }
                Ok(SealedFrame::Command(len, command)) => {
                    sealed.found = Some(Box::new(Ok(command)));
                    self.pass(input, len);
                }
                Ok(SealedFrame::Enough) if batch.is_none() => return Ok(Some(Traffic::Progress)),
                Ok(SealedFrame::Incomplete(missing)) if batch.is_none() => {
                    self.read_capacity.reserve(input, missing);
                    return Ok(None);
                }
                Ok(SealedFrame::Enough | SealedFrame::Incomplete(_)) => {}
                Err(error) => sealed.found = Some(Box::new(Err(error))),
            }
            if let Some(batch) = batch {
                return Ok(Some(Traffic::Messages(batch?)));
            }
        }
    }
}

/// The cost of decrypting a frame in addition to its bytes, each of which counts twice: about a
/// microsecond.
pub(super) const SEALED_WORK: usize = 0x200;

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::mechanism::curve::tests::sessions;
    use super::super::super::mechanism::curve::{Sealer, Session};
    use super::super::super::ping_pong::Ping;
    use super::super::tests::decode_in_pieces;
    use super::*;

    #[test]
    fn whole_messages_of_one_read_are_one_batch() {
        let (mut sealer, mut decoder) = ends(None);
        let mut input = BytesMut::new();
        let bodies = ["a".repeat(300), String::new(), "b".into()];
        for body in &bodies {
            sealer.put_message(&mut input, body.as_bytes());
        }
        sealer.put_message(&mut input, b"truncated");
        input.truncate(input.len() - 1);
        let Ok(Some(Traffic::Messages(mut batch))) = decoder.decode(&mut input) else {
            panic!("messages are due");
        };
        assert_eq!((batch.messages(), batch.wire_bytes()), (3, 9 + 33 + 300 + 2 + 33 + 2 + 33 + 1));
        let mut part = batch.split_to(2, usize::MAX);
        assert_eq!(part.pop().unwrap(), bodies[0]);
        assert_eq!(part.pop().unwrap(), bodies[1]);
        assert_eq!(batch.pop_short::<20>().map(|(bytes, len)| (bytes[0], len)), Some((b'b', 1)));
        assert!(decoder.decode(&mut input).unwrap().is_none());
    }

    #[test]
    fn a_command_follows_the_batch_before_it() {
        let (mut sealer, mut decoder) = ends(None);
        let mut input = BytesMut::new();
        sealer.put_message(&mut input, b"a");
        sealer.put_command(&mut input, b"\x04PING\x00\x0a");
        sealer.put_message(&mut input, b"b");
        assert_eq!(bodies(decoder.decode(&mut input)), ["a"]);
        let Ok(Some(Traffic::Command(Command::Ping(ping)))) = decoder.decode(&mut input) else {
            panic!("a command is due");
        };
        assert_eq!(ping, Ping::decode(b"\x00\x0a").unwrap());
        assert_eq!(bodies(decoder.decode(&mut input)), ["b"]);
    }

    #[test]
    fn a_multipart_message_is_discarded_and_counted() {
        let (mut sealer, mut decoder) = ends(None);
        let mut input = BytesMut::new();
        sealer.put_message(&mut input, b"a");
        sealer.put(&mut input, 0x01, b"first");
        sealer.put(&mut input, 0x01, b"second");
        sealer.put_message(&mut input, b"last");
        sealer.put_message(&mut input, b"b");
        assert_eq!(bodies(decoder.decode(&mut input)), ["a"]);
        assert_eq!(bodies(decoder.decode(&mut input)), ["b"]);
        assert_eq!(decoder.take_discarded(), 1);
    }

    #[test]
    fn messages_before_an_error_are_delivered_first() {
        let (mut sealer, mut decoder) = ends(None);
        let mut input = BytesMut::new();
        sealer.put_message(&mut input, b"a");
        sealer.put(&mut input, 0x04, b"b");
        assert_eq!(bodies(decoder.decode(&mut input)), ["a"]);
        let error = decoder.decode(&mut input).unwrap_err();
        assert_eq!(error, TrafficError::Seal(SealError::Flags { flags: 0x04 }));
    }

    #[test]
    fn the_work_of_decrypting_a_batch_is_bounded() {
        let (mut sealer, mut decoder) = ends(None);
        let mut input = BytesMut::new();
        for _ in 0..1_000 {
            sealer.put_message(&mut input, b"");
        }
        for _ in 0..1_000 {
            sealer.put(&mut input, 0x01, b"");
        }
        let (mut messages, mut calls) = (0, 0);
        while let Some(traffic) = decoder.decode(&mut input).unwrap() {
            if let Traffic::Messages(batch) = traffic {
                messages += batch.messages();
                assert!(batch.messages() <= WORK_MAX / SEALED_WORK);
            }
            assert!(decoder.take_work() <= WORK_MAX + 2 * SEALED_WORK);
            calls += 1;
        }
        assert_eq!((messages, input.len()), (1_000, 0));
        assert!(calls >= 2_000 * SEALED_WORK / WORK_MAX, "{calls}");
    }

    #[test]
    fn an_unencrypted_frame_is_refused() {
        for frame in [
            &b"\x00\x05hello"[..],
            b"\x04\x0c\x05ERROR\x05go-on",
            &[&[0, 40][..], &[7; 40]].concat(),
        ] {
            let (_, mut decoder) = ends(None);
            let error = decoder.decode(&mut BytesMut::from(frame)).unwrap_err();
            assert_eq!(error, TrafficError::Seal(SealError::NoMessage));
        }
    }

    #[test]
    fn a_message_above_the_limit_is_refused() {
        let (mut sealer, mut decoder) = ends(Some(3));
        let mut input = BytesMut::new();
        sealer.put_message(&mut input, b"abc");
        sealer.put_message(&mut input, b"abcd");
        assert_eq!(bodies(decoder.decode(&mut input)), ["abc"]);
        let refused = TrafficError::MessageTooLarge { size: 4, limit: 3 };
        assert_eq!(decoder.decode(&mut input).unwrap_err(), refused);

        // A size beyond that of every command is refused by its header.
        let (_, mut decoder) = ends(Some(3));
        let mut input = BytesMut::from(&b"\x02\0\0\0\0\0\x01\0\x22"[..]);
        assert!(matches!(decoder.decode(&mut input), Err(TrafficError::MessageTooLarge { .. })));
    }

    #[test]
    fn a_large_announced_size_reserves_little_memory() {
        let (_, mut decoder) = ends(None);
        let mut input = BytesMut::from(&b"\x02\x7f\xff\xff\xff\xff\xff\xff\xffabc"[..]);
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert!(input.capacity() <= 2 * super::super::READ_SIZE);
    }

    proptest! {
        #[test]
        fn messages_are_decoded_wherever_reads_end(
            sent in vec(vec(any::<u8>(), 0..600), 1..20),
            cuts in vec(1_usize..700, 1..40),
        ) {
            let (mut sealer, mut decoder) = ends(None);
            let mut frames = BytesMut::new();
            for body in &sent {
                sealer.put_message(&mut frames, body);
            }
            let received = decode_in_pieces(&mut decoder, &frames, &cuts, &[usize::MAX]);
            prop_assert_eq!(received, (sent.into_iter().map(Bytes::from).collect(), 0));
        }
    }

    /// Returns the sealer of one end and the decoder of the other.
    pub(in super::super) fn ends(max_message_size: Option<u64>) -> (Sealer, TrafficDecoder) {
        let (Session { sealer, .. }, Session { opener, .. }) = sessions();
        (sealer, TrafficDecoder::new(max_message_size, Some(opener)))
    }

    fn bodies(decoded: Result<Option<Traffic>, TrafficError>) -> Vec<Bytes> {
        match decoded {
            Ok(Some(Traffic::Messages(mut batch))) => std::iter::from_fn(|| batch.pop()).collect(),
            other => panic!("messages are due, not {other:?}"),
        }
    }
}
