//! Traffic after the handshake (RFC 37, Formal Grammar): messages and commands intermixed.

mod read_capacity;
mod sealed;

use bytes::{Buf, BytesMut};
use thiserror::Error;

use self::read_capacity::ReadCapacity;
use self::sealed::SealedDecoder;
use super::batch::{Batch, BrokenBatch};
use super::command::{Command, CommandError};
use super::frame::{FrameError, Header, SHORT_MESSAGE};
use super::mechanism::curve::{Opener, SealError};

/// Splits the bytes of a remote into batches of messages and single commands.
///
/// A thread-safe socket discards multipart messages (RFC 37, Thread-Safe Socket Types). Their parts are
/// skipped as they arrive, without being buffered.
#[derive(Debug)]
pub struct TrafficDecoder {
    max_message_size: u64,
    /// True between the first part of a multipart message and its last.
    in_multipart: bool,
    /// Bytes of a discarded part that have not arrived yet.
    skip: u64,
    /// The number of discarded multipart messages.
    discarded: u64,
    /// Bytes that were skipped since the last batch. At most the length of its buffer is attributed to the
    /// next batch.
    passed: usize,
    /// The work since [`take_work`](Self::take_work), in bytes.
    work: usize,
    /// The value of `work` at the last result.
    returned_at: usize,
    read_capacity: ReadCapacity,
    /// Present if frames are encrypted.
    sealed: Option<SealedDecoder>,
}

/// An item of traffic.
#[derive(Debug)]
pub enum Traffic {
    /// All complete messages before the next command or the end of the input.
    Messages(Batch),
    /// A command.
    Command(Command),
    /// Many bytes were read, discarded or decrypted without another result. The caller decides whether to
    /// continue or to yield.
    Progress,
}

