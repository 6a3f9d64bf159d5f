//! Command frames: a name, and data whose grammar the name determines (RFC 37, Commands).

use std::str;

use bytes::{BufMut, BytesMut};
use thiserror::Error;
use zeroize::Zeroizing;

use super::error_reason::ErrorReason;
use super::frame;
use super::group::{Group, GroupError};
use super::metadata::{Metadata, MetadataError};
use super::ping_pong::{Ping, Pong};
use super::topic::{Topic, TopicError};

/// A command that one end of a connection sends to the other, invisible to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Announces the sender's metadata and thereby completes its handshake.
    Ready(Metadata),
    /// Refuses the handshake.
    Error(ErrorReason),
    /// Requests a sign of life.
    Ping(Ping),
    /// Answers a PING.
    Pong(Pong),
    /// Requests the messages of a group (RFC 37, The Radio-Dish Pattern).
    Join(Group),
    /// Ends what a JOIN requested.
    Leave(Group),
    /// Requests the messages that begin with a topic (RFC 37, The Publish-Subscribe Pattern).
    /// Remotes of ZMTP 3.0 send and expect a [message](super::subscription) instead.
    Subscribe(Topic),
    /// Ends what a SUBSCRIBE requested.
    Cancel(Topic),
    /// A command of a security mechanism, which encodes its data itself. Received commands are
    /// never decoded to this variant: the mechanism decodes them.
    Mechanism {
        /// 1 to 255 ASCII letters.
        name: &'static str,
        /// The bytes after the name, which can contain a password.
        data: Zeroizing<Vec<u8>>,
    },
    /// A well-formed command with an unknown name. Its data is discarded.
    ///
    /// In traffic this is not an error, because libzmq also tolerates such commands so that later
    /// versions can add some. During a handshake it is an error.
    Unknown {
        /// 1 to 255 ASCII letters.
        name: Box<str>,
    },
}

impl Command {
    /// Creates a command of a security mechanism.
    pub(super) fn mechanism(name: &'static str, data: Vec<u8>) -> Self {
        Self::Mechanism { name, data: Zeroizing::new(data) }
    }

    /// Decodes the body of a command frame.
    ///
    /// # Errors
    ///
    /// Fails if the name is not valid, or if the data of a known command is malformed.
    pub fn decode(body: &[u8]) -> Result<Self, CommandError> {
        let (name, data) = split_name(body)?;
        Ok(match name {
            READY => Self::Ready(Metadata::decode(data)?),
            ERROR => {
                let reason = ErrorReason::decode(data);
                Self::Error(reason.ok_or(CommandError::TruncatedErrorReason)?)
            }
            PING => Self::Ping(Ping::decode(data).ok_or(CommandError::TruncatedTtl)?),
            PONG => Self::Pong(Pong::decode(data)),
            JOIN => Self::Join(Group::try_from(data)?),
            LEAVE => Self::Leave(Group::try_from(data)?),
            SUBSCRIBE => Self::Subscribe(Topic::try_from(data)?),
            CANCEL => Self::Cancel(Topic::try_from(data)?),
            _ => Self::Unknown { name: name.into() },
        })
    }

    /// Appends the complete frame: header, name and data.
    pub fn encode(&self, dst: &mut BytesMut) {
        frame::put_command_header(dst, self.body_len());
        self.encode_body(dst);
    }

    /// Returns the frame without its header.
    pub fn body(&self) -> BytesMut {
        let mut body = BytesMut::with_capacity(self.body_len());
        self.encode_body(&mut body);
        body
    }

    fn body_len(&self) -> usize {
        let data_len = match self {
            Self::Ready(metadata) => metadata.encoded_len(),
            Self::Error(reason) => reason.encoded_len(),
            Self::Ping(ping) => ping.encoded_len(),
            Self::Pong(pong) => pong.encoded_len(),
            Self::Join(group) | Self::Leave(group) => group.as_bytes().len(),
            Self::Subscribe(topic) | Self::Cancel(topic) => topic.as_bytes().len(),
            Self::Mechanism { data, .. } => data.len(),
            Self::Unknown { .. } => 0,
        };
        1 + self.name().len() + data_len
    }

