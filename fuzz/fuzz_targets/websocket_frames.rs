//! A socket receives exactly the messages that are whole in the frames of a WebSocket, regardless of
//! how the bytes are split, and takes limited memory.
//!
//! The target acts as the remote, so that the fuzzer begins after the upgrade and, if it chooses,
//! after the handshake of ZMTP. It varies the bytes of each header, and flips arbitrary bits. What is
//! whole is determined by a second, simple decoder.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::ws::{WebSocketAcceptor, WebSocketConnector};
use tokio_zmtp::{Mechanism, Multipart, Pull};
use tokio_zmtp_fuzz::{
    flip, run, send_all, stream_of_pieces, upgrade_as_client, upgrade_as_server,
};

fuzz_target!(|input: (u8, Option<u8>, u8, Vec<(u16, u8)>, Vec<(u8, u8, u32, &[u8])>, &[u8])| {
    let (choice, limit, piece, flips, frames, rest) = input;
    let is_server = choice & 0x01 == 0x00;
    let mut stream = Vec::new();
    if choice & 0x02 == 0x00 {
        put_frame(&mut stream, is_server, 0x00, 0x00, 0, READY);
    }
    let start = stream.len();
    for (first, form, key, payload) in frames {
        put_frame(&mut stream, is_server, first, form, key, payload);
    }
    stream.extend_from_slice(rest);
    flip(&mut stream[start..], &flips);

    let whole = whole_messages(&stream, is_server);
    let received = run(receive(&stream, is_server, limit, piece));
    for message in &received {
        let len: usize = message.iter().map(Vec::len).sum();
        assert!(limit.is_none_or(|limit| len <= usize::from(limit)));
    }
    if whole.must_arrive && limit.is_none() {
        assert_eq!(received, whole.messages);
    } else {
        assert!(whole.messages.starts_with(&received));
    }
});

/// Appends a frame. With zeros, it is a final binary frame with a mask if required, and the length of
/// its payload in the shortest form.
fn put_frame(stream: &mut Vec<u8>, is_masked: bool, first: u8, form: u8, key: u32, payload: &[u8]) {
    stream.push(first ^ (FINAL | BINARY));
    let is_masked = is_masked ^ (form & 0x80 != 0x00);
    let mask = if is_masked { MASKED } else { 0x00 };
    // A wrong length claims bytes that follow, or that are never sent.
    let len = payload.len() + if form & 0x40 == 0x00 { 0 } else { usize::from(form) << 8 };
    match (form & 0x03, len) {
        (0x00, 0..126) => stream.push(mask | len as u8),
        (0x00 | 0x01, 0..0x1_0000) => {
            stream.push(mask | 126);
            stream.extend((len as u16).to_be_bytes());
        }
        _ => {
            stream.push(mask | 127);
            stream.extend((len as u64).to_be_bytes());
        }
    }
    if !is_masked {
        return stream.extend(payload);
    }
    let key = key.to_be_bytes();
    stream.extend(key);
    stream.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Returns the messages that a socket receives over a WebSocket until its end.
async fn receive(
    stream: &[u8],
    is_server: bool,
    limit: Option<u8>,
    piece: u8,
) -> Vec<Vec<Vec<u8>>> {
    let pull = Pull::builder().max_message_size(limit.map(u64::from)).build();
    let mut monitor = pull.monitor();
    let (near, mut far) = stream_of_pieces(piece);
    let upgraded = if is_server {
        let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
        tokio::join!(acceptor.accept(near), upgrade_as_client(&mut far)).0
    } else {
        let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/zmq");
        tokio::join!(connector.connect(near), upgrade_as_server(&mut far)).0
    };
    pull.attach(upgraded.expect("the upgrade is valid")).await.expect("the socket is open");

    let mut received = Vec::new();
    let receiving = async {
        loop {
            tokio::select! {
                biased;
                message = pull.recv() => received.push(parts(&message.expect("it is open"))),
                event = monitor.recv() => match event {
                    Some(Ok(event)) if is_end(&event.kind) => break,
                    Some(_) => {}
                    None => break,
                },
            }
        }
        while let Ok(message) = pull.try_recv() {
            received.push(parts(&message));
        }
        pull.close().await;
    };
    tokio::join!(receiving, send_all(far, stream));
    received
}

fn is_end(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Disconnected { .. } | EventKind::HandshakeFailed { .. })
}

