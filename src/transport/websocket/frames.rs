//! The translation between frames of ZMTP and those of a WebSocket, without IO.

use std::io::Cursor;
use std::str;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use zmtp_proto::frame::{FrameError, Header};
use zmtp_proto::greeting::{Greeting, MechanismName, Version};

use super::mask::Mask;

/// The end of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WebSocketRole {
    /// Masks what it sends.
    Client {
        /// The seed of the masks, from the operating system (RFC 6455, 10.3).
        seed: u64,
    },
    Server,
}

/// Translates the bytes that a connection writes into frames of the WebSocket.
#[derive(Debug)]
pub(super) struct FrameWriter {
    state: WriteState,
    /// The keys of masks; `None` for a server.
    keys: Option<fastrand::Rng>,
}

#[derive(Debug)]
enum WriteState {
    /// The greeting is not sent. This many bytes of it follow.
    Greeting(usize),
    /// The bytes of an incomplete header.
    Header(Partial),
    Body {
        left: u64,
        mask: Option<Mask>,
    },
}

/// The first bytes of a header of ZMTP.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    bytes: [u8; HEADER_MAX],
    len: usize,
}

/// Translates frames of a WebSocket into the bytes that a connection reads.
#[derive(Debug)]
pub(super) struct FrameReader {
    role: WebSocketRole,
    /// The greeting, and then headers and messages in fragments, that are not read yet.
    ready: Bytes,
    body: Option<Body>,
    /// The payloads of the fragments of a message that has not ended. Its size is not known before.
    fragments: Option<BytesMut>,
    /// The most bytes of `fragments`.
    fragmented_max: usize,
    /// The number of commands of the remote that follow in the handshake.
    handshake_left: u8,
}

/// The rest of the payload of a binary frame.
#[derive(Debug)]
struct Body {
    left: u64,
    mask: Option<Mask>,
    extent: Extent,
}

/// What a frame contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// A whole message.
    Message,
    /// A part of a message in fragments.
    Fragment { is_last: bool },
}

/// A control frame of the remote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ControlFrame {
    Close(BytesMut),
    Ping(BytesMut),
    Pong(BytesMut),
}

/// A violation of the protocol by the remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Violation {
    #[error("a close frame with an invalid status code or reason")]
    BadClose,
    #[error("a control frame with more than 125 bytes, or in fragments")]
    BadControl,
    #[error("a fragment that does not follow, or a message between fragments")]
    Fragments,
    #[error("an invalid header")]
    Header,
    #[error("a frame of a server with a mask")]
    Masked,
    #[error("a message without the byte of flags")]
    NoFlags,
    #[error("reserved bits in a header, or in the byte of flags")]
    Reserved,
    #[error("a text message")]
    Text,
    #[error("a message in fragments that is too long")]
    TooLong,
    #[error("a frame of a client without a mask")]
    Unmasked,
}

impl FrameWriter {
    pub(super) fn new(role: WebSocketRole) -> Self {
        let keys = match role {
            WebSocketRole::Client { seed } => Some(fastrand::Rng::with_seed(seed)),
            WebSocketRole::Server => None,
        };
        Self { state: WriteState::Greeting(Greeting::LEN), keys }
    }

    /// Translates bytes until `dst` has `limit` bytes. Returns how many were translated.
    ///
    /// # Errors
    ///
    /// The bytes are not ZMTP.
    pub(super) fn translate(
        &mut self,
        mut src: &[u8],
        dst: &mut BytesMut,
        limit: usize,
    ) -> Result<usize, FrameError> {
        let given = src.len();
        while !src.is_empty() && dst.len() < limit {
            match &mut self.state {
                WriteState::Greeting(left) => {
                    let skipped = src.len().min(*left);
                    src = &src[skipped..];
                    *left -= skipped;
                    if *left == 0 {
                        self.state = WriteState::Header(Partial::default());
                    }
                }
                WriteState::Header(partial) if partial.len == 0 => match Header::decode(src)? {
                    Some(header) => {
                        src = &src[header.len()..];
                        self.begin(header, dst);
                    }
                    None => src = partial.take(src, HEADER_MAX),
                },
                WriteState::Header(partial) => {
                    src = partial.take(src, 1);
                    if let Some(header) = Header::decode(&partial.bytes[..partial.len])? {
                        self.begin(header, dst);
                    }
                }
                WriteState::Body { left, mask } => {
                    let room = (limit - dst.len()).min(src.len());
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(room);
                    let (body, rest) = src.split_at(len);
                    match mask {
                        Some(mask) => mask.put(body, dst),
                        None => dst.put_slice(body),
                    }
                    src = rest;
                    *left -= len as u64;
                    if *left == 0 {
                        self.state = WriteState::Header(Partial::default());
                    }
                }
            }
        }
        Ok(given - src.len())
    }