    fn encode_body(&self, dst: &mut BytesMut) {
        let name = self.name();
        let name_len = u8::try_from(name.len()).expect("command names have at most 255 letters");
        dst.put_u8(name_len);
        dst.put_slice(name.as_bytes());
        match self {
            Self::Ready(metadata) => metadata.encode(dst),
            Self::Error(reason) => reason.encode(dst),
            Self::Ping(ping) => ping.encode(dst),
            Self::Pong(pong) => pong.encode(dst),
            Self::Join(group) | Self::Leave(group) => dst.put_slice(group.as_bytes()),
            Self::Subscribe(topic) | Self::Cancel(topic) => dst.put_slice(topic.as_bytes()),
            Self::Mechanism { data, .. } => dst.put_slice(data),
            Self::Unknown { .. } => {}
        }
    }

    /// Returns the name that identifies the command on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Ready(_) => READY,
            Self::Error(_) => ERROR,
            Self::Ping(_) => PING,
            Self::Pong(_) => PONG,
            Self::Join(_) => JOIN,
            Self::Leave(_) => LEAVE,
            Self::Subscribe(_) => SUBSCRIBE,
            Self::Cancel(_) => CANCEL,
            Self::Mechanism { name, .. } => name,
            Self::Unknown { name } => name,
        }
    }
}