fn parts(message: &Multipart) -> Vec<Vec<u8>> {
    message.iter().map(|part| part.to_vec()).collect()
}

/// The messages of a stream.
#[derive(Default)]
struct Whole {
    messages: Vec<Vec<Vec<u8>>>,
    /// Whether nothing but messages follows the handshake, so that no message can be refused.
    must_arrive: bool,
}

/// Decodes frames until the first that violates a protocol or is incomplete.
fn whole_messages(mut stream: &[u8], is_masked: bool) -> Whole {
    let mut whole = Whole::default();
    let (mut parts, mut fragments) = (Vec::new(), None::<Vec<u8>>);
    let mut is_shaken = false;
    while let Some((frame, rest)) = Frame::decode(stream) {
        stream = rest;
        if frame.first & RESERVED != 0x00 || frame.is_masked != is_masked {
            return whole;
        }
        let is_final = frame.first & FINAL != 0x00;
        let message = match (frame.first & OPCODE, fragments.take()) {
            (PING | PONG, before) if is_final && frame.payload.len() < 126 => {
                fragments = before;
                continue;
            }
            (BINARY, None) if is_final => frame.payload,
            (BINARY, None) => {
                fragments = Some(frame.payload);
                continue;
            }
            (CONTINUE, Some(before)) => {
                let joined = [before, frame.payload].concat();
                if !is_final {
                    fragments = Some(joined);
                    continue;
                }
                joined
            }
            _ => return whole,
        };
        let Some((&flags, body)) = message.split_first() else { return whole };
        match flags {
            // The handshake, or a command that may end the connection.
            COMMAND | COMMAND_AND_MORE => {
                let is_first = whole.messages.is_empty() && parts.is_empty();
                whole.must_arrive = is_first && !is_shaken && message == READY;
                is_shaken = true;
            }
            0x00 | MORE => {
                parts.push(body.to_vec());
                if flags == 0x00 {
                    whole.messages.push(std::mem::take(&mut parts));
                }
            }
            _ => return whole,
        }
    }
    whole
}

/// A frame of a WebSocket.
struct Frame {
    /// The first byte of its header.
    first: u8,
    is_masked: bool,
    payload: Vec<u8>,
}

impl Frame {
    /// Returns a frame and what follows it. Returns `None` if it is incomplete.
    fn decode(stream: &[u8]) -> Option<(Self, &[u8])> {
        let (&[first, second], rest) = stream.split_first_chunk()?;
        let (len, rest) = match second & !MASKED {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        let is_masked = second & MASKED != 0x00;
        let (key, rest) = if is_masked { rest.split_first_chunk()? } else { (&[0; 4], rest) };
        let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        Some((Self { first, is_masked, payload: payload.collect() }, rest))
    }
}

/// The command of a PUSH that completes the handshake, after the byte of flags.
const READY: &[u8] = b"\x02\x05READY\x0bSocket-Type\0\0\0\x04PUSH";

// The bits of the first byte of a frame, its opcodes, and the bit of a mask in the second.
const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const CONTINUE: u8 = 0x00;
const BINARY: u8 = 0x02;
const PING: u8 = 0x09;
const PONG: u8 = 0x0A;
const MASKED: u8 = 0x80;

// The flags of a message (RFC 45).
const MORE: u8 = 0x01;
const COMMAND: u8 = 0x02;
const COMMAND_AND_MORE: u8 = MORE | COMMAND;
