//! Handshakes with given bytes of a remote, and between two ends.

use proptest::prelude::*;

use super::super::command::CommandError;
use super::super::metadata::MetadataError;
use super::*;

#[test]
fn the_greeting_is_sent_before_any_input() {
    let mut client = handshake(SocketType::Client);

    assert_eq!(output(&mut client), GREETING);
    assert_eq!(client.poll_output(), None);
}

#[test]
fn the_ready_is_sent_when_the_greeting_of_the_remote_is_complete() {
    let mut client = handshake(SocketType::Client);
    output(&mut client);
    let mut input = BytesMut::from(&GREETING[..63]);

    assert_eq!(client.handle_input(&mut input), Ok(None));
    assert_eq!(client.poll_output(), None);

    input.extend_from_slice(&GREETING[63..]);
    assert_eq!(client.handle_input(&mut input), Ok(None));
    assert_eq!(output(&mut client), b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06CLIENT");
}

#[test]
fn properties_of_the_application_follow_the_socket_type() {
    let mut metadata = Metadata::default();
    metadata.push("X-Key", b"value").unwrap();
    let config = HandshakeConfig { metadata, ..config(SocketType::Client) };
    let mut client = Handshake::new(&config, HandshakeMechanism::Null, false, seed());
    output(&mut client);

    client.handle_input(&mut BytesMut::from(GREETING)).unwrap();
    assert_eq!(
        output(&mut client),
        b"\x04\x2B\x05READY\x0BSocket-Type\0\0\0\x06CLIENT\x05X-Key\0\0\0\x05value"
    );
}

#[test]
fn traffic_after_the_ready_stays_in_the_input() {
    let (negotiated, _, left) = feed(SocketType::Client, &[GREETING, SERVER_READY, b"\0\x02hi"]);

    let negotiated = negotiated.unwrap().unwrap();
    assert_eq!(negotiated.version, Version::ZMTP_3_1);
    assert_eq!(negotiated.socket_type, Some(SocketType::Server));
    assert_eq!(negotiated.metadata, Metadata::announcing(SocketType::Server));
    assert_eq!(left, b"\0\x02hi".as_slice());
}

#[test]
fn nothing_is_consumed_after_the_end() {
    let mut client = handshake(SocketType::Client);
    let mut input = BytesMut::from([GREETING, SERVER_READY, GREETING].concat().as_slice());
    client.handle_input(&mut input).unwrap().unwrap();

    assert_eq!(client.handle_input(&mut input), Ok(None));
    assert_eq!(input, GREETING);
}

#[test]
fn a_missing_socket_type_is_tolerated() {
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, b"\x04\x06\x05READY"]);

    assert_eq!(negotiated.unwrap().unwrap().socket_type, None);
}

#[test]
fn a_socket_type_is_found_in_any_case_and_after_unknown_properties() {
    let ready = b"\x04\x22\x05READY\x01X\0\0\0\0\x0BSOCKET-TYPE\0\0\0\x06SERVER";
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, ready]);

    assert_eq!(negotiated.unwrap().unwrap().socket_type, Some(SocketType::Server));
}

#[test]
fn an_incompatible_socket_type_is_answered_with_an_error() {
    let (negotiated, output, _) = feed(SocketType::Server, &[GREETING, SERVER_READY]);

    assert_eq!(
        negotiated,
        Err(HandshakeError::IncompatibleSocketType {
            local: SocketType::Server,
            remote: SocketType::Server
        })
    );
    assert!(output.ends_with(b"\x04\x1A\x05ERROR\x13invalid-socket-type"));
}