/// The reason for closing the connection: the remote sent something forbidden or malformed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrafficError {
    /// The frames of a batch are not the messages that were found in it.
    #[error("broken batch")]
    Batch(#[from] BrokenBatch),
    /// A frame header is malformed.
    #[error("malformed frame")]
    Frame(#[from] FrameError),
    /// A command is malformed.
    #[error("malformed command")]
    Command(#[from] CommandError),
    /// A command exceeds 64 KiB.
    #[error("a command of {size} bytes, where the limit is {MAX_COMMAND_SIZE}")]
    CommandTooLarge {
        /// The size of its body in bytes.
        size: u64,
    },
    /// A message or part exceeds the limit of the decoder.
    #[error("a message of {size} bytes, where the limit is {limit}")]
    MessageTooLarge {
        /// The size of its body in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An encrypted frame does not open, or its content is malformed.
    #[error("malformed MESSAGE")]
    Seal(#[from] SealError),
}

impl TrafficDecoder {
    /// Creates a decoder. A message above `max_message_size` bytes is an error. With an `opener` all frames
    /// must be encrypted.
    pub fn new(max_message_size: Option<u64>, opener: Option<Opener>) -> Self {
        Self {
            max_message_size: max_message_size.unwrap_or(u64::MAX),
            in_multipart: false,
            skip: 0,
            discarded: 0,
            passed: 0,
            work: 0,
            returned_at: 0,
            read_capacity: ReadCapacity::new(),
            sealed: opener.map(SealedDecoder::new),
        }
    }

    /// Removes the next item from `input`. If none is complete, reserves capacity in `input` for the next read:
    /// up to [`READ_SIZE`], or as much as has already been read, regardless of the size that a frame announces.
    ///
    /// The work of one call is bounded: it returns after 64 KiB of work and at most one more frame.
    ///
    /// # Errors
    ///
    /// The remote sent something forbidden or malformed. All complete messages before it were returned by
    /// earlier calls.
    #[inline]
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Traffic>, TrafficError> {
        self.work = self.work.saturating_add(self.read_capacity.record_read(input));
        let traffic = match &self.sealed {
            None => self.decode_clear(input)?,
            Some(_) => self.decode_sealed(input)?,
        };
        let traffic = traffic.or_else(|| self.has_worked().then_some(Traffic::Progress));
        if traffic.is_some() {
            self.returned_at = self.work;
        }
        Ok(traffic)
    }

    /// Implements [`decode`](Self::decode) for unencrypted frames.
    fn decode_clear(&mut self, input: &mut BytesMut) -> Result<Option<Traffic>, TrafficError> {
        loop {
            if !self.skip(input) {
                return Ok(None);
            }
            let (end, messages) = if self.in_multipart { (0, 0) } else { self.scan(input)? };
            if messages > 0 {
                self.read_capacity.record_frames(end, messages);
                let buffer = self.read_capacity.buffer_len(input);
                let frames = input.split_to(end).freeze();
                let passed = std::mem::take(&mut self.passed).min(buffer);
                let batch = Batch::new(frames, messages, 0, passed)?.within(buffer);
                return Ok(Some(Traffic::Messages(batch)));
            }
            let Some(header) = Header::decode(input)? else {
                self.read_capacity.reserve(input, 0);
                return Ok(None);
            };
            if header.command {
                return self.command(header, input);
            }
            if self.in_multipart || header.more {
                self.discarded += u64::from(!self.in_multipart);
                self.in_multipart = header.more;
                self.check_size(header.size)?;
                self.pass(input, header.len());
                self.skip = header.size;
                self.work = self.work.saturating_add(PART_WORK);
                if !self.skip(input) {
                    return Ok(None);
                }
                if self.has_worked() {
                    return Ok(Some(Traffic::Progress));
                }
                continue;
            }
            // The message is incomplete.
            let length = header.size.saturating_add(header.len() as u64);
            let missing = length.saturating_sub(input.len() as u64);
            self.read_capacity.reserve(input, usize::try_from(missing).unwrap_or(usize::MAX));
            return Ok(None);
        }
    }

    /// Releases memory that only sustained traffic needs. Bytes that have arrived stay in `input`.
    #[inline]
    pub fn release_memory(&mut self, input: &mut BytesMut) {
        self.read_capacity.release(input);
    }

    /// Returns the work since the last call, in bytes: the number of bytes that were read, plus the number
    /// that could have been read in the time of discarding and decrypting frames.
    #[inline]
    pub fn take_work(&mut self) -> usize {
        self.returned_at = 0;
        std::mem::take(&mut self.work)
    }

    /// Returns the number of multipart messages that were discarded since the last call.
    #[inline]
    pub fn take_discarded(&mut self) -> u64 {
        std::mem::take(&mut self.discarded)
    }

    /// Returns the total length and the number of the complete messages at the beginning of `input`.
    #[inline]
    fn scan(&self, input: &[u8]) -> Result<(usize, usize), TrafficError> {
        let (mut end, mut messages) = (0, 0);
        loop {
            let rest = &input[end..];
            let length = match *rest {
                [SHORT_MESSAGE, size, ..] if u64::from(size) <= self.max_message_size => {
                    2 + usize::from(size)
                }
                _ => match self.long_message(rest) {
                    Ok(Some(length)) => length,
                    // The messages before the error are returned first.
                    Err(error) if messages == 0 => return Err(error),
                    Ok(None) | Err(_) => return Ok((end, messages)),
                },
            };
            if length > rest.len() {
                return Ok((end, messages));
            }
            end += length;
            messages += 1;
        }
    }

    /// Returns the length of the message frame at the beginning of `input`, or `None` if it is another frame or
    /// its header is incomplete.
    fn long_message(&self, input: &[u8]) -> Result<Option<usize>, TrafficError> {
        match Header::decode(input)? {
            Some(header) if !header.command && !header.more => {
                self.check_size(header.size)?;
                let size = usize::try_from(header.size).unwrap_or(usize::MAX);
                Ok(Some(size.saturating_add(header.len())))
            }
            _ => Ok(None),
        }
    }

    fn command(
        &mut self,
        header: Header,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        if header.size > MAX_COMMAND_SIZE {
            return Err(TrafficError::CommandTooLarge { size: header.size });
        }
        let size = usize::try_from(header.size).unwrap_or(usize::MAX);
        if input.len() < header.len() + size {
            self.read_capacity.reserve(input, 0);
            return Ok(None);
        }
        self.pass(input, header.len());
        let command = Command::decode(&input[..size])?;
        self.pass(input, size);
        Ok(Some(Traffic::Command(command)))
    }

    const fn check_size(&self, size: u64) -> Result<(), TrafficError> {
        if size > self.max_message_size {
            return Err(TrafficError::MessageTooLarge { size, limit: self.max_message_size });
        }
        Ok(())
    }

    /// Skips the rest of a discarded part. Returns false if the part is incomplete.
    fn skip(&mut self, input: &mut BytesMut) -> bool {
        if self.skip == 0 {
            return true;
        }
        let arrived = input.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
        self.pass(input, arrived);
        self.work = self.work.saturating_add(arrived.saturating_mul(DISCARDED_WORK));
        self.skip -= arrived as u64;
        if self.skip > 0 {
            self.read_capacity.reserve(input, 0);
        }
        self.skip == 0
    }

    /// Returns whether the work since the last result requires a return.
    const fn has_worked(&self) -> bool {
        self.work.saturating_sub(self.returned_at) >= WORK_MAX
    }

    fn pass(&mut self, input: &mut BytesMut, bytes: usize) {
        input.advance(bytes);
        self.passed = self.passed.saturating_add(bytes);
    }
}

/// The size of one read under sustained traffic. 64 KiB was faster than 16, 128 and 256 KiB.
pub const READ_SIZE: usize = 0x1_0000;

/// The work, in bytes, after which `decode` returns.
const WORK_MAX: usize = READ_SIZE;

/// The cost of a discarded part in addition to its bytes. A turn of a connection allows 2,000 of the
/// shortest parts, which take about 30 µs.
const PART_WORK: usize = 0x80;

/// The cost of a discarded byte in addition to reading it. Such bytes are useless, so a remote that sends
/// them receives a quarter of a turn.
const DISCARDED_WORK: usize = 3;

/// The size limit of a command after the handshake. The commands of RFC 37 have less than 300 bytes.
const MAX_COMMAND_SIZE: u64 = 0x1_0000;

#[cfg(test)]
pub(crate) mod tests {
    use bytes::{BufMut, Bytes};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::frame::put_message_header;
    use super::super::ping_pong::Ping;
    use super::*;

    #[test]
    fn whole_messages_of_one_read_are_one_batch() {
        let mut input = BytesMut::from(&b"\x00\x01a\x00\x00\x02\0\0\0\0\0\0\0\x02bc\x00\x05de"[..]);
        let mut decoder = TrafficDecoder::new(None, None);
        let mut batch = messages(decoder.decode(&mut input));
        assert_eq!(batch.messages(), 3);
        assert_eq!(batch.pop().unwrap(), "a");
        assert_eq!(batch.pop().unwrap(), "");
        assert_eq!(batch.pop().unwrap(), "bc");
        assert!(batch.pop().is_none());
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert_eq!(input, b"\x00\x05de"[..]);
    }

    #[test]
    fn a_command_ends_a_batch() {
        let mut input = BytesMut::from(&b"\x00\x01a\x04\x07\x04PING\x00\x0a\x00\x01b"[..]);
        let mut decoder = TrafficDecoder::new(None, None);
        assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
        let Ok(Some(Traffic::Command(Command::Ping(ping)))) = decoder.decode(&mut input) else {
            panic!("a command is due");
        };
        assert_eq!(ping, Ping::decode(b"\x00\x0a").unwrap());
        assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
    }

    #[test]
    fn a_multipart_message_is_discarded_and_counted() {
        let parts = b"\x01\x01a\x04\x07\x04PING\x00\x00\x03\0\0\0\0\0\0\0\x02bb\x00\x01c\x00\x01d";
        for split in 0..parts.len() {
            let mut decoder = TrafficDecoder::new(None, None);
            let mut input = BytesMut::new();
            let (mut bodies, mut commands) = (Vec::new(), 0);
            for piece in [&parts[..split], &parts[split..]] {
                input.extend_from_slice(piece);
                while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                    match traffic {
                        Traffic::Messages(mut batch) => bodies.extend(batch.pop()),
                        Traffic::Command(_) => commands += 1,
                        Traffic::Progress => panic!("one message is less work than a turn"),
                    }
                }
            }
            assert_eq!((bodies, commands), (vec![Bytes::from("d")], 1));
            assert_eq!(decoder.take_discarded(), 1);
        }
    }

    #[test]
    fn a_large_announced_size_reserves_little_memory() {
        let mut input = BytesMut::from(&b"\x02\x7f\xff\xff\xff\xff\xff\xff\xffabc"[..]);
        let mut decoder = TrafficDecoder::new(None, None);
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert!(input.capacity() <= 2 * READ_SIZE);
    }

    #[test]
    fn a_message_above_the_limit_is_refused_by_its_header() {
        let mut decoder = TrafficDecoder::new(Some(3), None);
        let mut input = BytesMut::from(&b"\x00\x03abc\x00\x04"[..]);
        assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
        let refused = TrafficError::MessageTooLarge { size: 4, limit: 3 };
        assert_eq!(decoder.decode(&mut input).unwrap_err(), refused);
        let mut part = BytesMut::from(&b"\x01\x04"[..]);
        assert_eq!(decoder.decode(&mut part).unwrap_err(), refused);
    }

    #[test]
    fn messages_before_an_error_are_delivered_first() {
        let mut decoder = TrafficDecoder::new(None, None);
        let mut input = BytesMut::from(&b"\x00\x01a\xff"[..]);
        assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
        assert!(matches!(decoder.decode(&mut input), Err(TrafficError::Frame(_))));
    }

    #[test]
    fn a_command_above_the_limit_is_refused_by_its_header() {
        let mut input = BytesMut::from(&b"\x06\0\0\0\0\0\x01\0\x01"[..]);
        let error = TrafficDecoder::new(None, None).decode(&mut input).unwrap_err();
        assert_eq!(error, TrafficError::CommandTooLarge { size: 0x1_0001 });
    }

    #[test]
    fn the_work_of_discarding_parts_is_bounded() {
        let long = [&b"\x03\0\0\0\0\0\x01\0\0"[..], &[0; 0x1_0000]].concat();
        for (part, discarded_max) in
            [(&b"\x01\x00"[..], 0x2000), (&b"\x01\x02ab"[..], 0x4000), (&long, 0x1_0009)]
        {
            let mut input = BytesMut::from(&*part.repeat(0x10_0000 / part.len()));
            let mut decoder = TrafficDecoder::new(None, None);
            loop {
                let before = input.len();
                let decoded = decoder.decode(&mut input).unwrap();
                assert!(
                    before - input.len() <= discarded_max,
                    "{} of {before}",
                    before - input.len()
                );
                let Some(Traffic::Progress) = decoded else { break };
                let work = decoder.take_work();
                assert!(work >= WORK_MAX && work >= before - input.len(), "{work}");
            }
            assert!(input.is_empty());
        }
    }

    #[test]
    fn progress_is_reported_while_a_long_message_arrives() {
        let mut decoder = TrafficDecoder::new(None, None);
        let mut input = BytesMut::from(&b"\x02\0\0\0\0\0\x20\0\0"[..]);
        assert!(decoder.decode(&mut input).unwrap().is_none());
        for _ in 0..0x1F {
            input.extend_from_slice(&[0; 0x1_0000]);
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Progress))));
            assert!(decoder.decode(&mut input).unwrap().is_none());
            assert_eq!(decoder.take_work(), 0x1_0000);
        }
        input.extend_from_slice(&[0; 0x1_0000]);
        assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
        assert_eq!(decoder.take_work(), 0x1_0000);
    }

    proptest! {
        #[test]
        fn messages_are_decoded_wherever_reads_end(
            bodies in vec(vec(any::<u8>(), 0..600), 1..20),
            cuts in vec(1_usize..700, 1..40),
            splits in vec(1_usize..4, 1..8),
        ) {
            let sent = encoded(&bodies);
            let mut decoder = TrafficDecoder::new(None, None);
            let mut input = BytesMut::new();
            let mut received = Vec::new();
            let (mut rest, mut cuts, mut splits) = (&sent[..], cuts.iter().cycle(), splits.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                input.extend_from_slice(piece);
                rest = after;
                while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                    let Traffic::Messages(mut batch) = traffic else { panic!("only messages were sent") };
                    while batch.messages() > 0 {
                        let mut part = batch.split_to(*splits.next().unwrap(), usize::MAX);
                        received.extend(std::iter::from_fn(|| part.pop()));
                    }
                }
            }
            prop_assert_eq!(received, bodies);
            prop_assert!(input.is_empty());
        }

        #[test]
        fn no_input_causes_a_panic(pieces in vec(vec(any::<u8>(), 0..50), 0..20)) {
            let mut decoder = TrafficDecoder::new(Some(100), None);
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

    fn encoded<T: AsRef<[u8]>>(bodies: &[T]) -> BytesMut {
        let mut frames = BytesMut::new();
        for body in bodies {
            put_message_header(&mut frames, body.as_ref().len());
            frames.put_slice(body.as_ref());
        }
        frames
    }

    fn messages(decoded: Result<Option<Traffic>, TrafficError>) -> Batch {
        match decoded {
            Ok(Some(Traffic::Messages(batch))) => batch,
            other => panic!("messages are due, not {other:?}"),
        }
    }
}
