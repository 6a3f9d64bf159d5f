//! Writing rounds of messages, and what is left after a failure.

use std::future;
use std::task::Waker;

use tokio::io::{AsyncRead, AsyncReadExt, DuplexStream, ReadBuf, duplex};
use tokio_util::codec::BytesCodec;
use zmtp_proto::group::Group;
use zmtp_proto::mechanism::curve::{CurveKeypair, Opener, Seed, Session};
use zmtp_proto::mechanism::{HandshakeMechanism, SecurityHandshake};
use zmtp_proto::metadata::Metadata;
use zmtp_proto::ping_pong::Pong;

use super::*;
use crate::message::GroupMessage;

#[tokio::test]
async fn long_and_short_bodies_are_written_in_order() {
    let bodies = bodies(&[10, 40_000, 0, 100_000, LONG_BODY, LONG_BODY - 1, 255, 256]);
    let expected = encoded(&bodies);
    let (near, mut far) = duplex(1_000);
    let mut framed = Framed::new(near, BytesCodec::new());
    let mut writer = Writer::new(WRITE_SIZE, MessageShape::Single, Version::ZMTP_3_1, None);
    writer.taken().extend(bodies);
    let mut received = vec![0; expected.len()];
    let write = future::poll_fn(|cx| writer.poll_write(cx, &mut framed));
    let (written, read) = tokio::join!(write, far.read_exact(&mut received));
    written.unwrap();
    read.unwrap();
    assert!(received == expected);
    assert!(writer.is_idle());
    assert_eq!(writer.take_written(), Volume { messages: 8, bytes: expected.len() as u64 });
}

#[test]
fn after_a_failure_exactly_the_unwritten_messages_are_left() {
    let bodies = bodies(&[10, 300, 0, LONG_BODY, 70]);
    let whole = encoded(&bodies).len();
    for capacity in 0..=whole {
        // Exactly the bytes that fit are written.
        let (near, _far) = duplex(capacity.max(1));
        let mut framed = Framed::new(near, BytesCodec::new());
        let mut writer = Writer::new(WRITE_SIZE, MessageShape::Single, Version::ZMTP_3_1, None);
        writer.taken().extend(bodies.iter().cloned());
        writer.queue_command(&Command::Pong(Pong::decode(b"xyz")));
        let mut cx = Context::from_waker(Waker::noop());
        let _ = writer.poll_write(&mut cx, &mut framed);
        let (unwritten, is_begun) = writer.take_unwritten(framed.write_buffer().len());
        let mut end = PONG_LEN;
        let mut ends = vec![end];
        let expected = bodies.iter().filter(|body| {
            end += frame_len(body.len());
            ends.push(end);
            end > capacity.max(1)
        });
        assert!(unwritten.iter().eq(expected), "{capacity} bytes were written");
        let is_between = capacity > PONG_LEN && !ends.contains(&capacity);
        assert_eq!(is_begun, is_between, "{capacity} bytes were written");
        let written = writer.take_written().messages;
        assert_eq!(written, (bodies.len() - unwritten.len()) as u64);
    }
}

