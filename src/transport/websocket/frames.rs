//! The translation between frames of ZMTP and those of a WebSocket, without IO.

use std::io::Cursor;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
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
    /// The greeting, and then headers, that are not read yet.
    ready: Bytes,
    body: Option<Body>,
}

/// The rest of the payload of a binary frame.
#[derive(Debug)]
struct Body {
    left: u64,
    mask: Option<Mask>,
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
    #[error("a control frame with more than 125 bytes, or in fragments")]
    BadControl,
    #[error("a message in fragments")]
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
        Self { role, ready: Bytes::copy_from_slice(&greeting.encode()), body: None }
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
            if let Some(Body { left, mask }) = &mut self.body {
                // A frame without a body ends with its header.
                let most = src.len().min(room);
                let len = usize::try_from(*left).unwrap_or(usize::MAX).min(most);
                if let Some(mask) = mask {
                    mask.apply(&mut src[..len]);
                }
                dst.put_slice(&src[..len]);
                src.advance(len);
                *left -= len as u64;
                if *left > 0 {
                    return Ok(None);
                }
                self.body = None;
            }
            if dst.remaining_mut() == 0 {
                return Ok(None);
            }
            let mut cursor = Cursor::new(&src[..]);
            let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::Header)?;
            let Some((header, len)) = parsed else { return Ok(None) };
            let start = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            self.check(&header)?;
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
                    Control::Close => Ok(Some(ControlFrame::Close(payload))),
                    Control::Ping => Ok(Some(ControlFrame::Ping(payload))),
                    Control::Pong => Ok(Some(ControlFrame::Pong(payload))),
                    Control::Reserved(_) => Err(Violation::Header),
                };
            }
            if len == 0 {
                return Err(Violation::NoFlags);
            }
            let Some(flags) = src.get_mut(start..=start) else { return Ok(None) };
            if let Some(mask) = &mut mask {
                mask.apply(flags);
            }
            let flags = flags[0];
            if flags & !(MORE | COMMAND) != 0 {
                return Err(Violation::Reserved);
            }
            src.advance(start + 1);
            let (header, header_len) = encode_header(flags, len - 1);
            if dst.remaining_mut() >= header_len {
                dst.put_slice(&header[..header_len]);
            } else {
                self.ready = Bytes::copy_from_slice(&header[..header_len]);
            }
            self.body = Some(Body { left: len - 1, mask });
        }
    }

    fn check(&self, header: &FrameHeader) -> Result<(), Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::Reserved);
        }
        match (self.role, header.mask) {
            (WebSocketRole::Client { .. }, Some(_)) => return Err(Violation::Masked),
            (WebSocketRole::Server, None) => return Err(Violation::Unmasked),
            _ => {}
        }
        match header.opcode {
            OpCode::Data(Data::Binary) if header.is_final => Ok(()),
            OpCode::Data(Data::Binary | Data::Continue) => Err(Violation::Fragments),
            OpCode::Data(Data::Text) => Err(Violation::Text),
            OpCode::Data(Data::Reserved(_)) => Err(Violation::Header),
            OpCode::Control(_) => Ok(()),
        }
    }
}

