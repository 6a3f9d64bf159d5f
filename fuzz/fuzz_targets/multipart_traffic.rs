//! The decoder finds the same messages of several parts, and the same commands between their
//! frames, as a plain parser, wherever reads end: messages of groups, and of any number of parts.
//! The latter are split at their first empty part, as requests are into envelope and body.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::group::Group;
use zmtp_proto::message_shape::{MessageShape, parts};
use zmtp_proto::request_envelope::{ReqEnvelope, split_envelope};
use zmtp_proto::subscription::command_of;
use zmtp_proto::traffic::{READ_SIZE, Traffic, TrafficDecoder, TrafficError};

fuzz_target!(|input: (bool, bool, Option<u8>, u8, u8, &[u8])| {
    let (has_group, takes_subscriptions, bytes_max, parts_max, piece, bytes) = input;
    let shape = if has_group { MessageShape::GroupAndBody } else { MessageShape::Multipart };
    let rules = Rules {
        shape,
        takes_subscriptions: takes_subscriptions && !has_group,
        bytes_max: bytes_max.map(u64::from),
        parts_max: usize::from(parts_max).max(1),
    };
    let whole = feed([bytes], &rules);
    let pieces = feed(bytes.chunks(usize::from(piece).max(1)), &rules);
    assert_eq!(whole, pieces);
    let (expected, is_valid) = parse(bytes, &rules);
    assert_eq!(whole.0, expected);
    assert_eq!(whole.1.is_ok(), is_valid);
});

struct Rules {
    shape: MessageShape,
    takes_subscriptions: bool,
    bytes_max: Option<u64>,
    parts_max: usize,
}

impl Rules {
    /// Returns whether a part with this header may follow those that have arrived.
    fn allow(&self, arrived: &[Bytes], header: Header) -> bool {
        let fits = |size| self.bytes_max.is_none_or(|max| size <= max);
        match (self.shape, arrived) {
            (MessageShape::GroupAndBody, []) => header.more && header.size <= Group::LEN_MAX as u64,
            (MessageShape::GroupAndBody, _) => !header.more && fits(header.size),
            _ => {
                let size: u64 = arrived.iter().map(|part| part.len() as u64).sum();
                arrived.len() < self.parts_max && fits(size.saturating_add(header.size))
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Item {
    Message(Vec<Bytes>),
    Command(Command),
}

/// Returns all items, and the error that ends them.
fn feed<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    rules: &Rules,
) -> (Vec<Item>, Result<(), TrafficError>) {
    let mut decoder = TrafficDecoder::new(rules.bytes_max, None)
        .with_shape(rules.shape)
        .with_subscriptions(rules.takes_subscriptions)
        .with_max_message_parts(rules.parts_max);
    let (mut input, mut items) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Traffic::Messages(mut batch))) => {
                    while let Some(frames) = batch.pop() {
                        let parts: Vec<_> =
                            parts(&frames).map(|part| frames.slice_ref(part)).collect();
                        check_envelope(&frames, &parts);
                        items.push(Item::Message(parts));
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

/// Checks the envelope and the body of a message.
fn check_envelope(frames: &[u8], all: &[Bytes]) {
    let delimiter = all[..all.len() - 1].iter().position(|part| part.is_empty());
    let halves = split_envelope(frames);
    assert_eq!(halves.is_some(), delimiter.is_some());
    if let (Some((envelope, body)), Some(delimiter)) = (halves, delimiter) {
        assert_eq!([envelope, body].concat(), frames);
        assert!(parts(envelope).eq(&all[..=delimiter]));
        assert!(parts(body).eq(&all[delimiter + 1..]));
        let has_ids_of_req = delimiter <= 1 && all[..delimiter].iter().all(|id| id.len() == 4);
        let of_req = ReqEnvelope::decode(envelope);
        assert_eq!(of_req.is_some(), has_ids_of_req);
        if let Some(of_req) = of_req {
            check_reply(of_req, &all[..delimiter], body);
        }
    }
}

/// Checks that a REQ finds the id of its request in the reply that a REP or ROUTER returns, however
/// the frames of the envelope were encoded.
fn check_reply(envelope: ReqEnvelope, ids: &[Bytes], body: &[u8]) {
    let mut reply = Vec::new();
    envelope.encode(&mut reply);
    reply.extend_from_slice(body);
    let (encoded, same_body) = split_envelope(&reply).unwrap();
    assert_eq!((ReqEnvelope::decode(encoded), same_body), (Some(envelope), body));
    match envelope {
        ReqEnvelope::Correlated(id) => assert_eq!(ids, [&id[..]]),
        ReqEnvelope::Plain => assert!(ids.is_empty()),
    }
}

/// Parses frame by frame. Returns all items, and whether no error ends them.
fn parse(mut bytes: &[u8], rules: &Rules) -> (Vec<Item>, bool) {
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
        if !header.command && !rules.allow(&parts, header) {
            return (items, false);
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
        let is_group = rules.shape == MessageShape::GroupAndBody && parts.is_empty();
        if is_group && Group::check(body).is_err() {
            return (items, false);
        }
        if rules.takes_subscriptions && parts.is_empty() && !header.more {
            match command_of(body) {
                Some(Ok(command)) => {
                    items.push(Item::Command(command));
                    continue;
                }
                Some(Err(_)) => return (items, false),
                None => {}
            }
        }
        parts.push(Bytes::copy_from_slice(body));
        if !header.more {
            items.push(Item::Message(std::mem::take(&mut parts)));
        }
    }
}
