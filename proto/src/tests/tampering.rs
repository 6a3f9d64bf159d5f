//! Sessions of every mechanism in which a single bit of one direction is flipped in transit.
//!
//! No input causes a panic, and messages before the flipped bit are received. Under CURVE only
//! messages that were sent are received.

use bytes::{BufMut, BytesMut};

use crate::batch::Batch;
use crate::frame::Header;
use crate::handshake::{Handshake, HandshakeConfig};
use crate::mechanism::HandshakeMechanism;
use crate::mechanism::curve::{
    CurveKeypair, CurveSecretKey, Opener, Seed, Session, tests::sessions,
};
use crate::metadata::Metadata;
use crate::socket_type::SocketType;
use crate::traffic::{Traffic, TrafficDecoder};

#[test]
fn a_flipped_bit_of_a_handshake_ends_at_most_the_session() {
    for mechanisms in pairs() {
        let recorded = record(&mechanisms);
        for direction in [TO_SERVER, TO_CLIENT] {
            let stream = &recorded[direction];
            let sent = bodies(MESSAGES);
            assert_eq!(receive(&mechanisms, direction, stream), sent);
            for at in 0..stream.len() - traffic(&mechanisms[direction], direction).len() {
                for bit in 0..8 {
                    let received = receive(&mechanisms, direction, &flipped(stream, at, bit));
                    if mechanisms[direction] != HandshakeMechanism::Null {
                        assert!(sent.starts_with(&received), "byte {at}, bit {bit}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_flipped_bit_of_a_frame_ends_at_most_the_session() {
    for mechanism in [HandshakeMechanism::Null, curve_server()] {
        let is_sealed = mechanism != HandshakeMechanism::Null;
        for direction in [TO_SERVER, TO_CLIENT] {
            let frames = traffic(&mechanism, direction);
            let frames_end = ends_of(&frames);
            for at in 0..frames.len() {
                // The frame that the bit belongs to, and whether the bit is one of its flags.
                let frame = frames_end.iter().filter(|&&end| end <= at).count();
                let is_flag = at == if frame == 0 { 0 } else { frames_end[frame - 1] };
                let ways = if is_flag { &Split::ALL[..] } else { &Split::ALL[at % 3..=at % 3] };
                for (bit, &way) in (0..8).flat_map(|bit| ways.iter().map(move |way| (bit, way))) {
                    let opener = is_sealed.then(|| opener(direction));
                    let mut decoder = TrafficDecoder::new(None, opener);
                    let (received, _) = decode(&mut decoder, &flipped(&frames, at, bit), way);
                    let context = format!("{mechanism:?} {way:?}: byte {at}, bit {bit}");
                    assert!(received.starts_with(&bodies(frame)), "{context}");
                    if is_sealed && is_flag && 1 << bit == COMMAND {
                        // The flag is not authenticated and has no effect under CURVE.
                        assert_eq!(received, bodies(MESSAGES), "{context}");
                    } else if is_sealed {
                        assert_eq!(received, bodies(frame), "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn encrypted_frames_are_decoded_with_and_without_the_command_flag() {
    for direction in [TO_SERVER, TO_CLIENT] {
        let mut frames = traffic(&curve_server(), direction);
        let mut starts = ends_of(&frames);
        starts.insert(0, 0);
        for &start in &starts[..starts.len() - 1] {
            frames[start] ^= COMMAND;
        }
        for way in Split::ALL {
            let mut decoder = TrafficDecoder::new(None, Some(opener(direction)));
            let (received, commands) = decode(&mut decoder, &frames, way);
            assert_eq!((received, commands), (bodies(MESSAGES), 1), "{way:?}");
        }
    }
}

/// A way to split a batch into messages.
#[derive(Clone, Copy, Debug)]
enum Split {
    Whole,
    CopiedIfShort,
    OneByOne,
}

impl Split {
    const ALL: [Self; 3] = [Self::Whole, Self::CopiedIfShort, Self::OneByOne];

    fn split(self, mut batch: Batch, received: &mut Vec<Vec<u8>>) {
        let mut left = batch.messages();
        match self {
            Self::Whole => {
                while let Some(body) = batch.pop() {
                    received.push(body.to_vec());
                }
                left = batch.messages();
            }
            Self::CopiedIfShort => {
                while let Some(body) = pop_copied(&mut batch) {
                    received.push(body);
                }
                left = batch.messages();
            }
            Self::OneByOne => {
                while batch.messages() > 0 {
                    let mut part = batch.split_to(1, usize::MAX);
                    left -= part.messages();
                    received.extend(pop_copied(&mut part));
                    assert_eq!(part.messages(), 0, "the batch is broken");
                }
            }
        }
        assert_eq!(left, 0, "the batch is broken");
    }
}

fn pop_copied(batch: &mut Batch) -> Option<Vec<u8>> {
    if let Some(short) = batch.remove_short::<8>() {
        return Some(short.bytes[..short.len].to_vec());
    }
    match batch.pop_short::<8>() {
        Some((bytes, len)) => Some(bytes[..len].to_vec()),
        None => batch.pop().map(|body| body.to_vec()),
    }
}

/// Returns the bytes that both ends of an undisturbed session write, including traffic.
fn record(mechanisms: &[HandshakeMechanism; 2]) -> [Vec<u8>; 2] {
    let [mut server, mut client] = [0, 1].map(|end| handshake(mechanisms, end));
    let mut written = [Vec::new(), Vec::new()];
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let mut established = 0;
    while established < 2 {
        for (end, handshake) in [&mut server, &mut client].into_iter().enumerate() {
            established += usize::from(advance(handshake, &mut inputs[end]).unwrap());
            while let Some(output) = handshake.poll_output() {
                inputs[1 - end].put_slice(&output);
                written[1 - end].extend(output);
            }
        }
    }
    let session = [&mut server, &mut client].map(|handshake| handshake.take_session());
    for (end, session) in session.into_iter().enumerate() {
        let direction = 1 - end;
        written[direction].extend(traffic_of(session));
    }
    written
}

/// Passes the stream to a new end. Returns the received messages.
fn receive(mechanisms: &[HandshakeMechanism; 2], end: usize, stream: &[u8]) -> Vec<Vec<u8>> {
    let mut handshake = handshake(mechanisms, end);
    let mut input = BytesMut::from(stream);
    let Ok(true) = advance(&mut handshake, &mut input) else { return Vec::new() };
    let opener = handshake.take_session().map(|session| session.opener);
    decode(&mut TrafficDecoder::new(None, opener), &input, Split::CopiedIfShort).0
}

/// Handles the input. Returns whether the handshake is complete. Every remote is admitted.
fn advance(handshake: &mut Handshake, input: &mut BytesMut) -> Result<bool, String> {
    loop {
        let mut negotiated = handshake.handle_input(input).map_err(|error| error.to_string())?;
        let asks = handshake.poll_credentials().is_some();
        if asks {
            negotiated = handshake.handle_verdict(Ok(())).map_err(|error| error.to_string())?;
        }
        if negotiated.is_some() || !asks {
            return Ok(negotiated.is_some());
        }
    }
}

/// Returns the messages and the number of commands, up to the end or the first error.
fn decode(decoder: &mut TrafficDecoder, frames: &[u8], way: Split) -> (Vec<Vec<u8>>, usize) {
    let mut input = BytesMut::from(frames);
    let (mut received, mut commands) = (Vec::new(), 0);
    while let Ok(Some(traffic)) = decoder.decode(&mut input) {
        match traffic {
            Traffic::Messages(batch) => way.split(batch, &mut received),
            Traffic::Command(_) => commands += 1,
            Traffic::Progress => {}
        }
    }
    (received, commands)
}

fn handshake(mechanisms: &[HandshakeMechanism; 2], end: usize) -> Handshake {
    let socket_type = [SocketType::Server, SocketType::Client][end];
    let config = HandshakeConfig { socket_type, metadata: Metadata::default() };
    let seed = Seed::new(&[0x55 + end as u8; Seed::LEN]);
    Handshake::new(&config, mechanisms[end].clone(), end == TO_SERVER, seed)
}

/// Returns the frames of one direction, encrypted with fixed keys under CURVE.
fn traffic(mechanism: &HandshakeMechanism, direction: usize) -> Vec<u8> {
    let (client, server) = sessions();
    let session = if direction == TO_SERVER { client } else { server };
    traffic_of((*mechanism == curve_server()).then_some(session))
}

/// Returns the opener of these frames.
fn opener(direction: usize) -> Opener {
    let (client, server) = sessions();
    if direction == TO_SERVER { server.opener } else { client.opener }
}

/// Returns the encoded [`FRAMES`].
fn traffic_of(session: Option<Session>) -> Vec<u8> {
    let mut sealer = session.map(|session| session.sealer);
    let mut frames = BytesMut::new();
    for (flags, body) in FRAMES {
        match &mut sealer {
            // Inside the box, another bit marks a command.
            Some(sealer) => sealer.put(&mut frames, flags & MORE | flags >> 1 & 0x02, body),
            None if body.len() > 255 => {
                frames.put_u8(flags | LONG);
                frames.put_u64(body.len() as u64);
                frames.put_slice(body);
            }
            None => {
                frames.put_slice(&[*flags, body.len() as u8]);
                frames.put_slice(body);
            }
        }
    }
    frames.to_vec()
}

/// Returns the messages among the first `frames`.
fn bodies(frames: usize) -> Vec<Vec<u8>> {
    let messages = FRAMES.iter().zip(IS_MESSAGE).take(frames).filter(|&(_, is_message)| is_message);
    messages.map(|((_, body), _)| body.to_vec()).collect()
}

/// Returns the end of each frame.
fn ends_of(frames: &[u8]) -> Vec<usize> {
    let mut ends = vec![];
    let mut end = 0;
    while let Some(header) = Header::decode(&frames[end..]).unwrap() {
        end += header.len() + header.body(&frames[end..]).unwrap().len();
        ends.push(end);
    }
    ends
}

fn flipped(stream: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut stream = stream.to_vec();
    stream[at] ^= 1 << bit;
    stream
}

/// Returns the mechanisms of a server and of a client.
fn pairs() -> [[HandshakeMechanism; 2]; 3] {
    let plain_client = HandshakeMechanism::plain_client("admin", "secret").unwrap();
    let curve_client = HandshakeMechanism::CurveClient {
        server_key: keys(0x50).public_key(),
        keypair: keys(0xC0),
    };
    [
        [HandshakeMechanism::Null, HandshakeMechanism::Null],
        [HandshakeMechanism::PlainServer, plain_client],
        [curve_server(), curve_client],
    ]
}

fn curve_server() -> HandshakeMechanism {
    HandshakeMechanism::CurveServer { keypairs: [keys(0x50)].into() }
}

fn keys(byte: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([byte; 32]).into()
}

// Directions, named after the receiving end.
const TO_SERVER: usize = 0;
const TO_CLIENT: usize = 1;

// Frame flags.
const MORE: u8 = 0x01;
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;

/// The flags and bodies of the frames of a session, including a command and a multipart message.
const FRAMES: &[(u8, &[u8])] = &[
    (0x00, b""),
    (0x00, b"a"),
    (COMMAND, b"\x04PING\x00\x0aping"),
    (0x00, b""),
    (0x00, b"more than is copied"),
    (MORE, b"first part"),
    (0x00, b"last part"),
    (0x00, &[0x5A; 300]),
    (0x00, b""),
];

/// True for frames that are received as messages.
const IS_MESSAGE: [bool; FRAMES.len()] = [true, true, false, true, true, false, false, true, true];

/// The number of frames.
const MESSAGES: usize = FRAMES.len();
