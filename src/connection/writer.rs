//! Writes messages and commands, and tracks which messages are not written.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio_util::codec::Framed;
use zmtp_proto::command::Command;
use zmtp_proto::frame::{Header, LONG_LENGTH, frame_len, put_message_header};
use zmtp_proto::greeting::Version;
use zmtp_proto::mechanism::curve::{OVERHEAD, Sealer};
use zmtp_proto::message_shape::{
    MessageShape, count_messages, last_part, parts, split_first_part, split_messages,
};
use zmtp_proto::subscription;

use crate::message::Message;
use crate::pipe::unpack;
use crate::stats::Volume;

/// The messages that a connection took from its queue, and the progress of writing them.
///
/// It works in rounds of commands and of all taken messages. They are encoded into the write buffer
/// while the buffer is written. Long bodies are not copied: they are written between the bytes
/// before and after them in the buffer. Messages are kept until their round is written, so that
/// after a failure the unwritten ones are known.
///
/// Invariant: `encoded <= taken.len()`.
#[derive(Debug)]
pub(super) struct Writer {
    /// The size of one write in bytes.
    write_size: usize,
    shape: MessageShape,
    /// The version of the remote.
    version: Version,
    taken: VecDeque<Message>,
    /// Whether a round is being written.
    in_round: bool,
    /// The number of messages in `taken` that belong to this round.
    encoded: usize,
    /// The size of these messages in bytes.
    round: usize,
    /// Bodies that are not copied, in order.
    long: VecDeque<Long>,
    /// Commands for the next round, encoded, but not sealed: their nonces must follow those of all
    /// messages before them.
    commands: BytesMut,
    /// The bytes that sealing will add to them.
    commands_overhead: usize,
    /// The unwritten bytes of the commands of this round. They precede all messages.
    commands_left: usize,
    /// Whether the stream has refused bytes since the writer was idle.
    is_refused: bool,
    /// The bytes that it accepted after that, since the last query.
    progress: usize,
    /// Present if traffic is encrypted.
    sealer: Option<Sealer>,
    /// The volume written since the last query.
    written: Volume,
}

/// The rest of a body that is written without a copy.
#[derive(Debug)]
struct Long {
    /// The bytes in the write buffer between it and the previous long body.
    after: usize,
    body: Bytes,
}

impl Writer {
    /// Creates a writer for a remote of `version`. With a `sealer`, all frames are sealed.
    pub(super) fn new(
        write_size: usize,
        shape: MessageShape,
        version: Version,
        sealer: Option<Sealer>,
    ) -> Self {
        Self {
            write_size,
            shape,
            version,
            taken: VecDeque::new(),
            in_round: false,
            encoded: 0,
            round: 0,
            long: VecDeque::new(),
            commands: BytesMut::new(),
            commands_overhead: 0,
            commands_left: 0,
            is_refused: false,
            progress: 0,
            sealer,
            written: Volume::default(),
        }
    }

    /// Returns the queue for taken messages. Messages may be added only while the writer is idle.
    pub(super) fn taken(&mut self) -> &mut VecDeque<Message> {
        debug_assert!(self.is_idle());
        &mut self.taken
    }

    /// Queues a command to be sent before the messages of the next round.
    pub(super) fn queue_command(&mut self, command: &Command) {
        if let Some(message) = subscription::message_for(self.version, command) {
            return self.queue_opening(&message);
        }
        command.encode(&mut self.commands);
        self.record_overhead();
    }

    /// Queues a message to be sent before all others. Unlike others it is not kept.
    pub(super) fn queue_opening(&mut self, body: &[u8]) {
        put_message_header(&mut self.commands, body.len());
        self.commands.put_slice(body);
        self.record_overhead();
    }

    /// Records that a command was queued.
    fn record_overhead(&mut self) {
        if self.sealer.is_some() {
            self.commands_overhead += OVERHEAD;
        }
    }