#[test]
fn an_unknown_socket_type_is_answered_with_an_error() {
    let ready = b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06server";
    let (negotiated, output, _) = feed(SocketType::Client, &[GREETING, ready]);

    let error = negotiated.unwrap_err();
    assert_eq!(error.to_string(), r#"remote announces unknown socket type "server""#);
    assert!(output.ends_with(b"\x04\x1A\x05ERROR\x13invalid-socket-type"));
}

#[test]
fn a_long_unknown_socket_type_is_truncated_in_the_error() {
    let mut metadata = Metadata::default();
    metadata.push(Metadata::SOCKET_TYPE, &[b'A'; 1_000]).unwrap();
    let mut ready = BytesMut::new();
    Command::Ready(metadata).encode(&mut ready);
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, &ready]);

    let name = [b'A'; 32].into();
    assert_eq!(negotiated, Err(HandshakeError::UnknownSocketType { name }));
}

#[test]
fn an_error_is_a_refusal_with_its_reason() {
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, b"\x04\x0A\x05ERROR\x03400"]);
    assert_eq!(negotiated.unwrap_err().to_string(), "remote refused the handshake: 400");
}

#[test]
fn another_mechanism_ends_the_handshake_without_a_command() {
    let mut greeting = GREETING.to_vec();
    greeting[12..17].copy_from_slice(b"PLAIN");
    let (negotiated, output, _) = feed(SocketType::Client, &[&greeting]);

    assert_eq!(
        negotiated.unwrap_err().to_string(),
        "remote uses security mechanism PLAIN, this socket NULL"
    );
    assert_eq!(output, GREETING);
}

#[test]
fn a_wrong_first_byte_ends_the_handshake_immediately() {
    let (negotiated, _, _) = feed(SocketType::Server, &[b"G"]);

    let byte = b'G';
    assert_eq!(negotiated, Err(HandshakeError::Greeting(GreetingError::NotZmtp3 { byte })));
}

#[test]
fn a_message_before_the_ready_is_refused_by_its_flags() {
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, b"\0\x05he"]);

    assert_eq!(negotiated, Err(HandshakeError::UnexpectedMessage));
}

#[test]
fn an_unexpected_command_is_reported_by_its_name() {
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, b"\x04\x07\x04PING\0\0"]);

    assert_eq!(negotiated.unwrap_err().to_string(), "unexpected command PING during the handshake");
}

#[test]
fn a_malformed_frame_or_command_is_refused() {
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, b"\x08"]);
    let flags = 0x08;
    assert_eq!(negotiated, Err(HandshakeError::Frame(FrameError::ReservedFlags { flags })));

    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, b"\x04\x07\x05READY\x01"]);
    let error = CommandError::Metadata(MetadataError::Truncated);
    assert_eq!(negotiated, Err(HandshakeError::Mechanism(MechanismError::Command(error))));
}

#[test]
fn a_command_above_64_kib_is_refused_by_its_header() {
    let too_large = b"\x06\0\0\0\0\0\x01\0\x01";
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, too_large]);
    let size = 65_537;
    assert_eq!(negotiated, Err(HandshakeError::CommandTooLarge { size }));

    let largest = b"\x06\0\0\0\0\0\x01\0\0";
    let (negotiated, _, _) = feed(SocketType::Client, &[GREETING, largest]);
    assert_eq!(negotiated, Ok(None));
}

