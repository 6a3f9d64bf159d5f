//! Both ends of CURVE handle any commands. A handshake with a changed command does not complete,
//! and a changed message is not opened.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, OVERHEAD, Seed};
use zmtp_proto::mechanism::{HandshakeMechanism, SecurityHandshake};
use zmtp_proto::metadata::Metadata;

fuzz_target!(|input: (Vec<(u8, u16, u8)>, Vec<&[u8]>)| {
    let (changes, commands) = input;
    for mut end in ends() {
        for command in &commands {
            if end.handle_command(command).is_err() {
                break;
            }
        }
        // The fuzzer cannot guess the keys.
        assert!(end.poll_metadata().is_none() && end.poll_credentials().is_none());
    }

    let [mut client, mut server] = ends();
    let mut number = 0;
    let mut deliver = |command: Option<Command>, to: &mut SecurityHandshake| {
        let Some(command) = command else { return false };
        let mut frame = BytesMut::new();
        command.encode(&mut frame);
        let header = Header::decode(&frame).unwrap().unwrap();
        let mut body = header.body(&frame).unwrap().to_vec();
        let sent = body.clone();
        change(&mut body, &changes, number);
        number += 1;
        let taken = to.handle_command(&body).is_ok();
        assert_eq!(taken, body == sent);
        taken
    };
    let complete = deliver(client.poll_command(), &mut server)
        && deliver(server.poll_command(), &mut client)
        && deliver(client.poll_command(), &mut server)
        && server.poll_credentials().is_some()
        && server.handle_verdict(Ok(())).is_ok()
        && deliver(server.poll_command(), &mut client);
    if !complete {
        return;
    }
    assert!(client.poll_metadata().is_some() && server.poll_metadata().is_some());
    let (mut client, mut server) = (client.take_session().unwrap(), server.take_session().unwrap());
    for body in commands {
        let mut frame = BytesMut::new();
        client.sealer.put_message(&mut frame, body);
        let header = Header::decode(&frame).unwrap().unwrap();
        let mut sealed = header.body(&frame).unwrap().to_vec();
        let sent = sealed.clone();
        change(&mut sealed, &changes, number);
        number = number.wrapping_add(1);
        let changed = sealed != sent;
        let opened = server.opener.open(&mut sealed);
        assert_eq!(opened.is_ok(), !changed);
        if opened.is_ok() {
            assert_eq!(&sealed[OVERHEAD..], body);
        }
    }
});

/// Flips the bits that `changes` lists for this command.
fn change(bytes: &mut [u8], changes: &[(u8, u16, u8)], number: u8) {
    for &(of, at, bits) in changes {
        let at = usize::from(at) % bytes.len();
        if of == number {
            bytes[at] ^= bits;
        }
    }
}

fn ends() -> [SecurityHandshake; 2] {
    let keypair = CurveKeypair::from(CurveSecretKey::from_bytes([0x50; 32]));
    let server_key = keypair.public_key();
    let client = CurveKeypair::from(CurveSecretKey::from_bytes([0xC0; 32]));
    let client = HandshakeMechanism::CurveClient { server_key, keypair: client };
    [client, HandshakeMechanism::CurveServer { keypairs: [keypair].into() }].map(|mechanism| {
        let seed = Seed::new(&[0x55; Seed::LEN]);
        SecurityHandshake::new(mechanism, Some(Metadata::default()), seed)
    })
}
