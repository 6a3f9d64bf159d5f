//! A decoded command encodes to the same bytes.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::greeting::Version;
use zmtp_proto::group::Group;
use zmtp_proto::subscription::{command_of, message_for};

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

    let as_message = message_for(Version { major: 3, minor: 0 }, &command);
    if let Some(body) = &as_message {
        assert_eq!(command_of(body), Some(Ok(command.clone())));
    }
    let is_subscription = matches!(command, Command::Subscribe(_) | Command::Cancel(_));
    assert_eq!(as_message.is_some(), is_subscription);

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
        Command::Subscribe(_) | Command::Cancel(_) => assert_eq!(input, body),
        Command::Pong(_) | Command::Unknown { .. } => {}
    }
});