proptest! {
    #[test]
    fn two_ends_agree_however_their_bytes_are_split(
        pieces in prop::collection::vec(1_usize..40, 1..60),
        traffic in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut ends = [handshake(SocketType::Client), handshake(SocketType::Server)];
        let mut wires = [BytesMut::new(), BytesMut::new()];
        let mut inputs = [BytesMut::new(), BytesMut::new()];
        let mut negotiated = [None, None];
        let mut pieces = pieces.into_iter().cycle();

        while negotiated.contains(&None) {
            for from in 0..2 {
                let to = 1 - from;
                wires[to].extend_from_slice(&output(&mut ends[from]));
                let piece = pieces.next().unwrap_or(1).min(wires[to].len());
                inputs[to].extend_from_slice(&wires[to].split_to(piece));
                if negotiated[to].is_none() {
                    negotiated[to] = ends[to].handle_input(&mut inputs[to]).unwrap();
                    if negotiated[to].is_some() {
                        wires[from].extend_from_slice(&output(&mut ends[to]));
                        wires[from].extend_from_slice(&traffic);
                    }
                }
            }
        }

        for (input, wire) in inputs.iter().zip(&wires) {
            prop_assert_eq!(&[input.as_ref(), wire.as_ref()].concat(), &traffic);
        }
        let [server, client] = negotiated.map(|negotiated| negotiated.and_then(|negotiated| negotiated.socket_type));
        prop_assert_eq!(server, Some(SocketType::Server));
        prop_assert_eq!(client, Some(SocketType::Client));
    }

    #[test]
    fn the_result_does_not_depend_on_how_bytes_are_split(
        change in prop::option::of((0_usize..100, any::<u8>())),
        traffic in prop::collection::vec(any::<u8>(), 0..40),
        pieces in prop::collection::vec(1_usize..30, 1..20),
    ) {
        let mut bytes = [GREETING, SERVER_READY, &traffic].concat();
        if let Some((at, byte)) = change {
            if let Some(changed) = bytes.get_mut(at) {
                *changed = byte;
            }
        }

        let whole = feed(SocketType::Client, &[&bytes]);
        let mut rest = bytes.as_slice();
        let mut split = Vec::new();
        for piece in pieces {
            let (piece, after) = rest.split_at(piece.min(rest.len()));
            split.push(piece);
            rest = after;
        }
        split.push(rest);
        let in_pieces = feed(SocketType::Client, &split);

        // The name of another protocol depends on how many of its bytes have arrived.
        let plain = |error: &HandshakeError| match error {
            HandshakeError::Greeting(GreetingError::Foreign { .. }) => {
                HandshakeError::Greeting(GreetingError::NotZmtp3 { byte: bytes[0] })
            }
            error => error.clone(),
        };
        prop_assert_eq!(in_pieces.0.as_ref().map_err(plain), whole.0.as_ref().map_err(plain));
        prop_assert_eq!(in_pieces.1, whole.1);
        if let Ok(Some(_)) = whole.0 {
            prop_assert_eq!(in_pieces.2, whole.2);
        }
    }

    #[test]
    fn arbitrary_bytes_cause_no_panic(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = feed(SocketType::Client, &[&garbage]);
        let _ = feed(SocketType::Client, &[GREETING, &garbage]);
        let _ = feed(SocketType::Client, &[GREETING, b"\x04\xC8\x05READY", &garbage]);
    }

    #[test]
    fn a_truncated_handshake_is_incomplete(end in 0_usize..94) {
        let bytes = [GREETING, SERVER_READY].concat();
        let (negotiated, _, _) = feed(SocketType::Client, &[&bytes[..end]]);

        prop_assert_eq!(negotiated, Ok(None));
    }
}

const GREETING: &[u8] = b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const SERVER_READY: &[u8] = b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06SERVER";

fn handshake(socket_type: SocketType) -> Handshake {
    Handshake::new(&config(socket_type), HandshakeMechanism::Null, false, seed())
}

fn config(socket_type: SocketType) -> HandshakeConfig {
    HandshakeConfig { socket_type, metadata: Metadata::default() }
}

fn seed() -> Seed {
    Seed::new(&[0x55; Seed::LEN])
}

/// Passes the pieces to a handshake until it ends. Returns the result, all output, and the
/// unconsumed input.
fn feed(
    socket_type: SocketType,
    pieces: &[&[u8]],
) -> (Result<Option<Negotiated>, HandshakeError>, Vec<u8>, BytesMut) {
    let mut handshake = handshake(socket_type);
    let mut input = BytesMut::new();
    let mut progress = Ok(None);
    for piece in pieces {
        input.extend_from_slice(piece);
        if progress == Ok(None) {
            progress = handshake.handle_input(&mut input);
        }
    }
    (progress, output(&mut handshake), input)
}

fn output(handshake: &mut Handshake) -> Vec<u8> {
    std::iter::from_fn(|| handshake.poll_output()).flatten().collect()
}