#[test]
fn after_a_failure_exactly_the_unwritten_ones_of_packed_messages_are_left() {
    let group = Group::try_from("group").unwrap();
    let messages = [10, 0, 300, 70, 5].map(|len| {
        let message = GroupMessage::new(&group, vec![7; len]);
        message.into_frames()
    });
    let packed = [&messages[..2], &messages[2..3], &messages[3..]].map(|messages| {
        let frames: Vec<u8> = messages.iter().flat_map(|message| message.to_vec()).collect();
        Message::from(frames)
    });
    let mut ends = vec![0];
    for message in &messages {
        ends.push(ends[ends.len() - 1] + message.len());
    }
    let shapes = [MessageShape::GroupAndBody, MessageShape::Multipart];
    let capacities = 1..=ends[messages.len()];
    for (capacity, shape) in capacities.flat_map(|capacity| shapes.map(|shape| (capacity, shape))) {
        let (near, _far) = duplex(capacity);
        let mut framed = Framed::new(near, BytesCodec::new());
        let mut writer = Writer::new(WRITE_SIZE, shape, Version::ZMTP_3_1, None);
        writer.taken().extend(packed.iter().cloned());
        let _ = writer.poll_write(&mut Context::from_waker(Waker::noop()), &mut framed);
        let buffered = framed.write_buffer().len();
        assert_eq!(writer.is_within_message(buffered), !ends.contains(&capacity));
        let (unwritten, is_begun) = writer.take_unwritten(buffered);
        let whole = ends.iter().filter(|end| (1..=capacity).contains(*end)).count();
        assert!(unwritten.iter().eq(&messages[whole..]), "{capacity} bytes were written");
        assert_eq!(is_begun, !ends.contains(&capacity), "{capacity} bytes were written");
        let written = Volume { messages: whole as u64, bytes: ends[whole] as u64 };
        assert_eq!(writer.take_written(), written);
    }
}

#[test]
fn sealed_messages_and_commands_are_opened_in_the_order_in_which_they_are_written() {
    let bodies = bodies(&[10, 40_000, 0, 100_000, LONG_BODY, 255, 256]);
    let mut remote = connected(duplex(1_000));
    let mut received = Vec::new();
    remote.writer.taken().extend(bodies.iter().cloned());
    // Commands are queued while messages of the round are not sealed yet.
    while !remote.poll(&mut received) {
        if received.len() == 30_000 || received.len() == 70_000 {
            remote.writer.queue_command(&Command::Pong(Pong::decode(b"xyz")));
        }
    }
    let expected: usize = bodies.iter().map(|body| frame_len(OVERHEAD + body.len())).sum();
    assert_eq!(
        remote.writer.take_written(),
        Volume { messages: bodies.len() as u64, bytes: expected as u64 }
    );
    let (messages, commands) = remote.open(&received);
    assert!(messages == bodies);
    assert_eq!(commands, 2);
}

#[test]
fn after_a_failure_exactly_the_unwritten_sealed_messages_are_left() {
    let bodies = bodies(&[10, 300, 0, LONG_BODY, 40_000, 70]);
    let lens = bodies.iter().map(|body| frame_len(OVERHEAD + body.len()));
    let ends: Vec<_> = lens
        .scan(0, |end, len| {
            *end += len;
            Some(*end)
        })
        .collect();
    let around_ends = ends.iter().flat_map(|end| [end - 1, *end, end + 1]);
    for capacity in (1..ends[5]).step_by(997).chain(around_ends) {
        let mut remote = connected(duplex(capacity));
        remote.writer.taken().extend(bodies.iter().cloned());
        let mut cx = Context::from_waker(Waker::noop());
        let _ = remote.writer.poll_write(&mut cx, &mut remote.framed);
        let (unwritten, is_begun) =
            remote.writer.take_unwritten(remote.framed.write_buffer().len());
        let whole = ends.iter().filter(|end| **end <= capacity).count();
        assert!(unwritten.iter().eq(&bodies[whole..]), "{capacity} bytes were written");
        let is_between = capacity < ends[5] && !ends.contains(&capacity);
        assert_eq!(is_begun, is_between, "{capacity} bytes were written");
        let bytes = if whole == 0 { 0 } else { ends[whole - 1] };
        let written = Volume { messages: whole as u64, bytes: bytes as u64 };
        assert_eq!(remote.writer.take_written(), written);
    }
}

#[test]
fn sealed_messages_wait_for_the_stream_before_they_are_encoded() {
    let mut remote = connected(duplex(1));
    remote.writer.taken().extend(bodies(&[1_000; 200]));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(remote.writer.poll_write(&mut cx, &mut remote.framed).is_pending());
    assert!(remote.framed.write_buffer().len() <= WRITE_SIZE + frame_len(OVERHEAD + 1_000));
}

