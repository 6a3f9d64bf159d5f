//! Decodes the bytes of a whole connection to messages and commands, under every mechanism. Under
//! CURVE, only those that were sent are received, even if bytes are changed.
//!
//! The target acts as the sender, with known keys, so that the fuzzer begins after the handshake.
//! The messages are those of SERVER and CLIENT, of groups, or of any number of parts; some of those
//! for a PUB are subscriptions. Each end may defer its introduction, also in the role of a client.
//! The fuzzer varies the flags and forms of headers, inside and outside of the sealed data, and
//! flips arbitrary bits.

#![no_main]

use bytes::{BufMut, Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use zmtp_proto::batch::Batch;
use zmtp_proto::command::Command;
use zmtp_proto::greeting::MechanismName;
use zmtp_proto::group::Group;
use zmtp_proto::handshake::{Handshake, HandshakeConfig, HandshakeError};
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, Seed, Session};
use zmtp_proto::message_shape::{self, MessageShape};
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;
use zmtp_proto::subscription;
use zmtp_proto::traffic::{Traffic, TrafficDecoder};

fuzz_target!(|input: (u8, Option<u8>, u8, Vec<(u16, u8)>, Vec<(u8, u8, &[u8])>, &[u8])| {
    let (choice, limit, piece, flips, frames, rest) = input;
    let mechanisms = mechanisms(choice >> 3 & 0x03);
    let types = match choice >> 5 {
        0x00 | 0x01 => [SocketType::Server, SocketType::Client],
        0x02 | 0x03 => [SocketType::Radio, SocketType::Dish],
        0x04 | 0x05 => [SocketType::Push, SocketType::Pull],
        _ => [SocketType::Pub, SocketType::Sub],
    };
    let shape = MessageShape::of(types[0]);
    let is_sealed = MechanismName::of(&mechanisms[0]) == MechanismName::CURVE;
    let receiver = usize::from(choice & 0x01);
    let defers = [0x02, 0x04].map(|bit| choice & bit != 0x00);
    let ends = [0, 1].map(|end| End::new(types[end], &mechanisms, end, defers[end]));

    let (mut stream, session) = sent_by(1 - receiver, &ends);
    let mut sender = session.map(|session| session.sealer);
    let mut sent = Sent {
        shape,
        takes_subscriptions: ends[receiver].takes_subscriptions(),
        messages: Vec::new(),
        commands: Vec::new(),
        parts: Vec::new(),
        is_refused: false,
    };
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
        if is_command {
            sent.commands.extend(Command::decode(body));
        } else {
            sent.put_part(more, body);
        }
    }
    stream.put_slice(rest);
    for (at, bits) in &flips {
        let at = usize::from(*at) % stream.len();
        stream[at] ^= bits;
    }

    let received = receive(&ends[receiver], &stream, limit, usize::from(piece).max(1));
    let messages: Vec<_> = received.messages.iter().map(|it| parts(shape, it)).collect();
    for message in &messages {
        let counted = match shape {
            MessageShape::Single | MessageShape::Multipart => &message[..],
            MessageShape::GroupAndBody => {
                assert_eq!(message.len(), 2);
                assert!(Group::check(message[0]).is_ok());
                &message[1..]
            }
        };
        let len: usize = counted.iter().map(|part| part.len()).sum();
        assert!(limit.is_none_or(|limit| len <= usize::from(limit)));
    }
    if is_sealed {
        assert!(sent.messages.starts_with(&messages));
        assert!(sent.commands.starts_with(&received.commands));
    }
});

/// The messages and commands that a remote has received.
#[derive(Default)]
struct Received {
    messages: Vec<Bytes>,
    commands: Vec<Command>,
}

/// The messages and commands that a remote may receive.
struct Sent<'a> {
    shape: MessageShape,
    /// Whether messages can be subscriptions.
    takes_subscriptions: bool,
    /// The parts of each message.
    messages: Vec<Vec<&'a [u8]>>,
    commands: Vec<Command>,
    /// The parts of the message that is not complete.
    parts: Vec<&'a [u8]>,
    /// Whether a message ends the connection, because it has another shape.
    is_refused: bool,
}

impl<'a> Sent<'a> {
    fn put_part(&mut self, more: bool, body: &'a [u8]) {
        self.parts.push(body);
        if more {
            return;
        }
        let parts = std::mem::take(&mut self.parts);
        match (self.shape, &parts[..]) {
            (MessageShape::Single, [_]) => self.messages.push(parts),
            (MessageShape::Single, _) => {}
            (MessageShape::GroupAndBody, [group, _]) if Group::check(group).is_ok() => {
                if !self.is_refused {
                    self.messages.push(parts);
                }
            }
            (MessageShape::GroupAndBody, _) => self.is_refused = true,
            (MessageShape::Multipart, [body])
                if self.takes_subscriptions && subscription::is_subscription(body) =>
            {
                self.commands.extend(subscription::command_of(body).and_then(Result::ok));
            }
            (MessageShape::Multipart, _) => self.messages.push(parts),
        }
    }
}

/// Returns the parts of a received message.
fn parts(shape: MessageShape, message: &[u8]) -> Vec<&[u8]> {
    match shape {
        MessageShape::Single => vec![message],
        MessageShape::GroupAndBody | MessageShape::Multipart => {
            message_shape::parts(message).collect()
        }
    }
}