    /// Appends the header of a frame, and the byte of flags.
    fn begin(&mut self, header: Header, dst: &mut BytesMut) {
        let mut mask = self.put_header(OpCode::Data(Data::Binary), header.size + 1, dst);
        let flags = [(u8::from(header.command) << 1) | u8::from(header.more)];
        match &mut mask {
            Some(mask) => mask.put(&flags, dst),
            None => dst.put_slice(&flags),
        }
        self.state = match header.size {
            0 => WriteState::Header(Partial::default()),
            left => WriteState::Body { left, mask },
        };
    }

    fn put_header(&mut self, opcode: OpCode, len: u64, dst: &mut BytesMut) -> Option<Mask> {
        let key = self.keys.as_mut().map(|keys| keys.u32(..).to_ne_bytes());
        let header = FrameHeader { is_final: true, opcode, mask: key, ..FrameHeader::default() };
        // A buffer in memory accepts everything.
        let _ = header.format(len, &mut dst.writer());
        key.map(Mask::new)
    }

    /// Returns whether a control frame may be sent now.
    pub(super) const fn is_between_frames(&self) -> bool {
        matches!(self.state, WriteState::Greeting(_) | WriteState::Header(_))
    }

    /// Appends a control frame, between two other frames.
    pub(super) fn put_control(&mut self, opcode: Control, payload: &[u8], dst: &mut BytesMut) {
        let mask = self.put_header(OpCode::Control(opcode), payload.len() as u64, dst);
        match mask {
            Some(mut mask) => mask.put(payload, dst),
            None => dst.put_slice(payload),
        }
    }
}

impl Partial {
    /// Takes up to `most` bytes of `src`; returns the rest.
    fn take<'a>(&mut self, src: &'a [u8], most: usize) -> &'a [u8] {
        let len = src.len().min(most).min(HEADER_MAX - self.len);
        let (taken, rest) = src.split_at(len);
        self.bytes[self.len..self.len + len].copy_from_slice(taken);
        self.len += len;
        rest
    }
}

impl FrameReader {
    /// `mechanism` is that of the subprotocol.
    pub(super) fn new(role: WebSocketRole, mechanism: MechanismName) -> Self {
        // As in ZMTP 3.0, a subscription is a message, and no PING is sent.
        let version = Version { major: 3, minor: 0 };
        let greeting = Greeting { version, mechanism, as_server: false };
        Self {
            role,
            ready: Bytes::copy_from_slice(&greeting.encode()),
            body: None,
            fragments: None,
            fragmented_max: FRAGMENTED_MAX,
            // READY, or those of PLAIN and CURVE: HELLO and INITIATE, or WELCOME and READY.
            handshake_left: if mechanism == MechanismName::NULL { 1 } else { 2 },
        }
    }

    /// Limits the bytes of a message in fragments, with its byte of flags.
    pub(super) fn set_fragmented_max(&mut self, bytes: usize) {
        self.fragmented_max = bytes;
    }

    /// Translates frames of `src` into `dst`, up to `room` bytes, and until a control frame, which is
    /// returned.
    ///
    /// # Errors
    ///
    /// The remote violates the protocol. What precedes is in `dst`.
    pub(super) fn translate(
        &mut self,
        src: &mut BytesMut,
        dst: &mut impl BufMut,
    ) -> Result<Option<ControlFrame>, Violation> {
        loop {
            let room = dst.remaining_mut();
            if !self.ready.is_empty() {
                let len = self.ready.len().min(room);
                dst.put(self.ready.split_to(len));
                if !self.ready.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            if let Some(Body { left, mask, extent }) = &mut self.body {
                let extent = *extent;
                // A frame without a body ends with its header.
                let most = if extent == Extent::Message { src.len().min(room) } else { src.len() };
                let len = usize::try_from(*left).unwrap_or(usize::MAX).min(most);
                if let Some(mask) = mask {
                    mask.apply(&mut src[..len]);
                }
                match &mut self.fragments {
                    Some(fragments) => fragments.put_slice(&src[..len]),
                    None => dst.put_slice(&src[..len]),
                }
                src.advance(len);
                *left -= len as u64;
                if *left > 0 {
                    return Ok(None);
                }
                self.body = None;
                if extent == (Extent::Fragment { is_last: true }) {
                    self.join_fragments()?;
                    continue;
                }
            }
            if dst.remaining_mut() == 0 {
                return Ok(None);
            }
            let mut cursor = Cursor::new(&src[..]);
            let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::Header)?;
            let Some((header, len)) = parsed else { return Ok(None) };
            let start = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            let extent = self.check(&header)?;
            let mut mask = header.mask.map(Mask::new);
            if let OpCode::Control(control) = header.opcode {
                if len > CONTROL_MAX || !header.is_final {
                    return Err(Violation::BadControl);
                }
                let end = start + usize::try_from(len).unwrap_or(usize::MAX);
                if src.len() < end {
                    return Ok(None);
                }
                src.advance(start);
                let mut payload = src.split_to(end - start);
                if let Some(mask) = &mut mask {
                    mask.apply(&mut payload);
                }
                return match control {
                    Control::Close => {
                        check_close(&payload)?;
                        Ok(Some(ControlFrame::Close(payload)))
                    }
                    Control::Ping => Ok(Some(ControlFrame::Ping(payload))),
                    Control::Pong => Ok(Some(ControlFrame::Pong(payload))),
                    Control::Reserved(_) => Err(Violation::Header),
                };
            }
            if extent != Extent::Message {
                let fragments = self.fragments.get_or_insert_default();
                let limit = if self.handshake_left > 0 { COMMAND_MAX } else { self.fragmented_max };
                if len > limit.saturating_sub(fragments.len()) as u64 {
                    return Err(Violation::TooLong);
                }
                src.advance(start);
                self.body = Some(Body { left: len, mask, extent });
                continue;
            }
            if len == 0 {
                return Err(Violation::NoFlags);
            }
            let Some(flags) = src.get_mut(start..=start) else { return Ok(None) };
            if let Some(mask) = &mut mask {
                mask.apply(flags);
            }
            let flags = flags[0];
            src.advance(start + 1);
            let (header, header_len) = encode_header(flags, len - 1)?;
            if dst.remaining_mut() >= header_len {
                dst.put_slice(&header[..header_len]);
            } else {
                self.ready = Bytes::copy_from_slice(&header[..header_len]);
            }
            self.handshake_left = self.handshake_left.saturating_sub(1);
            self.body = Some(Body { left: len - 1, mask, extent });
        }
    }