#[test]
fn reading_pauses_for_the_sealed_length_of_commands() {
    let mut remote = connected(duplex(1));
    let mut queued = 0;
    while !remote.writer.is_held_up() {
        remote.writer.queue_command(&Command::Pong(Pong::decode(b"xyz")));
        queued += 1;
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert!(remote.writer.poll_write(&mut cx, &mut remote.framed).is_pending());
    let sealed = PONG_LEN + OVERHEAD;
    assert_eq!(queued, COMMANDS_MAX.div_ceil(sealed));
    assert_eq!(remote.framed.write_buffer().len(), queued * sealed - 1);
}

/// A writer under CURVE, and the remote that opens what it writes.
struct Sealed {
    writer: Writer,
    framed: Framed<DuplexStream, BytesCodec>,
    far: DuplexStream,
    opener: Opener,
}

fn connected((near, far): (DuplexStream, DuplexStream)) -> Sealed {
    let (ours, theirs) = sessions();
    let shape = MessageShape::Single;
    let writer = Writer::new(WRITE_SIZE, shape, Version::ZMTP_3_1, Some(ours.sealer));
    Sealed { writer, framed: Framed::new(near, BytesCodec::new()), far, opener: theirs.opener }
}

impl Sealed {
    /// Writes as much as the remote accepts, and reads it. Returns whether everything is written
    /// and read.
    fn poll(&mut self, received: &mut Vec<u8>) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let written = self.writer.poll_write(&mut cx, &mut self.framed);
        let mut bytes = [0; 1_000];
        let mut read = ReadBuf::new(&mut bytes);
        let far = Pin::new(&mut self.far);
        let is_read = far.poll_read(&mut cx, &mut read).is_pending();
        received.extend_from_slice(read.filled());
        written.map(Result::unwrap).is_ready() && is_read
    }

    /// Returns the messages in `frames`, and the number of commands.
    fn open(&mut self, mut frames: &[u8]) -> (Vec<Message>, usize) {
        let (mut messages, mut commands) = (Vec::new(), 0);
        while let Some(header) = Header::decode(frames).unwrap() {
            let mut body = header.body(frames).unwrap().to_vec();
            frames = &frames[header.len() + body.len()..];
            match self.opener.open(&mut body).unwrap().command {
                true => commands += 1,
                false => messages.push(body.split_off(OVERHEAD).into()),
            }
        }
        (messages, commands)
    }
}

/// Returns the sessions of both ends of a handshake.
fn sessions() -> (Session, Session) {
    let keypair = CurveKeypair::generate();
    let client = HandshakeMechanism::curve_client(keypair.public_key());
    let [mut client, mut server] =
        [client, HandshakeMechanism::CurveServer { keypairs: [keypair].into() }].map(|mechanism| {
            let seed = Seed::new(&[0x55; Seed::LEN]);
            SecurityHandshake::new(mechanism, Some(Metadata::default()), seed)
        });
    let deliver = |command: Option<Command>, to: &mut SecurityHandshake| {
        let mut frame = BytesMut::new();
        command.unwrap().encode(&mut frame);
        let header = Header::decode(&frame).unwrap().unwrap();
        to.handle_command(header.body(&frame).unwrap()).unwrap();
    };
    deliver(client.poll_command(), &mut server);
    deliver(server.poll_command(), &mut client);
    deliver(client.poll_command(), &mut server);
    server.poll_credentials().unwrap();
    server.handle_verdict(Ok(())).unwrap();
    deliver(server.poll_command(), &mut client);
    (client.take_session().unwrap(), server.take_session().unwrap())
}

/// Longer than one long body, and shorter than two.
const WRITE_SIZE: usize = 0xF000;

/// PONG with the three bytes of context.
const PONG_LEN: usize = 10;

fn bodies(lens: &[usize]) -> Vec<Message> {
    (0..).zip(lens).map(|(number, len)| vec![number; *len].into()).collect()
}

fn encoded(bodies: &[Message]) -> BytesMut {
    let mut frames = BytesMut::new();
    for body in bodies {
        put_message_header(&mut frames, body.len());
        frames.put_slice(body);
    }
    frames
}