    /// Writes all taken messages and queued commands; ready when they are written.
    pub(super) fn poll_write<S: AsyncWrite + Unpin, C>(
        &mut self,
        cx: &mut Context<'_>,
        framed: &mut Framed<S, C>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.is_idle() {
                self.is_refused = false;
                return Poll::Ready(Ok(()));
            }
            if !self.in_round {
                self.in_round = true;
                self.begin_round(framed.write_buffer_mut());
            }
            ready!(self.poll_write_round(cx, framed))?;
        }
    }

    /// Removes the messages that are not written completely, while `buffered` bytes of the round
    /// are still in the write buffer. Also returns whether a part of the first is written.
    pub(super) fn take_unwritten(&mut self, buffered: usize) -> (VecDeque<Message>, bool) {
        let (written, is_begun) = self.count_whole(buffered);
        let mut unwritten = mem::take(&mut self.taken);
        for message in unwritten.drain(..written) {
            self.written.add(Volume { messages: 1, bytes: self.frame_len(&message) as u64 });
        }
        self.in_round = false;
        self.encoded = 0;
        self.long.clear();
        (unwritten, is_begun)
    }

    /// Returns whether only part of a message is written, while `buffered` bytes of the round are
    /// still in the write buffer.
    pub(super) fn is_within_message(&mut self, buffered: usize) -> bool {
        self.count_whole(buffered).1
    }

    /// Returns the number of completely written messages of the round, and whether the next one is
    /// partly written.
    fn count_whole(&mut self, buffered: usize) -> (usize, bool) {
        self.unpack();
        let mut missing = self.pending(buffered);
        let mut written = self.encoded;
        let mut is_begun = false;
        while missing > 0 && written > 0 {
            written -= 1;
            let frame = self.frame_len(&self.taken[written]);
            is_begun = missing < frame;
            missing = missing.saturating_sub(frame);
        }
        (written, is_begun)
    }

    /// Splits packed messages.
    fn unpack(&mut self) {
        if self.shape == MessageShape::Single {
            return;
        }
        let mut messages = VecDeque::with_capacity(self.taken.len());
        let encoded = self.encoded;
        for (at, packed) in mem::take(&mut self.taken).into_iter().enumerate() {
            unpack(packed, &mut messages);
            if at + 1 == encoded {
                self.encoded = messages.len();
            }
        }
        self.taken = messages;
    }

    /// Returns the volume of messages written since the last call.
    pub(super) fn take_written(&mut self) -> Volume {
        mem::take(&mut self.written)
    }

    /// Returns the bytes that the stream accepted after it had refused some, since the last call:
    /// its buffer was full, and the remote has read from it.
    pub(super) fn take_progress(&mut self) -> usize {
        mem::take(&mut self.progress)
    }

    /// Returns whether all queued commands are written.
    pub(super) fn are_commands_written(&self) -> bool {
        self.commands.is_empty() && self.commands_left == 0
    }

    /// Returns whether there is nothing to write.
    pub(super) fn is_idle(&self) -> bool {
        !self.in_round && self.taken.is_empty() && self.commands.is_empty()
    }

    /// Returns whether too many commands wait to be written for the connection to read more.
    pub(super) fn is_held_up(&self) -> bool {
        self.commands.len() + self.commands_overhead >= COMMANDS_MAX
    }

    /// Moves the queued commands to the write buffer.
    fn begin_round(&mut self, buffer: &mut BytesMut) {
        let before = buffer.len();
        match &mut self.sealer {
            None => buffer.put_slice(&self.commands),
            Some(sealer) => put_sealed_frames(sealer, buffer, &self.commands),
        }
        self.commands_left = buffer.len() - before;
        self.commands.clear();
        self.commands_overhead = 0;
    }

    /// Encodes messages of the round until there are enough bytes for one write.
    fn encode(&mut self, buffer: &mut BytesMut) {
        match self.shape {
            MessageShape::Single => self.encode_messages::<false>(buffer),
            MessageShape::GroupAndBody | MessageShape::Multipart => {
                self.encode_messages::<true>(buffer);
            }
        }
    }

    /// Implements [`encode`](Self::encode) for one shape, so that it is not checked for each
    /// message.
    fn encode_messages<const HAS_PARTS: bool>(&mut self, buffer: &mut BytesMut) {
        let missing = self.write_size - self.pending(buffer.len());
        let (mut bytes, mut messages, mut copied) = (0, 0, 0);
        for message in self.taken.range(self.encoded..) {
            let frame = self.frames_len::<HAS_PARTS>(message);
            let is_copied = self.sealer.is_some() || message.len() < LONG_BODY;
            copied += if is_copied { frame } else { LONG_LENGTH };
            bytes += frame;
            messages += 1;
            if bytes >= missing {
                break;
            }
        }
        buffer.reserve(copied);
        for message in self.taken.range(self.encoded..self.encoded + messages) {
            if let Some(sealer) = &mut self.sealer {
                put_sealed::<HAS_PARTS>(sealer, buffer, message);
                continue;
            }
            // A message of several parts is its frames.
            if !HAS_PARTS {
                put_message_header(buffer, message.len());
            }
            match message.shared_body() {
                Some(body) if body.len() >= LONG_BODY => {
                    let before: usize = self.long.iter().map(|long| long.after).sum();
                    self.long.push_back(Long { after: buffer.len() - before, body: body.clone() });
                }
                _ => buffer.put_slice(message),
            }
        }
        self.encoded += messages;
        self.round += bytes;
    }

    /// Ends the round when it is written.
    fn poll_write_round<S: AsyncWrite + Unpin, C>(
        &mut self,
        cx: &mut Context<'_>,
        framed: &mut Framed<S, C>,
    ) -> Poll<io::Result<()>> {
        loop {
            let pending = self.pending(framed.write_buffer().len());
            if pending < self.write_size / 2 && self.encoded < self.taken.len() {
                self.encode(framed.write_buffer_mut());
            } else if pending == 0 {
                break;
            }
            // `Framed` has no method that borrows both the stream and the buffer.
            let mut buffer = mem::take(framed.write_buffer_mut());
            let written = self.poll_write_once(cx, Pin::new(framed.get_mut()), &buffer);
            match written {
                Poll::Ready(Ok(written)) => {
                    if self.is_refused {
                        self.progress += written;
                    }
                    self.commands_left = self.commands_left.saturating_sub(written);
                    self.advance(&mut buffer, written);
                }
                Poll::Ready(Err(_)) => {}
                Poll::Pending => self.is_refused = true,
            }
            *framed.write_buffer_mut() = buffer;
            if ready!(written)? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        let buffer = framed.write_buffer_mut();
        buffer.clear();
        if buffer.capacity() > BUFFER_KEPT {
            *buffer = BytesMut::new();
        }
        let messages = match self.shape {
            MessageShape::Single => self.encoded,
            MessageShape::GroupAndBody | MessageShape::Multipart => {
                self.taken.iter().map(|packed| count_messages(packed)).sum()
            }
        };
        self.written.add(Volume { messages: messages as u64, bytes: self.round as u64 });
        self.taken.clear();
        self.encoded = 0;
        self.round = 0;
        ready!(Pin::new(framed.get_mut()).poll_flush(cx))?;
        self.in_round = false;
        Poll::Ready(Ok(()))
    }

    /// Writes `buffer` and long bodies, up to the size of one write.
    fn poll_write_once(
        &self,
        cx: &mut Context<'_>,
        stream: Pin<&mut impl AsyncWrite>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.long.is_empty() {
            return stream.poll_write(cx, &buffer[..buffer.len().min(self.write_size)]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let (mut used, mut room, mut rest) = (0, self.write_size, buffer);
        let last = [(rest.len(), &[][..])];
        let pieces = self.long.iter().map(|long| (long.after, &long.body[..])).chain(last);
        for (after, body) in pieces {
            let (before, behind) = rest.split_at(after.min(rest.len()));
            rest = behind;
            for piece in [before, body] {
                let piece = &piece[..piece.len().min(room)];
                if !piece.is_empty() && used < SLICES {
                    slices[used] = IoSlice::new(piece);
                    used += 1;
                    room -= piece.len();
                }
            }
        }
        stream.poll_write_vectored(cx, &slices[..used])
    }

    /// Records the bytes that were written.
    fn advance(&mut self, buffer: &mut BytesMut, mut written: usize) {
        while let Some(long) = self.long.front_mut() {
            let of_buffer = written.min(long.after);
            buffer.advance(of_buffer);
            long.after -= of_buffer;
            let of_body = (written - of_buffer).min(long.body.len());
            long.body.advance(of_body);
            written -= of_buffer + of_body;
            if !long.body.is_empty() {
                return;
            }
            self.long.pop_front();
        }
        buffer.advance(written);
    }

    /// Returns the encoded bytes that are not written, `buffered` of them in the write buffer.
    fn pending(&self, buffered: usize) -> usize {
        buffered + self.long.iter().map(|long| long.body.len()).sum::<usize>()
    }

    /// Returns the length of a message on the wire.
    fn frame_len(&self, message: &Message) -> usize {
        match self.shape {
            MessageShape::Single => self.frames_len::<false>(message),
            MessageShape::GroupAndBody | MessageShape::Multipart => {
                self.frames_len::<true>(message)
            }
        }
    }

    #[inline]
    fn frames_len<const HAS_PARTS: bool>(&self, message: &Message) -> usize {
        match (HAS_PARTS, &self.sealer) {
            (false, None) => frame_len(message.len()),
            (false, Some(_)) => frame_len(OVERHEAD + message.len()),
            (true, None) => message.len(),
            (true, Some(_)) => sealed_len(message),
        }
    }
}

/// Returns the length of the sealed frames of messages of several parts. It is a separate function
/// to keep it out of the path of unencrypted messages.
#[inline(never)]
fn sealed_len(messages: &[u8]) -> usize {
    let parts = split_messages(messages).flat_map(parts);
    parts.map(|part| frame_len(OVERHEAD + part.len())).sum()
}

/// Appends the frame of a message of one part, or the frames of messages of several parts.
fn put_sealed<const HAS_PARTS: bool>(sealer: &mut Sealer, dst: &mut BytesMut, message: &Message) {
    if !HAS_PARTS {
        return sealer.put_message(dst, message);
    }
    for message in split_messages(message) {
        let mut rest = message;
        while let Some((part, others)) = split_first_part(rest) {
            sealer.put_part(dst, part);
            rest = others;
        }
        sealer.put_message(dst, last_part(rest).unwrap_or_default());
    }
}

/// Seals frames of commands, and of messages of one part.
fn put_sealed_frames(sealer: &mut Sealer, dst: &mut BytesMut, mut frames: &[u8]) {
    while let Ok(Some(header)) = Header::decode(frames) {
        let body = header.body(frames).expect("the frames are whole");
        if header.command {
            sealer.put_command(dst, body);
        } else {
            sealer.put_message(dst, body);
        }
        frames = &frames[header.len() + body.len()..];
    }
}

/// Bodies from this length on are written without a copy; copying shorter ones behind their headers
/// is faster. (With a limit of 8 KiB, bodies of 16 KiB passed at half the rate.)
const LONG_BODY: usize = 0x8000;

/// The maximum number of slices in one write.
const SLICES: usize = 8;

/// The capacity of a write buffer that is kept: one take usually needs this. The buffer of a longer
/// sealed message is released.
const BUFFER_KEPT: usize = 0x4_0000;

/// Replies to several thousand PINGs, or to a thousand that are sealed. Nothing more is read from a
/// remote that sends more without reading.
const COMMANDS_MAX: usize = 0x1_0000;

#[cfg(test)]
mod tests;