/// Feeds bytes to an end in pieces, until its first error.
fn receive(end: &End, stream: &[u8], limit: Option<u8>, piece: usize) -> Received {
    let mut handshake = end.handshake();
    let mut decoder = None;
    let mut input = BytesMut::new();
    let mut received = Received::default();
    for bytes in stream.chunks(piece) {
        input.extend_from_slice(bytes);
        if decoder.is_none() {
            match end.advance(&mut handshake, &mut input) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) => return received,
            }
            let opener = handshake.take_session().map(|session| session.opener);
            let shape = MessageShape::of(end.config.socket_type);
            let new = TrafficDecoder::new(limit.map(u64::from), opener).with_shape(shape);
            decoder = Some(new.with_subscriptions(end.takes_subscriptions()));
        }
        let Some(decoder) = &mut decoder else { continue };
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Traffic::Messages(batch))) => {
                    take_apart(batch, piece, &mut received.messages);
                }
                Ok(Some(Traffic::Command(command))) => received.commands.push(command),
                Ok(Some(Traffic::Progress)) => {}
                Ok(None) => break,
                Err(_) => return received,
            }
        }
    }
    received
}

/// Takes the messages of a batch, as a queue does.
fn take_apart(mut batch: Batch, piece: usize, received: &mut Vec<Bytes>) {
    let expected = received.len() + batch.messages();
    while batch.messages() > 0 {
        let mut part = batch.split_to(piece, usize::MAX);
        while part.messages() > 0 {
            let message = match part.pop_short::<SHORT>() {
                Some((bytes, len)) => Bytes::copy_from_slice(&bytes[..len]),
                None => part.pop().unwrap(),
            };
            received.push(message);
        }
    }
    assert_eq!(received.len(), expected);
}

/// Returns the bytes that an end writes in an undisturbed handshake, and its session.
fn sent_by(sender: usize, ends: &[End; 2]) -> (BytesMut, Option<Session>) {
    let mut handshakes = [0, 1].map(|end| ends[end].handshake());
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let mut written = BytesMut::new();
    let mut complete = [false; 2];
    while complete != [true; 2] {
        for (at, handshake) in handshakes.iter_mut().enumerate() {
            complete[at] |= ends[at].advance(handshake, &mut inputs[at]).unwrap();
            while let Some(output) = handshake.poll_output() {
                inputs[1 - at].put_slice(&output);
                if at == sender {
                    written.put_slice(&output);
                }
            }
        }
    }
    (written, handshakes[sender].take_session())
}

/// One end of the connection.
struct End {
    config: HandshakeConfig,
    mechanism: HandshakeMechanism,
    has_authenticator: bool,
    /// Whether it introduces itself only when the remote is known or has accepted its credentials.
    defers: bool,
}

impl End {
    fn new(
        socket_type: SocketType,
        mechanisms: &[HandshakeMechanism; 2],
        end: usize,
        defers: bool,
    ) -> Self {
        let config = HandshakeConfig { socket_type, metadata: Metadata::default() };
        let mechanism = mechanisms[end].clone();
        // With NULL, the server has to know the remote first. Two such ends would wait for each
        // other.
        let is_client = mechanism != HandshakeMechanism::Null;
        let defers = defers && (end == 0 || is_client);
        Self { config, mechanism, has_authenticator: end == 0, defers }
    }

    /// Returns whether messages to this end can be subscriptions.
    fn takes_subscriptions(&self) -> bool {
        self.config.socket_type.takes_subscriptions()
    }

    fn handshake(&self) -> Handshake {
        let (mechanism, has_authenticator) = (self.mechanism.clone(), self.has_authenticator);
        let seed = Seed::new(&[0x55 + u8::from(has_authenticator); Seed::LEN]);
        if self.defers {
            return Handshake::with_deferred_introduction(mechanism, has_authenticator, seed);
        }
        Handshake::new(&self.config, mechanism, has_authenticator, seed)
    }

    /// Processes the received bytes. Returns whether the handshake is complete. Every remote is
    /// admitted.
    fn advance(
        &self,
        handshake: &mut Handshake,
        input: &mut BytesMut,
    ) -> Result<bool, HandshakeError> {
        loop {
            let mut negotiated = handshake.handle_input(input)?;
            let asks = handshake.poll_credentials().is_some();
            if asks {
                negotiated = handshake.handle_verdict(Ok(()))?;
            }
            let awaits_introduction = handshake.awaits_introduction();
            if awaits_introduction {
                negotiated = handshake.introduce(&self.config)?;
            }
            if negotiated.is_some() || !asks && !awaits_introduction {
                return Ok(negotiated.is_some());
            }
        }
    }
}

/// Returns the mechanisms of a server and of a client.
fn mechanisms(choice: u8) -> [HandshakeMechanism; 2] {
    match choice % 3 {
        0 => [HandshakeMechanism::Null, HandshakeMechanism::Null],
        1 => [
            HandshakeMechanism::PlainServer,
            HandshakeMechanism::plain_client("admin", "secret").unwrap(),
        ],
        _ => {
            let server_key = keys(0x50).public_key();
            [curve_server(), HandshakeMechanism::CurveClient { server_key, keypair: keys(0xC0) }]
        }
    }
}

fn curve_server() -> HandshakeMechanism {
    HandshakeMechanism::CurveServer { keypairs: [keys(0x50)].into() }
}

fn keys(byte: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([byte; 32]).into()
}

/// The longest body that is copied out of a batch, which the library stores inline.
const SHORT: usize = 72;

// Flags of frames.
const MORE: u8 = 0x01;
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;
