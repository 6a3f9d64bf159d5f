//! The outcome of a handshake does not depend on how its bytes are split.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::greeting::{Greeting, GreetingError, MechanismName};
use zmtp_proto::handshake::{Handshake, HandshakeConfig, HandshakeError, Negotiated};
use zmtp_proto::mechanism::Mechanism;
use zmtp_proto::mechanism::curve::Seed;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

fuzz_target!(|input: (bool, bool, u8, &[u8])| {
    let (greeted, is_deferred, piece, bytes) = input;
    let mut stream = Vec::new();
    if greeted {
        // With a valid greeting, the fuzzer begins after it.
        stream.extend_from_slice(&Greeting::new(MechanismName::NULL, false).encode());
    }
    stream.extend_from_slice(bytes);

    let whole = feed(is_deferred, [stream.as_slice()]);
    let pieces = feed(is_deferred, stream.chunks(usize::from(piece).max(1)));

    if whole.is_foreign() {
        // The name of the other protocol depends on the number of bytes that have arrived.
        assert!(pieces.is_foreign());
    } else {
        assert_eq!(whole.progress, pieces.progress);
    }
    assert_eq!(whole.output, pieces.output);
    if let Ok(Some(negotiated)) = &whole.progress {
        assert_eq!(whole.left, pieces.left);
        assert!(stream.ends_with(&whole.left));
        let allowed = [None, Some(SocketType::Server)];
        assert!(allowed.contains(&negotiated.socket_type));
    }
});

struct Outcome {
    progress: Result<Option<Negotiated>, HandshakeError>,
    output: Vec<u8>,
    left: BytesMut,
}

impl Outcome {
    fn is_foreign(&self) -> bool {
        matches!(
            self.progress,
            Err(HandshakeError::Greeting(
                GreetingError::Foreign { .. } | GreetingError::NotZmtp3 { .. }
            ))
        )
    }
}

fn feed<'a>(is_deferred: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let config = HandshakeConfig {
        socket_type: SocketType::Client,
        mechanism: Mechanism::Null,
        metadata: Metadata::default(),
        has_authenticator: false,
    };
    let seed = Seed::new(&[0x55; Seed::LEN]);
    let mut handshake = if is_deferred {
        Handshake::with_deferred_introduction(Mechanism::Null, false, seed)
    } else {
        Handshake::new(config.clone(), seed)
    };
    let mut left = BytesMut::new();
    let mut progress = Ok(None);
    for piece in pieces {
        left.extend_from_slice(piece);
        if progress == Ok(None) {
            progress = handshake.handle_input(&mut left);
            if handshake.awaits_introduction() {
                progress = handshake.introduce(&config);
            }
        }
    }
    let output = std::iter::from_fn(|| handshake.poll_output()).flatten();
    Outcome { progress, output: output.collect(), left }
}
