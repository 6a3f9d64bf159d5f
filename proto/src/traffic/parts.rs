//! Decoding of messages of several parts.
//!
//! A batch contains whole messages. The parts of an incomplete message stay in the input, and are
//! not examined again.

use bytes::BytesMut;

use super::super::batch::Batch;
use super::super::command::CommandError;
use super::super::frame::{Header, SHORT_MESSAGE, SHORT_PART};
use super::super::subscription;
use super::{READ_SIZE, Traffic, TrafficDecoder, TrafficError};

/// The parts of an incomplete message, whose unencrypted frames are at the beginning of the input.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArrivedParts {
    /// The length of the frames.
    pub(super) len: usize,
    /// The number of parts.
    pub(super) parts: usize,
    /// The size of the parts, without headers.
    pub(super) bytes: u64,
}

/// The rule for the parts of messages of one shape.
pub(super) trait PartRule: Copy {
    /// Whether a message of one part that begins with 0 or 1 stands for a command.
    const TAKES_SUBSCRIPTIONS: bool = false;

    /// Returns the number of bytes that count in addition to those of the next part, and the limit
    /// of their sum.
    fn limit(self, arrived: &ArrivedParts) -> (u64, u64);

    /// Checks the header of the next part.
    fn check_header(
        self,
        arrived: &ArrivedParts,
        more: bool,
        size: u64,
    ) -> Result<(), TrafficError>;

    /// Returns whether a part of this size can be a whole message.
    fn accepts_alone(self, size: usize) -> bool;

    /// Checks the content of the next part.
    #[inline]
    fn check_part(self, _arrived: &ArrivedParts, _part: &[u8]) -> Result<(), TrafficError> {
        Ok(())
    }
}

impl ArrivedParts {
    /// Adds the next part, which is not the last. Its frame has `len` bytes, and its content
    /// `size`.
    #[inline]
    pub(super) const fn add(&mut self, len: usize, size: usize) {
        self.len += len;
        self.parts += 1;
        self.bytes += size as u64;
    }
}

impl TrafficDecoder {
    /// Implements [`decode`](Self::decode) for unencrypted messages of several parts.
    pub(super) fn decode_clear_parts<R: PartRule>(
        &mut self,
        rule: R,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        let mut arrived = self.arrived;
        let (mut end, mut next, mut messages) = (0, arrived.len, 0);
        let found = loop {
            if arrived.parts == 0 {
                let (len, count) = short_messages(rule, &input[next..]);
                if count > 0 {
                    next += len;
                    end = next;
                    messages += count;
                }
            }
            match next_part(rule, &arrived, &input[next..]) {
                Ok(Some((len, size, more))) => {
                    let is_whole = arrived.parts == 0 && !more;
                    if is_whole && is_subscription::<R>(&input[next + len - size..next + len]) {
                        break Ok(Some((len, size)));
                    }
                    next += len;
                    if more {
                        arrived.add(len, size);
                    } else {
                        arrived = ArrivedParts::default();
                        end = next;
                        messages += 1;
                    }
                }
                Ok(None) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        self.arrived = arrived;
        if messages > 0 {
            // The next call finds the error again.
            let batch = self.batch_of_parts(input, end, messages, end);
            return Ok(Some(Traffic::Messages(batch?)));
        }
        if let Some((len, size)) = found? {
            return self.subscription(len, size, input);
        }
        let header = Header::decode(&input[next..])?;
        if let Some(header) = header.filter(|header| header.command) {
            return self.command(next, header, input);
        }
        let frame = header.map_or(0, |header| header.size.saturating_add(header.len() as u64));
        let len = (next as u64).saturating_add(frame);
        let missing = len.saturating_sub(input.len() as u64);
        self.reserve_for_parts(input, usize::try_from(missing).unwrap_or(usize::MAX));
        Ok(None)
    }

    /// Removes a frame of `len` bytes from the beginning of the input. The last `size` bytes of it
    /// stand for a command.
    fn subscription(
        &mut self,
        len: usize,
        size: usize,
        input: &mut BytesMut,
    ) -> Result<Option<Traffic>, TrafficError> {
        let command = subscription::command_of(&input[len - size..len]);
        let command = command.transpose().map_err(CommandError::Topic)?;
        self.pass(input, len);
        Ok(command.map(Traffic::Command))
    }

    /// Removes the first `end` bytes, which are complete messages. They took `len` bytes when they
    /// arrived.
    pub(super) fn batch_of_parts(
        &mut self,
        input: &mut BytesMut,
        end: usize,
        messages: usize,
        len: usize,
    ) -> Result<Batch, TrafficError> {
        self.read_capacity.record_frames(len, messages);
        let buffer = self.read_capacity.buffer_len(input);
        let frames = input.split_to(end).freeze();
        let passed = std::mem::take(&mut self.passed).min(buffer);
        Ok(Batch::of_parts(frames, messages, passed)?.within(buffer))
    }

    /// Reserves capacity for the next read, if `missing` bytes are known to be missing in a frame.
    /// The length of a message is unknown until its last part. The capacity of a long message
    /// doubles, because each new buffer costs a copy of the parts that have arrived.
    pub(super) fn reserve_for_parts(&mut self, input: &mut BytesMut, missing: usize) {
        let is_long = self.arrived.len >= READ_SIZE;
        let missing = if is_long { missing.max(self.arrived.len) } else { missing };
        self.read_capacity.reserve(input, missing);
    }
}

/// Returns the length and the number of the messages of one short part at the beginning of `input`.
/// Most messages are like this: each takes a few instructions.
#[inline]
fn short_messages<R: PartRule>(rule: R, input: &[u8]) -> (usize, usize) {
    let (mut rest, mut messages) = (input, 0);
    while let [SHORT_MESSAGE, size, after @ ..] = rest {
        let size = usize::from(*size);
        if size > after.len() || !rule.accepts_alone(size) {
            break;
        }
        if is_subscription::<R>(&after[..size]) {
            break;
        }
        rest = &after[size..];
        messages += 1;
    }
    (input.len() - rest.len(), messages)
}

/// Returns the length of the frame at the beginning of `input`, the length of its content, and
/// whether other parts of the same message follow. Returns `None` if the frame is incomplete, or a
/// command.
#[inline]
fn next_part(
    rule: impl PartRule,
    arrived: &ArrivedParts,
    input: &[u8],
) -> Result<Option<(usize, usize, bool)>, TrafficError> {
    // Most parts are short: this path takes a few instructions.
    let header = match *input {
        [flags @ (SHORT_MESSAGE | SHORT_PART), size, ..] => {
            let (more, size) = (flags == SHORT_PART, u64::from(size));
            Header { more, command: false, long: false, size }
        }
        _ => match Header::decode(input)? {
            Some(header) if !header.command => header,
            _ => return Ok(None),
        },
    };
    rule.check_header(arrived, header.more, header.size)?;
    let Some(part) = header.body(input) else { return Ok(None) };
    rule.check_part(arrived, part)?;
    Ok(Some((header.len() + part.len(), part.len(), header.more)))
}

/// Returns whether the only part of a message stands for a command.
#[inline]
pub(super) const fn is_subscription<R: PartRule>(part: &[u8]) -> bool {
    R::TAKES_SUBSCRIPTIONS && subscription::is_subscription(part)
}
