//! Both ends of PLAIN accept any commands, in any order, and admit no remote without a verdict.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::mechanism::curve::Seed;
use zmtp_proto::mechanism::{Credentials, HandshakeMechanism, SecurityHandshake, StatusCode};
use zmtp_proto::metadata::Metadata;

fuzz_target!(|input: (bool, Vec<&[u8]>)| {
    let (is_admitted, commands) = input;
    let client = HandshakeMechanism::plain_client("u", "p").expect("both are short");
    for mechanism in [client, HandshakeMechanism::PlainServer] {
        let is_server = mechanism.is_server();
        let seed = Seed::new(&[0x55; Seed::LEN]);
        let mut end = SecurityHandshake::new(mechanism, Some(Metadata::default()), seed);
        let mut asked = false;
        for command in &commands {
            if end.handle_command(command).is_err() {
                break;
            }
            if let Some(credentials) = end.poll_credentials() {
                assert!(is_server && !asked);
                assert!(matches!(credentials, Credentials::Plain { .. }));
                asked = true;
                let verdict = if is_admitted { Ok(()) } else { Err(StatusCode::Denied) };
                assert_eq!(end.handle_verdict(verdict).is_ok(), is_admitted);
            }
            let mut output = BytesMut::new();
            while let Some(command) = end.poll_command() {
                command.encode(&mut output);
            }
            if end.poll_metadata().is_some() {
                assert!(!is_server || asked && is_admitted);
            }
        }
    }
});
