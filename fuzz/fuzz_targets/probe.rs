//! The outcome of a probe does not depend on how the bytes of the remote are split, and a probe never
//! announces a socket.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::greeting::{Greeting, GreetingError, MechanismName};
use zmtp_proto::handshake::HandshakeError;
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::mechanism::curve::{CurveSecretKey, Seed};
use zmtp_proto::probe::{Probe, ProbeResult};

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (mechanism, beginning, piece, bytes) = input;
    // With a valid greeting, the fuzzer continues after it.
    let names = [MechanismName::NULL, MechanismName::PLAIN, MechanismName::CURVE];
    let mut stream = BytesMut::new();
    if let Some(&name) = names.get(usize::from(beginning % 4)) {
        stream.extend_from_slice(&Greeting::new(name, false).encode());
    }
    stream.extend_from_slice(bytes);

    let whole = feed(mechanism, [&stream[..]]);
    let pieces = feed(mechanism, stream.chunks(usize::from(piece).max(1)));

    if is_foreign(&whole.result) {
        // The name of the other protocol depends on the number of bytes that have arrived.
        assert!(is_foreign(&pieces.result));
    } else {
        assert_eq!(whole.result, pieces.result);
        assert_eq!(whole.greeting, pieces.greeting);
    }
    if let Ok(Some(_)) = whole.result {
        assert!(whole.greeting.is_some());
    }
    // At most a greeting and a HELLO, of which that of PLAIN is shorter.
    assert!(pieces.sent <= Greeting::LEN + 2 + 200);
});

#[derive(Debug)]
struct Outcome {
    result: Result<Option<ProbeResult>, HandshakeError>,
    greeting: Option<Greeting>,
    sent: usize,
}

fn feed<'a>(mechanism: u8, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let key = |byte| CurveSecretKey::from_bytes([byte; 32]);
    let mechanism = match mechanism % 3 {
        0 => HandshakeMechanism::Null,
        1 => HandshakeMechanism::plain_client("alice", "swordfish").unwrap(),
        _ => HandshakeMechanism::CurveClient {
            server_key: key(1).public_key(),
            keypair: key(2).into(),
        },
    };
    let mut probe = Probe::new(mechanism, Seed::new(&[0x55; Seed::LEN]));
    let (mut left, mut result, mut sent) = (BytesMut::new(), Ok(None), 0);
    for piece in pieces {
        while let Some(output) = probe.poll_output() {
            sent += output.len();
        }
        left.extend_from_slice(piece);
        if result == Ok(None) {
            result = probe.handle_input(&mut left);
        }
    }
    while let Some(output) = probe.poll_output() {
        sent += output.len();
    }
    Outcome { result, greeting: probe.greeting().copied(), sent }
}

fn is_foreign(result: &Result<Option<ProbeResult>, HandshakeError>) -> bool {
    matches!(
        result,
        Err(HandshakeError::Greeting(
            GreetingError::Foreign { .. } | GreetingError::NotZmtp3 { .. }
        ))
    )
}