/// Returns the header of a frame of ZMTP, and its length.
fn encode_header(flags: u8, size: u64) -> ([u8; HEADER_MAX], usize) {
    let more = flags & MORE;
    let command = if flags & COMMAND == 0 { 0 } else { ZMTP_COMMAND };
    let mut header = [0; HEADER_MAX];
    match u8::try_from(size) {
        Ok(short) => {
            header[..2].copy_from_slice(&[more | command, short]);
            (header, 2)
        }
        Err(_) => {
            header[0] = more | command | ZMTP_LONG;
            header[1..].copy_from_slice(&size.to_be_bytes());
            (header, HEADER_MAX)
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

#[cfg(test)]
mod tests {
    use std::iter;

    use proptest::prelude::*;

    use super::*;

    const NULL: MechanismName = MechanismName::NULL;
    const CLIENT: WebSocketRole = WebSocketRole::Client { seed: 7 };

    proptest! {
        #[test]
        fn frames_pass_unchanged_in_pieces_of_any_length(
            frames in proptest::collection::vec((0_usize..70_000, 0_u8..3), 0..6),
            (piece, room, limit) in (1_usize..5_000, 1_usize..5_000, 1_usize..5_000),
            from_client: bool,
        ) {
            let zmtp: Vec<u8> = frames.iter().flat_map(|(len, flags)| frame(*len, *flags)).collect();
            let greeting = Greeting::new(NULL, false).encode();
            let (from, to) =
                if from_client { (CLIENT, WebSocketRole::Server) } else { (WebSocketRole::Server, CLIENT) };
            let mut writer = FrameWriter::new(from);
            let mut websocket = BytesMut::new();
            for chunk in [&greeting[..], &zmtp].concat().chunks(piece) {
                let mut rest = chunk;
                while !rest.is_empty() {
                    let mut dst = BytesMut::new();
                    let translated = writer.translate(rest, &mut dst, limit).unwrap();
                    rest = &rest[translated..];
                    websocket.put(dst);
                }
            }
            prop_assert!(writer.is_between_frames());

            let mut reader = FrameReader::new(to, NULL);
            let (mut src, mut read) = (BytesMut::new(), Vec::new());
            // The greeting precedes the first bytes.
            for chunk in iter::once(&[][..]).chain(websocket.chunks(piece)) {
                src.put_slice(chunk);
                loop {
                    let mut dst = Vec::new().limit(room);
                    prop_assert_eq!(reader.translate(&mut src, &mut dst).unwrap(), None);
                    let dst = dst.into_inner();
                    if dst.is_empty() {
                        break;
                    }
                    read.extend(dst);
                }
            }
            prop_assert!(src.is_empty());
            let (read_greeting, read) = read.split_at(Greeting::LEN);
            let read_greeting = Greeting::decode(read_greeting).unwrap().unwrap();
            prop_assert_eq!(read_greeting.mechanism.as_str(), "NULL");
            prop_assert!(read == zmtp);
        }

        #[test]
        fn no_input_causes_a_panic(input: Vec<u8>, is_client: bool, room in 1_usize..100) {
            let role = if is_client { CLIENT } else { WebSocketRole::Server };
            let mut reader = FrameReader::new(role, NULL);
            let mut src = BytesMut::from(&input[..]);
            loop {
                let mut dst = Vec::new().limit(room);
                match reader.translate(&mut src, &mut dst) {
                    Ok(None) if dst.get_ref().is_empty() => break,
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }
    }

    #[test]
    fn a_violation_is_named() {
        for (role, bytes, violation) in [
            (WebSocketRole::Server, &[0x82, 0x01, 0x00][..], Violation::Unmasked),
            (CLIENT, &[0x82, 0x81, 0, 0, 0, 0, 0], Violation::Masked),
            (CLIENT, &[0x02, 0x01, 0x00], Violation::Fragments),
            (CLIENT, &[0x80, 0x01, 0x00], Violation::Fragments),
            (CLIENT, &[0x81, 0x01, 0x00], Violation::Text),
            (CLIENT, &[0xC2, 0x01, 0x00], Violation::Reserved),
            (CLIENT, &[0x82, 0x01, 0x04], Violation::Reserved),
            (CLIENT, &[0x82, 0x00], Violation::NoFlags),
            (CLIENT, &[0x83, 0x01, 0x00], Violation::Header),
            (CLIENT, &[0x09, 0x00], Violation::BadControl),
            (CLIENT, &[0x89, 126, 0, 126], Violation::BadControl),
        ] {
            let mut reader = FrameReader::new(role, NULL);
            let mut dst = Vec::new();
            let mut src = BytesMut::from(bytes);
            assert_eq!(reader.translate(&mut src, &mut dst), Err(violation), "{bytes:?}");
        }
    }

    #[test]
    fn control_frames_are_between_frames() {
        let (mut writer, mut sent) = (FrameWriter::new(CLIENT), BytesMut::new());
        let message = [&Greeting::new(NULL, false).encode()[..], &frame(10, 0)].concat();
        writer.translate(&message[..70], &mut sent, usize::MAX).unwrap();
        assert!(!writer.is_between_frames());
        writer.translate(&message[70..], &mut sent, usize::MAX).unwrap();
        assert!(writer.is_between_frames());
        writer.put_control(Control::Ping, b"context", &mut sent);
        writer.put_control(Control::Close, b"", &mut sent);

        let (mut reader, mut read) = (FrameReader::new(WebSocketRole::Server, NULL), Vec::new());
        let ping = reader.translate(&mut sent, &mut read).unwrap();
        assert_eq!(read[Greeting::LEN..], frame(10, 0));
        assert_eq!(ping, Some(ControlFrame::Ping(BytesMut::from(&b"context"[..]))));
        let close = reader.translate(&mut sent, &mut read).unwrap();
        assert_eq!(close, Some(ControlFrame::Close(BytesMut::new())));
    }

    /// Returns a frame of ZMTP: a last part, another part, or a command.
    fn frame(len: usize, flags: u8) -> Vec<u8> {
        let (header, header_len) = encode_header(flags, len as u64);
        [&header[..header_len], &vec![flags.wrapping_add(7); len]].concat()
    }
}
