//! Keys and messages of CURVE, compared with those of libsodium.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use bytes::BytesMut;
use interop::SodiumBox;
use proptest::collection::vec;
use proptest::prelude::*;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, OVERHEAD, Seed, Session};
use zmtp_proto::mechanism::{HandshakeMechanism, SecurityHandshake};
use zmtp_proto::metadata::Metadata;

proptest! {
    #[test]
    fn public_keys_equal_those_of_libsodium(secret in any::<[u8; 32]>()) {
        let ours = CurveKeypair::from(CurveSecretKey::from_bytes(secret)).public_key();
        prop_assert_eq!(ours.as_bytes(), &SodiumBox::public_key(&secret));
    }

    #[test]
    fn messages_equal_those_of_libsodium(
        seeds in any::<[[u8; 32]; 2]>(),
        bodies in vec(
            prop_oneof![
                vec(any::<u8>(), 0..600),
                // Around the length from which another implementation authenticates.
                vec(any::<u8>(), 4_000..4_200),
                vec(any::<u8>(), 60_000..70_000),
            ],
            1..4,
        ),
    ) {
        let (client, server, reference) = sessions(seeds);
        for (mut from, mut to, prefix) in [
            (client.sealer, server.opener, b"CurveZMQMESSAGEC"),
            (server.sealer, client.opener, b"CurveZMQMESSAGES"),
        ] {
            let mut last = 0;
            for body in &bodies {
                let mut frame = BytesMut::new();
                from.put_message(&mut frame, body);
                let header = Header::decode(&frame).unwrap().unwrap();
                let command = header.body(&frame).unwrap();
                let (short_nonce, sealed) = command[8..].split_first_chunk::<8>().unwrap();
                last = u64::from_be_bytes(*short_nonce);
                let nonce = nonce(prefix, last);
                let text = [&[0x00][..], body].concat();
                prop_assert_eq!(sealed, reference.seal(&nonce, &text));
                prop_assert_eq!(reference.open(&nonce, sealed), Some(text));
                let mut opened = command.to_vec();
                prop_assert!(to.open(&mut opened).is_ok());
                prop_assert_eq!(&opened[OVERHEAD..], body);
            }
            // What libsodium seals.
            for (body, number) in bodies.iter().zip(last + 1..) {
                let sealed = reference.seal(&nonce(prefix, number), &[&[0x00][..], body].concat());
                let mut command = [b"\x07MESSAGE", &number.to_be_bytes()[..], &sealed].concat();
                prop_assert!(to.open(&mut command).is_ok());
                prop_assert_eq!(&command[OVERHEAD..], body);
            }
        }
    }
}

/// Returns the sessions of a client and a server, and their key, which libsodium computes.
fn sessions(short_term: [[u8; 32]; 2]) -> (Session, Session, SodiumBox) {
    let keypair = CurveKeypair::from(CurveSecretKey::from_bytes([0x50; 32]));
    let server_key = keypair.public_key();
    let of_client = CurveKeypair::from(CurveSecretKey::from_bytes([0xC0; 32]));
    let client = HandshakeMechanism::CurveClient { server_key, keypair: of_client };
    let server = HandshakeMechanism::CurveServer { keypairs: [keypair].into() };
    let [mut client, mut server] =
        [(client, short_term[0]), (server, short_term[1])].map(|(mechanism, short_term)| {
            let mut seed = [0x55; Seed::LEN];
            seed[..32].copy_from_slice(&short_term);
            SecurityHandshake::new(mechanism, Some(Metadata::default()), Seed::new(&seed))
        });
    deliver(client.poll_command(), &mut server);
    deliver(server.poll_command(), &mut client);
    deliver(client.poll_command(), &mut server);
    server.poll_credentials().unwrap();
    server.handle_verdict(Ok(())).unwrap();
    deliver(server.poll_command(), &mut client);
    let reference =
        SodiumBox::agree(&short_term[0], &SodiumBox::public_key(&short_term[1])).unwrap();
    (client.take_session().unwrap(), server.take_session().unwrap(), reference)
}

fn deliver(command: Option<Command>, to: &mut SecurityHandshake) {
    let mut frame = BytesMut::new();
    command.unwrap().encode(&mut frame);
    let header = Header::decode(&frame).unwrap().unwrap();
    to.handle_command(header.body(&frame).unwrap()).unwrap();
}

fn nonce(prefix: &[u8; 16], number: u64) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&number.to_be_bytes());
    nonce
}
