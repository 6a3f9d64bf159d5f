//! The decoded messages of groups do not depend on how their bytes are split, nor do the commands
//! between their frames.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::group::Group;
use zmtp_proto::message_shape::{MessageShape, last_part, split_first_part};
use zmtp_proto::traffic::{READ_SIZE, Traffic, TrafficDecoder, TrafficError};

fuzz_target!(|input: (Option<u8>, u8, &[u8])| {
    let (limit, piece, bytes) = input;
    let piece = usize::from(piece).max(1);
    let whole = feed([bytes], limit);
    let pieces = feed(bytes.chunks(piece), limit);
    assert_eq!(whole, pieces);
    for item in &whole.0 {
        let Item::Message(frames) = item else { continue };
        let (group, rest) = split_first_part(frames).unwrap();
        assert!(Group::check(group).is_ok());
        let body = last_part(rest).unwrap();
        assert!(limit.is_none_or(|limit| body.len() <= usize::from(limit)));
    }
});

#[derive(Debug, PartialEq)]
enum Item {
    Message(Bytes),
    Command(Command),
}

/// Returns all items, and the error that ends them.
fn feed<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limit: Option<u8>,
) -> (Vec<Item>, Result<(), TrafficError>) {
    let decoder = TrafficDecoder::new(limit.map(u64::from), None);
    let mut decoder = decoder.with_shape(MessageShape::GroupAndBody);
    let (mut input, mut items) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Traffic::Messages(mut batch))) => {
                    items.extend(std::iter::from_fn(|| batch.pop()).map(Item::Message));
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
