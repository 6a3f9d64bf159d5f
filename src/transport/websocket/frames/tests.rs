//! Tests of the translation.

use std::iter;

use proptest::prelude::*;

use super::*;

const NULL: MechanismName = MechanismName::NULL;
const CLIENT: WebSocketRole = WebSocketRole::Client { seed: 7 };

proptest! {
    #[test]
    fn frames_pass_unchanged_in_pieces_of_any_length(
        frames in proptest::collection::vec((0_usize..70_000, 0_u8..3), 0..6),
        (piece, room, limit) in (1_usize..5_000, 1_usize..5_000, 1_usize..5_000),
        from_client: bool,
    ) {
        let zmtp: Vec<u8> = frames.iter().flat_map(|(len, flags)| frame(*len, *flags)).collect();
        let greeting = Greeting::new(NULL, false).encode();
        let (from, to) =
            if from_client { (CLIENT, WebSocketRole::Server) } else { (WebSocketRole::Server, CLIENT) };
        let mut writer = FrameWriter::new(from);
        let mut websocket = BytesMut::new();
        for chunk in [&greeting[..], &zmtp].concat().chunks(piece) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let mut dst = BytesMut::new();
                let translated = writer.translate(rest, &mut dst, limit).unwrap();
                rest = &rest[translated..];
                websocket.put(dst);
            }
        }
        prop_assert!(writer.is_between_frames());

        let mut reader = FrameReader::new(to, NULL);
        let (mut src, mut read) = (BytesMut::new(), Vec::new());
        // The greeting precedes the first bytes.
        for chunk in iter::once(&[][..]).chain(websocket.chunks(piece)) {
            src.put_slice(chunk);
            loop {
                let mut dst = Vec::new().limit(room);
                prop_assert_eq!(reader.translate(&mut src, &mut dst).unwrap(), None);
                let dst = dst.into_inner();
                if dst.is_empty() {
                    break;
                }
                read.extend(dst);
            }
        }
        prop_assert!(src.is_empty());
        let (read_greeting, read) = read.split_at(Greeting::LEN);
        let read_greeting = Greeting::decode(read_greeting).unwrap().unwrap();
        prop_assert_eq!(read_greeting.mechanism.as_str(), "NULL");
        prop_assert!(read == zmtp);
    }

    #[test]
    fn no_input_causes_a_panic(input: Vec<u8>, is_client: bool, room in 1_usize..100) {
        let role = if is_client { CLIENT } else { WebSocketRole::Server };
        let mut reader = FrameReader::new(role, NULL);
        let mut src = BytesMut::from(&input[..]);
        loop {
            let mut dst = Vec::new().limit(room);
            match reader.translate(&mut src, &mut dst) {
                Ok(None) if dst.get_ref().is_empty() => break,
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

#[test]
fn a_violation_is_named() {
    for (role, bytes, violation) in [
        (WebSocketRole::Server, &[0x82, 0x01, 0x00][..], Violation::Unmasked),
        (CLIENT, &[0x82, 0x81, 0, 0, 0, 0, 0], Violation::Masked),
        (CLIENT, &[0x02, 0x01, 0x00, 0x82, 0x01, 0x00], Violation::Fragments),
        (CLIENT, &[0x02, 0x00, 0x80, 0x00], Violation::NoFlags),
        (CLIENT, &[0x02, 0x01, 0x04, 0x80, 0x00], Violation::Reserved),
        (CLIENT, &[0x02, 127, 0, 0, 0, 0, 0, 1, 0, 1], Violation::TooLong),
        (CLIENT, &[0x82, 1, 2, 0x02, 127, 0, 0, 0, 0, 4, 0, 0, 1], Violation::TooLong),
        (CLIENT, &[0x80, 0x01, 0x00], Violation::Fragments),
        (CLIENT, &[0x81, 0x01, 0x00], Violation::Text),
        (CLIENT, &[0xC2, 0x01, 0x00], Violation::Reserved),
        (CLIENT, &[0x82, 0x01, 0x04], Violation::Reserved),
        (CLIENT, &[0x82, 0x00], Violation::NoFlags),
        (CLIENT, &[0x83, 0x01, 0x00], Violation::Header),
        (CLIENT, &[0x09, 0x00], Violation::BadControl),
        (CLIENT, &[0x88, 1, 3], Violation::BadClose),
        // 1005, which is not sent, and a reason that is not UTF-8.
        (CLIENT, &[0x88, 2, 0x03, 0xED], Violation::BadClose),
        (CLIENT, &[0x88, 3, 0x03, 0xE8, 0xFF], Violation::BadClose),
        (CLIENT, &[0x89, 126, 0, 126], Violation::BadControl),
    ] {
        let mut reader = FrameReader::new(role, NULL);
        let mut dst = Vec::new();
        let mut src = BytesMut::from(bytes);
        assert_eq!(reader.translate(&mut src, &mut dst), Err(violation), "{bytes:?}");
    }
}

#[test]
fn fragments_are_joined() {
    let mut reader = FrameReader::new(CLIENT, NULL);
    let mut src = BytesMut::new();
    // A fragment without a payload, the flags and a byte, a ping, and the rest.
    src.put_slice(&[0x02, 0x00, 0x00, 0x02, 0x01, 7, 0x89, 0x00, 0x80, 0x02, 7, 7]);
    src.put_slice(&[0x82, 0x02, 0x00, 9]);
    let mut dst = Vec::new();
    let ping = reader.translate(&mut src, &mut dst).unwrap();
    assert_eq!(ping, Some(ControlFrame::Ping(BytesMut::new())));
    assert_eq!(dst.len(), Greeting::LEN);
    // In pieces, because it may not fit.
    for _ in 0..20 {
        let mut room = dst.limit(1);
        assert_eq!(reader.translate(&mut src, &mut room).unwrap(), None);
        dst = room.into_inner();
    }
    assert_eq!(dst[Greeting::LEN..], [&frame(3, MORE)[..2], &[7, 7, 7, 0, 1, 9]].concat());
}

#[test]
fn fragments_are_limited_before_they_are_stored() {
    let mut reader = FrameReader::new(CLIENT, NULL);
    reader.set_fragmented_max(4);
    let command = [0x82, 0x01, 0x02];
    let message = [0x02, 0x03, 0x00, 1, 2, 0x00, 0x00, 0x80, 0x02];
    let mut src = BytesMut::from(&[&command[..], &message].concat()[..]);
    let mut dst = Vec::new();
    assert_eq!(reader.translate(&mut src, &mut dst), Err(Violation::TooLong));
    assert_eq!(dst.len(), Greeting::LEN + 2);
}

#[test]
fn control_frames_are_between_frames() {
    let (mut writer, mut sent) = (FrameWriter::new(CLIENT), BytesMut::new());
    let message = [&Greeting::new(NULL, false).encode()[..], &frame(10, 0)].concat();
    writer.translate(&message[..70], &mut sent, usize::MAX).unwrap();
    assert!(!writer.is_between_frames());
    writer.translate(&message[70..], &mut sent, usize::MAX).unwrap();
    assert!(writer.is_between_frames());
    writer.put_control(Control::Ping, b"context", &mut sent);
    writer.put_control(Control::Close, b"", &mut sent);

    let (mut reader, mut read) = (FrameReader::new(WebSocketRole::Server, NULL), Vec::new());
    let ping = reader.translate(&mut sent, &mut read).unwrap();
    assert_eq!(read[Greeting::LEN..], frame(10, 0));
    assert_eq!(ping, Some(ControlFrame::Ping(BytesMut::from(&b"context"[..]))));
    let close = reader.translate(&mut sent, &mut read).unwrap();
    assert_eq!(close, Some(ControlFrame::Close(BytesMut::new())));
}

/// Returns a frame of ZMTP: a last part, another part, or a command.
fn frame(len: usize, flags: u8) -> Vec<u8> {
    let (header, header_len) = encode_header(flags, len as u64).unwrap();
    [&header[..header_len], &vec![flags.wrapping_add(7); len]].concat()
}
