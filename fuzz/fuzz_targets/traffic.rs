//! The decoded traffic does not depend on how its bytes are split, and the claimed length of a
//! frame reserves no memory.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use zmtp_proto::batch::Batch;
use zmtp_proto::command::Command;
use zmtp_proto::traffic::{READ_SIZE, Traffic, TrafficDecoder, TrafficError};

fuzz_target!(|input: (Option<u8>, u8, &[u8])| {
    let (limit, piece, bytes) = input;
    let piece = usize::from(piece).max(1);

    let whole = feed([bytes], limit, |items, batch| {
        items.extend(std::iter::from_fn(|| batch.pop()).map(Item::Message));
    });
    let pieces = feed(bytes.chunks(piece), limit, |items, batch| {
        while batch.messages() > 0 {
            let mut part = batch.split_to(piece, usize::MAX);
            items.extend(std::iter::from_fn(|| pop_copied(&mut part)).map(Item::Message));
        }
    });
    assert_eq!(whole, pieces);

    assert!(bytes.ends_with(&whole.left));
    for item in &whole.items {
        if let (Item::Message(body), Some(limit)) = (item, limit) {
            assert!(body.len() <= usize::from(limit));
        }
    }
});

#[derive(Debug, PartialEq)]
struct Outcome {
    items: Vec<Item>,
    discarded: u64,
    end: Result<(), TrafficError>,
    /// The bytes of an incomplete frame. Empty after an error.
    left: Vec<u8>,
}

#[derive(Debug, PartialEq)]
enum Item {
    Command(Command),
    Message(Bytes),
}

/// Decodes one piece after another until the first error, and takes batches apart with `unpack`.
fn feed<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limit: Option<u8>,
    unpack: impl Fn(&mut Vec<Item>, &mut Batch),
) -> Outcome {
    let mut decoder = TrafficDecoder::new(limit.map(u64::from), None);
    let mut input = BytesMut::new();
    let mut items = Vec::new();
    let mut fed = 0;
    for piece in pieces {
        input.extend_from_slice(piece);
        fed += piece.len();
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Traffic::Messages(mut batch))) => {
                    let messages = items.len() + batch.messages();
                    assert!(batch.messages() > 0);
                    unpack(&mut items, &mut batch);
                    assert_eq!((batch.messages(), items.len()), (0, messages));
                }
                Ok(Some(Traffic::Command(command))) => items.push(Item::Command(command)),
                Ok(Some(Traffic::Progress)) => assert!(decoder.take_work() >= READ_SIZE),
                Ok(None) => break,
                Err(error) => {
                    let discarded = decoder.take_discarded();
                    return Outcome { items, discarded, end: Err(error), left: Vec::new() };
                }
            }
        }
        // The capacity is at most a multiple of the received bytes and one read, because `BytesMut`
        // grows by doubling.
        assert!(input.capacity() <= 4 * (fed + READ_SIZE));
    }
    Outcome { items, discarded: decoder.take_discarded(), end: Ok(()), left: input.to_vec() }
}

/// Takes the first message, as a copy if it is short.
fn pop_copied(batch: &mut Batch) -> Option<Bytes> {
    if let Some(short) = batch.remove_short::<SHORT>() {
        return Some(Bytes::copy_from_slice(&short.bytes[..short.len]));
    }
    match batch.pop_short::<SHORT>() {
        Some((bytes, len)) => Some(Bytes::copy_from_slice(&bytes[..len])),
        None => batch.pop(),
    }
}

const SHORT: usize = 8;
