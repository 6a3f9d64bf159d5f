//! A decoded command encodes to the same bytes.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::group::Group;

fuzz_target!(|input: &[u8]| {
    let Ok(command) = Command::decode(input) else {
        return;
    };
    let mut encoded = BytesMut::new();
    command.encode(&mut encoded);

    let header = Header::decode(&encoded).unwrap().unwrap();
    let body = header.body(&encoded).unwrap();
    assert!(header.command);
    assert_eq!(header.len() + body.len(), encoded.len());
    assert_eq!(Command::decode(body).as_ref(), Ok(&command));
    // A longer input has bytes that are not kept: those after an error reason, those of a context
    // beyond 16 bytes, or the data of an unknown command.
    assert!(input.starts_with(body));

    match command {
        Command::Ready(metadata) => {
            assert_eq!(input, body);
            for property in metadata.iter() {
                assert!(metadata.value(property.name).is_some());
            }
        }
        Command::Error(reason) => assert!(!reason.to_string().contains(char::is_control)),
        Command::Ping(ping) => {
            Command::Pong(ping.pong()).encode(&mut encoded);
            let _ = ping.ttl();
        }
        Command::Mechanism { .. } => unreachable!("only a mechanism creates one"),
        // An accepted group has a valid name.
        Command::Join(group) | Command::Leave(group) => {
            assert_eq!(Group::try_from(group.as_bytes()).as_ref(), Ok(&group));
        }
        Command::Pong(_) | Command::Unknown { .. } => {}
    }
});
