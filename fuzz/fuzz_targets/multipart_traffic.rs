//! The decoder finds the same multipart messages, and the same commands between their frames, as a
//! plain parser, wherever reads end.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::message_shape::{MessageShape, parts};
use zmtp_proto::traffic::{READ_SIZE, Traffic, TrafficDecoder, TrafficError};

fuzz_target!(|input: (Option<u8>, u8, u8, &[u8])| {
    let (bytes_max, parts_max, piece, bytes) = input;
    let limits = Limits { bytes: bytes_max.map(u64::from), parts: usize::from(parts_max).max(1) };
    let whole = feed([bytes], &limits);
    let pieces = feed(bytes.chunks(usize::from(piece).max(1)), &limits);
    assert_eq!(whole, pieces);
    let (expected, is_valid) = parse(bytes, &limits);
    assert_eq!(whole.0, expected);
    assert_eq!(whole.1.is_ok(), is_valid);
});

struct Limits {
    bytes: Option<u64>,
    parts: usize,
}

#[derive(Debug, PartialEq)]
enum Item {
    Message(Vec<Bytes>),
    Command(Command),
}

/// Returns all items, and the error that ends them.
fn feed<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: &Limits,
) -> (Vec<Item>, Result<(), TrafficError>) {
    let mut decoder = TrafficDecoder::new(limits.bytes, None)
        .with_shape(MessageShape::Multipart)
        .with_max_message_parts(limits.parts);
    let (mut input, mut items) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Traffic::Messages(mut batch))) => {
                    while let Some(frames) = batch.pop() {
                        let parts = parts(&frames).map(|part| frames.slice_ref(part));
                        items.push(Item::Message(parts.collect()));
                    }
                }
                Ok(Some(Traffic::Command(command))) => items.push(Item::Command(command)),
                Ok(Some(Traffic::Progress)) => {}
                Ok(None) => break,
                Err(error) => return (items, Err(error)),
            }
        }
        assert!(input.capacity() <= 4 * READ_SIZE + 2 * input.len());
    }
    (items, Ok(()))
}

/// Parses frame by frame. Returns all items, and whether no error ends them.
fn parse(mut bytes: &[u8], limits: &Limits) -> (Vec<Item>, bool) {
    let (mut items, mut parts) = (Vec::new(), Vec::<Bytes>::new());
    loop {
        let header = match Header::decode(bytes) {
            Ok(Some(header)) => header,
            Ok(None) => return (items, true),
            Err(_) => return (items, false),
        };
        if header.command && header.size > 0x1_0000 {
            return (items, false);
        }
        if !header.command {
            let arrived: u64 = parts.iter().map(|part| part.len() as u64).sum();
            let size = arrived.saturating_add(header.size);
            if parts.len() == limits.parts || limits.bytes.is_some_and(|limit| size > limit) {
                return (items, false);
            }
        }
        let Some(body) = header.body(bytes) else { return (items, true) };
        bytes = &bytes[header.len() + body.len()..];
        if header.command {
            match Command::decode(body) {
                Ok(command) => items.push(Item::Command(command)),
                Err(_) => return (items, false),
            }
            continue;
        }
        parts.push(Bytes::copy_from_slice(body));
        if !header.more {
            items.push(Item::Message(std::mem::take(&mut parts)));
        }
    }
}
