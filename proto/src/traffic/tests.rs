//! Tests of the decoding of unencrypted traffic, and helpers for tests of all traffic.

use bytes::{BufMut, Bytes};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::frame::put_message_header;
use super::super::ping_pong::Ping;
use super::*;

#[test]
fn whole_messages_of_one_read_are_one_batch() {
    let mut input = BytesMut::from(&b"\x00\x01a\x00\x00\x02\0\0\0\0\0\0\0\x02bc\x00\x05de"[..]);
    let mut decoder = TrafficDecoder::new(None, None);
    let mut batch = messages(decoder.decode(&mut input));
    assert_eq!(batch.messages(), 3);
    assert_eq!(batch.pop().unwrap(), "a");
    assert_eq!(batch.pop().unwrap(), "");
    assert_eq!(batch.pop().unwrap(), "bc");
    assert!(batch.pop().is_none());
    assert!(decoder.decode(&mut input).unwrap().is_none());
    assert_eq!(input, b"\x00\x05de"[..]);
}

#[test]
fn a_command_ends_a_batch() {
    let mut input = BytesMut::from(&b"\x00\x01a\x04\x07\x04PING\x00\x0a\x00\x01b"[..]);
    let mut decoder = TrafficDecoder::new(None, None);
    assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
    let Ok(Some(Traffic::Command(Command::Ping(ping)))) = decoder.decode(&mut input) else {
        panic!("a command is due");
    };
    assert_eq!(ping, Ping::decode(b"\x00\x0a").unwrap());
    assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
}

#[test]
fn a_multipart_message_is_discarded_and_counted() {
    let parts = b"\x01\x01a\x04\x07\x04PING\x00\x00\x03\0\0\0\0\0\0\0\x02bb\x00\x01c\x00\x01d";
    for split in 0..parts.len() {
        let mut decoder = TrafficDecoder::new(None, None);
        let mut input = BytesMut::new();
        let (mut bodies, mut commands) = (Vec::new(), 0);
        for piece in [&parts[..split], &parts[split..]] {
            input.extend_from_slice(piece);
            while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                match traffic {
                    Traffic::Messages(mut batch) => bodies.extend(batch.pop()),
                    Traffic::Command(_) => commands += 1,
                    Traffic::Progress => panic!("one message is less work than a turn"),
                }
            }
        }
        assert_eq!((bodies, commands), (vec![Bytes::from("d")], 1));
        assert_eq!(decoder.take_discarded(), 1);
    }
}

#[test]
fn a_large_announced_size_reserves_little_memory() {
    let mut input = BytesMut::from(&b"\x02\x7f\xff\xff\xff\xff\xff\xff\xffabc"[..]);
    let mut decoder = TrafficDecoder::new(None, None);
    assert!(decoder.decode(&mut input).unwrap().is_none());
    assert!(input.capacity() <= 2 * READ_SIZE);
}

#[test]
fn a_message_above_the_limit_is_refused_by_its_header() {
    let mut decoder = TrafficDecoder::new(Some(3), None);
    let mut input = BytesMut::from(&b"\x00\x03abc\x00\x04"[..]);
    assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
    let refused = TrafficError::MessageTooLarge { size: 4, limit: 3 };
    assert_eq!(decoder.decode(&mut input).unwrap_err(), refused);
    let mut part = BytesMut::from(&b"\x01\x04"[..]);
    assert_eq!(decoder.decode(&mut part).unwrap_err(), refused);
}

#[test]
fn messages_before_an_error_are_delivered_first() {
    let mut decoder = TrafficDecoder::new(None, None);
    let mut input = BytesMut::from(&b"\x00\x01a\xff"[..]);
    assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
    assert!(matches!(decoder.decode(&mut input), Err(TrafficError::Frame(_))));
}

#[test]
fn a_command_above_the_limit_is_refused_by_its_header() {
    let mut input = BytesMut::from(&b"\x06\0\0\0\0\0\x01\0\x01"[..]);
    let error = TrafficDecoder::new(None, None).decode(&mut input).unwrap_err();
    assert_eq!(error, TrafficError::CommandTooLarge { size: 0x1_0001 });
}

