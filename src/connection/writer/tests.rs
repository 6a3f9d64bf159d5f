//! Writing rounds of messages, and what is left after a failure.

use std::future;
use std::task::Waker;

use tokio::io::{AsyncReadExt, duplex};
use tokio_util::codec::BytesCodec;
use zmtp_proto::group::Group;
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