/// The reason why a command is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The body is empty, or the length of the name is zero.
    #[error("a command without a name")]
    EmptyName,
    /// The body ends within the name.
    #[error("the name of the command is truncated")]
    TruncatedName,
    /// The name contains a byte that is not an ASCII letter.
    #[error("the name of the command contains the byte {byte:#04x}")]
    InvalidName {
        /// The first byte that is not a letter.
        byte: u8,
    },
    /// The properties of a READY are malformed.
    #[error("the metadata is malformed")]
    Metadata(#[from] MetadataError),
    /// An ERROR ends within its reason.
    #[error("the reason of the ERROR is truncated")]
    TruncatedErrorReason,
    /// A PING ends within its time-to-live.
    #[error("the PING is too short for a time-to-live")]
    TruncatedTtl,
    /// The group of a JOIN or LEAVE is not valid.
    #[error("the group is not valid")]
    Group(#[from] GroupError),
    /// The topic of a SUBSCRIBE or CANCEL is not valid.
    #[error("the topic is not valid")]
    Topic(#[from] TopicError),
}

/// Splits the body of a command frame into its name and its data.
pub(super) fn split_name(body: &[u8]) -> Result<(&str, &[u8]), CommandError> {
    let (&len, body) = body.split_first().ok_or(CommandError::EmptyName)?;
    if len == 0 {
        return Err(CommandError::EmptyName);
    }
    let (name, data) =
        body.split_at_checked(usize::from(len)).ok_or(CommandError::TruncatedName)?;
    if let Some(&byte) = name.iter().find(|byte| !byte.is_ascii_alphabetic()) {
        return Err(CommandError::InvalidName { byte });
    }
    let name = str::from_utf8(name).expect("ASCII letters are valid UTF-8");
    Ok((name, data))
}

// Command names, RFC 37, Commands.
const READY: &str = "READY";
const ERROR: &str = "ERROR";
const PING: &str = "PING";
const PONG: &str = "PONG";
// RFC 37, The Radio-Dish Pattern.
const JOIN: &str = "JOIN";
const LEAVE: &str = "LEAVE";
// RFC 37, The Publish-Subscribe Pattern.
const SUBSCRIBE: &str = "SUBSCRIBE";
const CANCEL: &str = "CANCEL";

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::super::frame::Header;
    use super::super::ping_pong::Context;
    use super::super::socket_type::SocketType;
    use super::*;

    #[test]
    fn a_ready_equals_the_worked_example_of_the_rfc() {
        let mut metadata = Metadata::announcing(SocketType::Dealer);
        metadata.push("Identity", b"").unwrap();
        assert_eq!(
            encoded(&Command::Ready(metadata)),
            b"\x04\x29\x05READY\x0BSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0".as_slice()
        );

        assert_eq!(
            encoded(&Command::Ready(Metadata::announcing(SocketType::Router))),
            b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06ROUTER".as_slice()
        );
    }

    #[test]
    fn every_command_is_encoded_as_specified() {
        let ready = Command::Ready(Metadata::announcing(SocketType::Client));
        assert_eq!(encoded(&ready), b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06CLIENT".as_slice());

        let error = Command::Error(ErrorReason::new(b"400"));
        assert_eq!(encoded(&error), b"\x04\x0A\x05ERROR\x03400".as_slice());

        let ping = Ping::new(None, Context::new(b"hi"));
        assert_eq!(encoded(&Command::Ping(ping)), b"\x04\x09\x04PING\0\0hi".as_slice());
        assert_eq!(encoded(&Command::Pong(ping.pong())), b"\x04\x07\x04PONGhi".as_slice());
    }

    #[test]
    fn a_command_of_256_bytes_gets_a_long_header() {
        // The body is 6 bytes of name, 6 around the value, and the value.
        let ready = |value: &[u8]| {
            let mut metadata = Metadata::default();
            metadata.push("X", value).unwrap();
            encoded(&Command::Ready(metadata))
        };

        assert_eq!(ready(&[0x00; 243])[..3], [0x04, 0xFF, 0x05]);
        assert_eq!(ready(&[0x00; 244])[..10], [0x06, 0, 0, 0, 0, 0, 0, 1, 0, 0x05]);
    }

    #[test]
    fn an_unknown_command_is_reported_by_its_name() {
        let unknown = Command::decode(b"\x07PUBLISHtopic").unwrap();

        assert_eq!(unknown.name(), "PUBLISH");
        assert!(matches!(unknown, Command::Unknown { .. }));
    }

    #[test]
    fn command_names_are_case_sensitive() {
        assert_eq!(Command::decode(b"\x04ping").unwrap().name(), "ping");
    }

    #[test]
    fn malformed_names_are_refused() {
        assert_eq!(Command::decode(b""), Err(CommandError::EmptyName));
        assert_eq!(Command::decode(b"\x00PING"), Err(CommandError::EmptyName));
        assert_eq!(Command::decode(b"\x05PING"), Err(CommandError::TruncatedName));
        assert_eq!(Command::decode(b"\x04PI\0G"), Err(CommandError::InvalidName { byte: 0x00 }));
    }

    #[test]
    fn the_group_of_a_join_has_no_length_prefix() {
        let group: Group = "news".parse().unwrap();
        assert_eq!(encoded(&Command::Join(group.clone())), b"\x04\x09\x04JOINnews"[..]);
        assert_eq!(encoded(&Command::Leave(group)), b"\x04\x0a\x05LEAVEnews"[..]);
        assert_eq!(Command::decode(b"\x04JOIN"), Ok(Command::Join(Group::default())));
    }

    #[test]
    fn a_join_of_an_invalid_group_is_refused() {
        let long = [&b"\x04JOIN"[..], &[b'x'; 256]].concat();
        let error = CommandError::Group(GroupError::TooLong { len: 256 });
        assert_eq!(Command::decode(&long), Err(error));
        let error = CommandError::Group(GroupError::ContainsNul { at: 1 });
        assert_eq!(Command::decode(b"\x05LEAVEa\0"), Err(error));
    }

    #[test]
    fn the_topic_of_a_subscribe_has_no_length_prefix() {
        let topic = Topic::try_from(b"\x00news").unwrap();
        let subscribe = Command::Subscribe(topic.clone());
        assert_eq!(encoded(&subscribe), b"\x04\x0f\x09SUBSCRIBE\0news"[..]);
        assert_eq!(encoded(&Command::Cancel(topic)), b"\x04\x0c\x06CANCEL\0news"[..]);
        let all = Command::Subscribe(Topic::default());
        assert_eq!(encoded(&all), b"\x04\x0a\x09SUBSCRIBE"[..]);
        assert_eq!(Command::decode(b"\x09SUBSCRIBE"), Ok(all));
    }

    /// libzmq 4.3.3 and 4.3.4 announce the sizes of these topics in one byte.
    #[test]
    fn a_topic_of_246_bytes_gets_a_long_header() {
        let of_len = |len| Command::Subscribe(Topic::try_from(vec![b'x'; len]).unwrap());
        assert_eq!(encoded(&of_len(245))[..3], [0x04, 0xFF, 0x09]);
        assert_eq!(encoded(&of_len(246))[..10], [0x06, 0, 0, 0, 0, 0, 0, 1, 0, 0x09]);
    }

    #[test]
    fn a_topic_that_is_too_long_is_refused() {
        let long = [&b"\x06CANCEL"[..], &[b'x'; Topic::LEN_MAX + 1]].concat();
        let error = CommandError::Topic(TopicError::TooLong { len: Topic::LEN_MAX + 1 });
        assert_eq!(Command::decode(&long), Err(error));
    }

    #[test]
    fn malformed_data_of_a_known_command_is_refused() {
        assert_eq!(
            Command::decode(b"\x05READY\x01"),
            Err(CommandError::Metadata(MetadataError::Truncated))
        );
        assert_eq!(Command::decode(b"\x05ERROR"), Err(CommandError::TruncatedErrorReason));
        assert_eq!(Command::decode(b"\x05ERROR\x02x"), Err(CommandError::TruncatedErrorReason));
        assert_eq!(Command::decode(b"\x04PING\0"), Err(CommandError::TruncatedTtl));
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(command in command()) {
            let frame = encoded(&command);
            let header = Header::decode(&frame).unwrap().unwrap();
            let body = header.body(&frame).unwrap();

            prop_assert!(header.command);
            prop_assert_eq!(header.len() + body.len(), frame.len());
            prop_assert_eq!(header.long, body.len() > 255);
            prop_assert_eq!(Command::decode(body), Ok(command));
        }

        #[test]
        fn arbitrary_bytes_are_a_command_or_an_error(
            name in prop_oneof![Just("READY"), Just("ERROR"), Just("PING"), Just("PONG"), Just("JOIN"), Just("LEAVE"), Just("SUBSCRIBE"), Just("CANCEL"), Just("")],
            data in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut body = vec![name.len() as u8];
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(&data);

            if let Ok(command) = Command::decode(&body) {
                prop_assert_eq!(command.name(), name);
            }
        }
    }

    fn command() -> impl Strategy<Value = Command> {
        let bytes = |max| prop::collection::vec(any::<u8>(), 0..=max);
        prop_oneof![
            ("[A-Za-z-]{1,255}", bytes(300)).prop_map(|(name, value)| {
                let mut metadata = Metadata::announcing(SocketType::Server);
                metadata.push(&name, &value).unwrap();
                Command::Ready(metadata)
            }),
            bytes(255).prop_map(|reason| Command::Error(ErrorReason::new(&reason))),
            bytes(16).prop_map(|context| Command::Ping(Ping::new(None, Context::new(&context)))),
            bytes(16).prop_map(|context| Command::Pong(Pong { context: Context::new(&context) })),
            "[a-z]{0,255}".prop_map(|group| Command::Join(group.parse().unwrap())),
            "[a-z]{0,255}".prop_map(|group| Command::Leave(group.parse().unwrap())),
            bytes(300).prop_map(|topic| Command::Subscribe(Topic::try_from(topic).unwrap())),
            bytes(300).prop_map(|topic| Command::Cancel(Topic::try_from(topic).unwrap())),
            "[a-z]{1,255}".prop_map(|name| Command::Unknown { name: name.into() }),
        ]
    }

    fn encoded(command: &Command) -> BytesMut {
        let mut dst = BytesMut::new();
        command.encode(&mut dst);
        dst
    }
}