#[test]
fn the_work_of_discarding_parts_is_bounded() {
    let long = [&b"\x03\0\0\0\0\0\x01\0\0"[..], &[0; 0x1_0000]].concat();
    for (part, discarded_max) in
        [(&b"\x01\x00"[..], 0x2000), (&b"\x01\x02ab"[..], 0x4000), (&long, 0x1_0009)]
    {
        let mut input = BytesMut::from(&*part.repeat(0x10_0000 / part.len()));
        let mut decoder = TrafficDecoder::new(None, None);
        loop {
            let before = input.len();
            let decoded = decoder.decode(&mut input).unwrap();
            assert!(before - input.len() <= discarded_max, "{} of {before}", before - input.len());
            let Some(Traffic::Progress) = decoded else { break };
            let work = decoder.take_work();
            assert!(work >= WORK_MAX && work >= before - input.len(), "{work}");
        }
        assert!(input.is_empty());
    }
}

#[test]
fn progress_is_reported_while_a_long_message_arrives() {
    let mut decoder = TrafficDecoder::new(None, None);
    let mut input = BytesMut::from(&b"\x02\0\0\0\0\0\x20\0\0"[..]);
    assert!(decoder.decode(&mut input).unwrap().is_none());
    for _ in 0..0x1F {
        input.extend_from_slice(&[0; 0x1_0000]);
        assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Progress))));
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert_eq!(decoder.take_work(), 0x1_0000);
    }
    input.extend_from_slice(&[0; 0x1_0000]);
    assert_eq!(messages(decoder.decode(&mut input)).messages(), 1);
    assert_eq!(decoder.take_work(), 0x1_0000);
}

proptest! {
    #[test]
    fn messages_are_decoded_wherever_reads_end(
        bodies in vec(vec(any::<u8>(), 0..600), 1..20),
        cuts in vec(1_usize..700, 1..40),
        splits in vec(1_usize..4, 1..8),
    ) {
        let mut decoder = TrafficDecoder::new(None, None);
        let received = decode_in_pieces(&mut decoder, &encoded(&bodies), &cuts, &splits);
        prop_assert_eq!(received, (bodies.into_iter().map(Bytes::from).collect(), 0));
    }

    #[test]
    fn no_input_causes_a_panic(
        shape in prop_oneof![
            Just(MessageShape::Single),
            Just(MessageShape::GroupAndBody),
            Just(MessageShape::Multipart),
        ],
        pieces in vec(vec(prop_oneof![0..6_u8, any::<u8>()], 0..50), 0..20),
    ) {
        let decoder = TrafficDecoder::new(Some(100), None);
        let mut decoder = decoder.with_shape(shape).with_max_message_parts(5);
        let mut input = BytesMut::new();
        for piece in pieces {
            input.extend_from_slice(&piece);
            loop {
                match decoder.decode(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
        }
    }
}

/// Decodes bytes that are read in pieces of `lengths`, in turn. Returns the messages, which are
/// split off their batches in groups of `splits`, and the number of PINGs.
pub(super) fn decode_in_pieces(
    decoder: &mut TrafficDecoder,
    wire: &[u8],
    lengths: &[usize],
    splits: &[usize],
) -> (Vec<Bytes>, usize) {
    let (mut input, mut messages, mut pings) = (BytesMut::new(), Vec::new(), 0);
    let (mut rest, mut lengths, mut splits) = (wire, lengths.iter().cycle(), splits.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(*lengths.next().unwrap()));
        input.extend_from_slice(piece);
        rest = after;
        while let Some(traffic) = decoder.decode(&mut input).unwrap() {
            match traffic {
                Traffic::Messages(mut batch) => {
                    while batch.messages() > 0 {
                        let mut part = batch.split_to(*splits.next().unwrap(), usize::MAX);
                        messages.extend(std::iter::from_fn(|| part.pop()));
                    }
                }
                Traffic::Command(Command::Ping(_)) => pings += 1,
                Traffic::Command(other) => panic!("{other:?}"),
                Traffic::Progress => {}
            }
        }
    }
    assert!(input.is_empty());
    (messages, pings)
}

fn encoded<T: AsRef<[u8]>>(bodies: &[T]) -> BytesMut {
    let mut frames = BytesMut::new();
    for body in bodies {
        put_message_header(&mut frames, body.as_ref().len());
        frames.put_slice(body.as_ref());
    }
    frames
}

pub(super) fn messages(decoded: Result<Option<Traffic>, TrafficError>) -> Batch {
    match decoded {
        Ok(Some(Traffic::Messages(batch))) => batch,
        other => panic!("messages are due, not {other:?}"),
    }
}
