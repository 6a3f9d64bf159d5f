//! Messages of CURVE are equal to boxes of RustCrypto and of libsodium, and no changed message is
//! opened.

#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::BytesMut;
use crypto_secretbox::aead::AeadInPlace;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use libfuzzer_sys::fuzz_target;
use libsodium_sys as sodium;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, OVERHEAD, Seed, Session};
use zmtp_proto::mechanism::{HandshakeMechanism, SecurityHandshake};
use zmtp_proto::metadata::Metadata;

/// The sessions of both ends, and their key.
struct Ends {
    client: Session,
    server: Session,
    key: [u8; 32],
}

thread_local! {
    /// The sessions of the keys that the fuzzer has chosen. A handshake takes longer than a run.
    static ENDS: RefCell<HashMap<u8, Ends>> = RefCell::default();
}

// Bodies are repeated, because the fuzzer's inputs are short.
fuzz_target!(|input: (u8, Vec<(&[u8], u16)>, (u32, u8))| {
    let (key, bodies, (at, bits)) = input;
    ENDS.with_borrow_mut(|ends| {
        let Ends { client, server, key } = ends.entry(key).or_insert_with(|| connect(key));
        for (body, times) in bodies {
            let body = body.repeat(usize::from(times).min(100_000 / body.len().max(1)));
            let mut frame = BytesMut::new();
            client.sealer.put_message(&mut frame, &body);
            let header = Header::decode(&frame).unwrap().unwrap();
            let mut command = header.body(&frame).unwrap().to_vec();
            let mut nonce = *b"CurveZMQMESSAGEC--------";
            nonce[16..].copy_from_slice(&command[8..16]);
            let text = [&[0x00][..], &body].concat();
            assert!(command[16..] == rustcrypto(key, &nonce, &text));
            assert!(command[16..] == libsodium(key, &nonce, &text));

            let mut forged = command.clone();
            let at = at as usize % forged.len();
            forged[at] ^= bits;
            assert!(bits == 0 || server.opener.open(&mut forged).is_err());
            server.opener.open(&mut command).unwrap();
            assert!(command[OVERHEAD..] == body);
        }
    });
});

fn rustcrypto(key: &[u8; 32], nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
    let mut sealed = text.to_vec();
    let tag = XSalsa20Poly1305::new(key.into())
        .encrypt_in_place_detached(nonce.into(), b"", &mut sealed)
        .unwrap();
    [&tag[..], &sealed].concat()
}

fn libsodium(key: &[u8; 32], nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; 16 + text.len()];
    // SAFETY: the function reads `text`, a nonce of 24 bytes and a key of 32 bytes, and writes 16
    // bytes more than it reads from `text`.
    unsafe {
        sodium::crypto_secretbox_easy(
            sealed.as_mut_ptr(),
            text.as_ptr(),
            text.len() as u64,
            nonce.as_ptr(),
            key.as_ptr(),
        )
    };
    sealed
}

/// Performs a handshake, and computes its key with libsodium.
fn connect(number: u8) -> Ends {
    let short_term = [[number; 32], [!number; 32]];
    let keypair = CurveKeypair::from(CurveSecretKey::from_bytes([0x50; 32]));
    let client = HandshakeMechanism::curve_client(keypair.public_key());
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
    let (mut public, mut key) = ([0; 32], [0; 32]);
    // SAFETY: all arrays have the 32 bytes that the functions read or write.
    let agreed = unsafe {
        assert!(sodium::sodium_init() >= 0);
        sodium::crypto_scalarmult_base(public.as_mut_ptr(), short_term[1].as_ptr());
        sodium::crypto_box_beforenm(key.as_mut_ptr(), public.as_ptr(), short_term[0].as_ptr())
    };
    assert_eq!(agreed, 0);
    let (client, server) = (client.take_session().unwrap(), server.take_session().unwrap());
    Ends { client, server, key }
}

fn deliver(command: Option<Command>, to: &mut SecurityHandshake) {
    let mut frame = BytesMut::new();
    command.unwrap().encode(&mut frame);
    let header = Header::decode(&frame).unwrap().unwrap();
    to.handle_command(header.body(&frame).unwrap()).unwrap();
}
