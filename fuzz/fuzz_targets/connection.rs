//! Decodes the bytes of a whole connection to messages, under every mechanism. Under CURVE, only
//! messages that were sent are received, even if bytes are changed.
//!
//! The target acts as the sender, with known keys, so that the fuzzer begins after the handshake.
//! The fuzzer varies the flags and forms of headers, inside and outside of the sealed data, and
//! flips arbitrary bits.

#![no_main]

#[expect(dead_code, reason = "one target uses a part of it")]
#[expect(unused_imports, reason = "no messages of groups are created")]
#[path = "../../src/message/mod.rs"]
mod message;
#[expect(dead_code, reason = "one target uses a part of it")]
#[path = "../../src/routing_id.rs"]
mod routing_id;

use bytes::{BufMut, BytesMut};
use libfuzzer_sys::fuzz_target;
use message::Message;
use zmtp_proto::batch::Batch;
use zmtp_proto::handshake::{Handshake, HandshakeConfig, HandshakeError};
use zmtp_proto::mechanism::Mechanism;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, Seed, Session};
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;
use zmtp_proto::traffic::{Traffic, TrafficDecoder};

fuzz_target!(|input: (u8, Option<u8>, u8, Vec<(u16, u8)>, Vec<(u8, u8, &[u8])>, &[u8])| {
    let (choice, limit, piece, flips, frames, rest) = input;
    let mechanisms = mechanisms(choice >> 1);
    let is_sealed = mechanisms[0].name() == curve_server().name();
    let receiver = usize::from(choice & 0x01);

    let (mut stream, session) = sent_by(1 - receiver, &mechanisms);
    let mut sender = session.map(|session| session.sealer);
    let mut sent = Vec::new();
    let mut in_multipart = false;
    for (outside, inside, body) in frames {
        let more = match &mut sender {
            Some(sealer) => {
                let start = stream.len();
                sealer.put(&mut stream, inside & 0x03, body);
                stream[start] ^= outside & COMMAND;
                inside & MORE != 0x00
            }
            None => {
                stream.put_u8(outside & (MORE | LONG));
                if outside & LONG == 0x00 {
                    stream.put_u8(body.len() as u8);
                } else {
                    stream.put_u64(body.len() as u64);
                }
                stream.put_slice(body);
                outside & MORE != 0x00
            }
        };
        let is_command = is_sealed && inside & 0x02 != 0x00;
        if !more && !in_multipart && !is_command {
            sent.push(body.to_vec());
        }
        in_multipart = if is_command { in_multipart } else { more };
    }
    stream.put_slice(rest);
    for (at, bits) in &flips {
        let at = usize::from(*at) % stream.len();
        stream[at] ^= bits;
    }

    let received = receive(&mechanisms, receiver, &stream, limit, usize::from(piece).max(1));
    if let Some(limit) = limit {
        assert!(received.iter().all(|message| message.len() <= usize::from(limit)));
    }
    if is_sealed {
        assert!(received.len() <= sent.len());
        assert!(received.iter().zip(&sent).all(|(message, body)| message[..] == body[..]));
    }
});

/// Feeds bytes to an end in pieces, until its first error. Returns the received messages.
fn receive(
    mechanisms: &[Mechanism; 2],
    end: usize,
    stream: &[u8],
    limit: Option<u8>,
    piece: usize,
) -> Vec<Message> {
    let mut handshake = handshake(mechanisms, end);
    let mut decoder = None;
    let mut input = BytesMut::new();
    let mut received = Vec::new();
    for bytes in stream.chunks(piece) {
        input.extend_from_slice(bytes);
        if decoder.is_none() {
            match advance(&mut handshake, &mut input) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) => return received,
            }
            let opener = handshake.take_session().map(|session| session.opener);
            decoder = Some(TrafficDecoder::new(limit.map(u64::from), opener));
        }
        let Some(decoder) = &mut decoder else { continue };
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Traffic::Messages(batch))) => take_apart(batch, piece, &mut received),
                Ok(Some(Traffic::Command(_) | Traffic::Progress)) => {}
                Ok(None) => break,
                Err(_) => return received,
            }
        }
    }
    received
}

/// Takes the messages of a batch, as a queue does.
fn take_apart(mut batch: Batch, piece: usize, received: &mut Vec<Message>) {
    let expected = received.len() + batch.messages();
    while batch.messages() > 0 {
        let mut part = batch.split_to(piece, usize::MAX);
        while part.messages() > 0 {
            let message = match part.pop_short() {
                Some((bytes, len)) => Message::short(bytes, len, None),
                None => Message::long(part.pop().unwrap(), None),
            };
            received.push(message);
        }
    }
    assert_eq!(received.len(), expected);
}

/// Returns the bytes that an end writes in an undisturbed handshake, and its session.
fn sent_by(end: usize, mechanisms: &[Mechanism; 2]) -> (BytesMut, Option<Session>) {
    let mut ends = [0, 1].map(|end| handshake(mechanisms, end));
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let mut written = BytesMut::new();
    let mut complete = [false; 2];
    while complete != [true; 2] {
        for (at, handshake) in ends.iter_mut().enumerate() {
            complete[at] |= advance(handshake, &mut inputs[at]).unwrap();
            while let Some(output) = handshake.poll_output() {
                inputs[1 - at].put_slice(&output);
                if at == end {
                    written.put_slice(&output);
                }
            }
        }
    }
    (written, ends[end].take_session())
}

/// Processes the received bytes. Returns whether the handshake is complete. Every remote is
/// admitted.
fn advance(handshake: &mut Handshake, input: &mut BytesMut) -> Result<bool, HandshakeError> {
    loop {
        let mut negotiated = handshake.handle_input(input)?;
        let asks = handshake.poll_credentials().is_some();
        if asks {
            negotiated = handshake.handle_verdict(Ok(()))?;
        }
        if negotiated.is_some() || !asks {
            return Ok(negotiated.is_some());
        }
    }
}

/// Returns the mechanisms of a server and of a client.
fn mechanisms(choice: u8) -> [Mechanism; 2] {
    match choice % 3 {
        0 => [Mechanism::Null, Mechanism::Null],
        1 => [Mechanism::PlainServer, Mechanism::plain_client("admin", "secret").unwrap()],
        _ => {
            let server_key = keys(0x50).public_key();
            [curve_server(), Mechanism::CurveClient { server_key, keypair: keys(0xC0) }]
        }
    }
}

fn curve_server() -> Mechanism {
    Mechanism::CurveServer { keypair: keys(0x50) }
}

fn keys(byte: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([byte; 32]).into()
}

fn handshake(mechanisms: &[Mechanism; 2], end: usize) -> Handshake {
    let config = HandshakeConfig {
        socket_type: [SocketType::Server, SocketType::Client][end],
        mechanism: mechanisms[end].clone(),
        metadata: Metadata::default(),
        has_authenticator: end == 0,
    };
    Handshake::new(config, Seed::new(&[0x55 + end as u8; Seed::LEN]))
}

// Flags of frames.
const MORE: u8 = 0x01;
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;