    /// Translates a message whose fragments have arrived.
    fn join_fragments(&mut self) -> Result<(), Violation> {
        self.handshake_left = self.handshake_left.saturating_sub(1);
        let message = self.fragments.take().unwrap_or_default();
        let (&flags, body) = message.split_first().ok_or(Violation::NoFlags)?;
        let (header, header_len) = encode_header(flags, body.len() as u64)?;
        let mut joined = BytesMut::with_capacity(header_len + body.len());
        joined.put_slice(&header[..header_len]);
        joined.put_slice(body);
        self.ready = joined.freeze();
        Ok(())
    }

    fn check(&self, header: &FrameHeader) -> Result<Extent, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::Reserved);
        }
        match (self.role, header.mask) {
            (WebSocketRole::Client { .. }, Some(_)) => return Err(Violation::Masked),
            (WebSocketRole::Server, None) => return Err(Violation::Unmasked),
            _ => {}
        }
        match (header.opcode, &self.fragments) {
            (OpCode::Data(Data::Binary), None) if header.is_final => Ok(Extent::Message),
            (OpCode::Data(Data::Binary), None) => Ok(Extent::Fragment { is_last: false }),
            (OpCode::Data(Data::Continue), Some(_)) => {
                Ok(Extent::Fragment { is_last: header.is_final })
            }
            (OpCode::Data(Data::Binary | Data::Continue), _) => Err(Violation::Fragments),
            (OpCode::Data(Data::Text), _) => Err(Violation::Text),
            (OpCode::Data(Data::Reserved(_)), _) => Err(Violation::Header),
            (OpCode::Control(_), _) => Ok(Extent::Message),
        }
    }
}

/// Checks the status code and the reason of a close frame (RFC 6455, 5.5.1 and 7.4.1).
fn check_close(payload: &[u8]) -> Result<(), Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(()) } else { Err(Violation::BadClose) };
    };
    let code = CloseCode::from(u16::from_be_bytes(*code));
    if code.is_allowed() && str::from_utf8(reason).is_ok() {
        Ok(())
    } else {
        Err(Violation::BadClose)
    }
}

/// Returns the header of a frame of ZMTP, and its length.
fn encode_header(flags: u8, size: u64) -> Result<([u8; HEADER_MAX], usize), Violation> {
    if flags & !(MORE | COMMAND) != 0 {
        return Err(Violation::Reserved);
    }
    let more = flags & MORE;
    let command = if flags & COMMAND == 0 { 0 } else { ZMTP_COMMAND };
    let mut header = [0; HEADER_MAX];
    match u8::try_from(size) {
        Ok(short) => {
            header[..2].copy_from_slice(&[more | command, short]);
            Ok((header, 2))
        }
        Err(_) => {
            header[0] = more | command | ZMTP_LONG;
            header[1..].copy_from_slice(&size.to_be_bytes());
            Ok((header, HEADER_MAX))
        }
    }
}

/// The flags of a binary message (RFC 45).
const MORE: u8 = 0x01;
const COMMAND: u8 = 0x02;

/// The flags of a frame of ZMTP that have other values than those above.
const ZMTP_LONG: u8 = 0x02;
const ZMTP_COMMAND: u8 = 0x04;

/// The length of the longest header of a frame of ZMTP.
const HEADER_MAX: usize = 9;

/// The longest payload of a control frame (RFC 6455, 5.5).
const CONTROL_MAX: u64 = 125;

/// The most bytes of a message in fragments, unless the socket has a limit. A browser sends messages
/// above 64 KiB in this form.
const FRAGMENTED_MAX: usize = 0x400_0000;

/// The most bytes of a command of the handshake in fragments: a remote that is not admitted yet can
/// occupy no more.
const COMMAND_MAX: usize = 0x1_0000;

#[cfg(test)]
mod tests;
