//! The outcome of a handshake does not depend on how its bytes are split, and an announced identity
//! is found if it is not too long.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::greeting::{Greeting, GreetingError, MechanismName};
use zmtp_proto::handshake::{Handshake, HandshakeConfig, HandshakeError, Negotiated};
use zmtp_proto::identity::Identity;
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::mechanism::curve::Seed;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

fuzz_target!(|input: (u8, bool, bool, u8, &[u8])| {
    let (beginning, is_router, is_deferred, piece, bytes) = input;
    let socket_type = if is_router { SocketType::Router } else { SocketType::Client };
    // With a valid beginning, the fuzzer continues after it.
    let mut stream = BytesMut::new();
    if beginning % 3 > 0 {
        stream.extend_from_slice(&Greeting::new(MechanismName::NULL, false).encode());
    }
    let is_identity = beginning % 3 == 2;
    // Few bytes suffice for an identity that is too long.
    let identity: Vec<_> = bytes.iter().copied().cycle().take(usize::from(piece) * 2).collect();
    if is_identity {
        Command::Ready(introduction(&identity)).encode(&mut stream);
    } else {
        stream.extend_from_slice(bytes);
    }

    let whole = feed(socket_type, is_deferred, [&stream[..]]);
    let pieces = feed(socket_type, is_deferred, stream.chunks(usize::from(piece).max(1)));

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
        let is_allowed = |remote| socket_type.is_compatible_with(remote);
        assert!(negotiated.socket_type.is_none_or(is_allowed));
        let announced = negotiated.metadata.value(Metadata::IDENTITY).unwrap_or_default();
        let identity = Identity::try_from(announced);
        assert_eq!(negotiated.metadata.identity(), identity);
    }
    if is_identity && is_router {
        let negotiated = whole.progress.unwrap().unwrap();
        assert_eq!(negotiated.metadata.value(Metadata::IDENTITY), Some(&identity[..]));
        assert_eq!(negotiated.metadata.identity().is_ok(), identity.len() <= Identity::LEN_MAX);
    }
});

/// Returns the metadata of a DEALER that announces an identity, which may be too long.
fn introduction(identity: &[u8]) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.push(Metadata::SOCKET_TYPE, SocketType::Dealer.as_str().as_bytes()).unwrap();
    metadata.push(Metadata::IDENTITY, identity).unwrap();
    metadata
}

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

fn feed<'a>(
    socket_type: SocketType,
    is_deferred: bool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let config = HandshakeConfig { socket_type, metadata: Metadata::default() };
    let seed = Seed::new(&[0x55; Seed::LEN]);
    let mut handshake = if is_deferred {
        Handshake::with_deferred_introduction(HandshakeMechanism::Null, false, seed)
    } else {
        Handshake::new(&config, HandshakeMechanism::Null, false, seed)
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
