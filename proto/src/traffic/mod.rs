//! Traffic after the handshake (RFC 37, Formal Grammar): messages and commands intermixed.

mod group_message;
mod multipart;
mod parts;
mod read_capacity;
mod sealed;
mod sealed_parts;
#[cfg(test)]
mod tests;

use bytes::{Buf, BytesMut};
use thiserror::Error;

use self::group_message::GroupRule;
use self::multipart::{PartLimits, SubscriptionRule};
use self::parts::{ArrivedParts, PartRule};
use self::read_capacity::ReadCapacity;
use self::sealed::SealedDecoder;
use super::batch::{Batch, BrokenBatch};
use super::command::{Command, CommandError};
use super::frame::{FrameError, Header, SHORT_MESSAGE};
use super::mechanism::curve::{Opener, SealError};
use super::message_shape::{MessageShape, ShapeError};

/// Splits the bytes of a remote into batches of messages and single commands.
///
/// A thread-safe socket discards multipart messages (RFC 37, Thread-Safe Socket Types). Their parts
/// are skipped as they arrive, without being buffered. Messages of RADIO have two parts, and those
/// of the classic types any number ([`with_shape`](Self::with_shape)).
#[derive(Debug)]
pub struct TrafficDecoder {
    shape: MessageShape,
    max_message_size: u64,
    max_message_parts: usize,
    /// Whether messages that are subscriptions are commands.
    takes_subscriptions: bool,
    /// The parts of an incomplete message, at the beginning of the input.
    arrived: ArrivedParts,
    /// True between the first part of a multipart message and its last.
    in_multipart: bool,
    /// Bytes of a discarded part that have not arrived yet.
    skip: u64,
    /// The number of discarded multipart messages.
    discarded: u64,
    /// Bytes that were skipped since the last batch. At most the length of its buffer is attributed
    /// to the next batch.
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
    /// Many bytes were read, discarded or decrypted without another result. The caller decides
    /// whether to continue or to yield.
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
    #[error("a command of {size} bytes exceeds the limit of {MAX_COMMAND_SIZE}")]
    CommandTooLarge {
        /// The size of its body in bytes.
        size: u64,
    },
    /// A message or part exceeds the limit of the decoder.
    #[error("a message of {size} bytes exceeds the limit of {limit}")]
    MessageTooLarge {
        /// The size of its body in bytes. If messages have any number of parts, the size of all
        /// parts up to the one that exceeds the limit.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A message has more parts than the limit of the decoder.
    #[error("a message has more than {limit} parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// An encrypted frame does not open, or its content is malformed.
    #[error("malformed MESSAGE")]
    Seal(#[from] SealError),
    /// A message does not have the parts that the socket type requires.
    #[error("a message of another shape")]
    Shape(#[from] ShapeError),
}

impl TrafficDecoder {
    /// Creates a decoder. A message above `max_message_size` bytes is an error. With an `opener`
    /// all frames must be encrypted.
    pub fn new(max_message_size: Option<u64>, opener: Option<Opener>) -> Self {
        Self {
            shape: MessageShape::Single,
            max_message_size: max_message_size.unwrap_or(u64::MAX),
            max_message_parts: usize::MAX,
            takes_subscriptions: false,
            arrived: ArrivedParts::default(),
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

    /// Expects messages of another shape than one body. Their batches contain messages in the form
    /// of [`message_shape`](super::message_shape). The size limit applies to the body of a message
    /// of a group, and to the sum of all parts of a multipart message.
    #[must_use]
    pub const fn with_shape(mut self, shape: MessageShape) -> Self {
        self.shape = shape;
        self
    }

    /// Limits the number of parts of a multipart message. The header of the first excess part is an
    /// error, whether or not its body has arrived. By default there is no limit.
    #[must_use]
    pub const fn with_max_message_parts(mut self, parts: usize) -> Self {
        self.max_message_parts = parts;
        self
    }

    /// Sets whether multipart messages can be [subscriptions](super::subscription). Those of one
    /// part that begin with 0 or 1 are then returned as the command that they stand for. The size
    /// limit applies to them. By default they are messages.
    #[must_use]
    pub const fn with_subscriptions(mut self, takes_subscriptions: bool) -> Self {
        self.takes_subscriptions = takes_subscriptions;
        self
    }

    /// Returns the shape of the messages.
    pub const fn shape(&self) -> MessageShape {
        self.shape
    }

    /// Removes the next item from `input`. If none is complete, reserves capacity in `input` for
    /// the next read: up to [`READ_SIZE`], or as much as has already been read, regardless of the
    /// size that a frame announces.
    ///
    /// The work of one call is bounded: it returns after 64 KiB of work and at most one more frame.
    ///
    /// # Errors
    ///
    /// The remote sent something forbidden or malformed. All complete messages before it were
    /// returned by earlier calls.
    #[inline]
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Traffic>, TrafficError> {
        self.work = self.work.saturating_add(self.read_capacity.record_read(input));
        let traffic = match self.shape {
            MessageShape::Single if self.sealed.is_none() => self.decode_clear(input)?,
            MessageShape::Single => self.decode_sealed(input)?,
            MessageShape::GroupAndBody => self.decode_parts(GroupRule::of(self), input)?,
            MessageShape::Multipart if self.takes_subscriptions => {
                self.decode_parts(SubscriptionRule(PartLimits::of(self)), input)?
            }
            MessageShape::Multipart => self.decode_parts(PartLimits::of(self), input)?,
        };
        let traffic = traffic.or_else(|| self.has_worked().then_some(Traffic::Progress));
        if traffic.is_some() {
            self.returned_at = self.work;
        }
        Ok(traffic)
    }

    /// Implements [`decode`](Self::decode) for messages of several parts.
    fn decode_parts(
        &mut self,
        rule: impl PartRule,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        if input.len() < self.arrived.len {
            // The caller has discarded the input, as it may after an error.
            self.arrived = ArrivedParts::default();
        }
        match self.sealed {
            None => self.decode_clear_parts(rule, input),
            Some(_) => self.decode_sealed_parts(rule, input),
        }
    }

    /// Implements [`decode`](Self::decode) for unencrypted messages of one part.
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
                let batch = Batch::new(frames, messages, 0, passed)?;
                return Ok(Some(Traffic::Messages(batch.within(buffer))));
            }
            let Some(header) = Header::decode(input)? else {
                self.read_capacity.reserve(input, 0);
                return Ok(None);
            };
            if header.command {
                return self.command(0, header, input);
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

    /// Returns the work since the last call, in bytes: the number of bytes that were read, plus the
    /// number that could have been read in the time of discarding and decrypting frames.
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

    /// Returns the total length and the number of the complete messages at the beginning of
    /// `input`.
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

    /// Returns the length of the message frame at the beginning of `input`, or `None` if it is
    /// another frame or its header is incomplete.
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

    /// Removes a command, which begins at `start`. The bytes before it stay in `input`: libzmq
    /// sends a PONG between the frames of a message.
    fn command(
        &mut self,
        start: usize,
        header: Header,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        if header.size > MAX_COMMAND_SIZE {
            return Err(TrafficError::CommandTooLarge { size: header.size });
        }
        let Some(body) = header.body(&input[start..]) else {
            self.read_capacity.reserve(input, 0);
            return Ok(None);
        };
        let len = header.len() + body.len();
        let command = Command::decode(body)?;
        self.remove(input, start, len);
        Ok(Some(Traffic::Command(command)))
    }

    /// Removes `len` bytes, which begin at `start`. Moves the bytes before or after them, whichever
    /// are fewer: an incomplete message may be long, and a remote may send many commands in it.
    fn remove(&mut self, input: &mut BytesMut, start: usize, len: usize) {
        if len == 0 {
            // Without this, the work of moving nothing would end every call before the next read.
            return;
        }
        let after = input.len() - start - len;
        if start <= after {
            input.copy_within(..start, len);
            self.pass(input, len);
        } else {
            input.copy_within(start + len.., start);
            input.truncate(start + after);
        }
        self.work = self.work.saturating_add(start.min(after));
    }

    pub(super) const fn check_size(&self, size: u64) -> Result<(), TrafficError> {
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

/// The cost of a discarded part in addition to its bytes. A turn of a connection allows 2,000 of
/// the shortest parts, which take about 30 µs.
const PART_WORK: usize = 0x80;

/// The cost of a discarded byte in addition to reading it. Such bytes are useless, so a remote that
/// sends them receives a quarter of a turn.
const DISCARDED_WORK: usize = 3;

/// The size limit of a command after the handshake. The commands of RFC 37 have fewer than 300
/// bytes, except those with a topic.
const MAX_COMMAND_SIZE: u64 = 0x1_0000;
