//! Messages in the form of `--output json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::Deserialize;
use tokio_zmtp::{Group, Identity, RoutingId};

use crate::exit::Failure;
use crate::socket::Outgoing;

/// A text, a list of parts, or an object such as `{"parts": ["a", {"base64": "/w=="}]}`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Part(Part),
    Parts(Vec<Part>),
    Message(Message),
}

#[derive(Deserialize)]
struct Message {
    parts: Vec<Part>,
    group: Option<String>,
    identity: Option<Part>,
    routing_id: Option<u32>,
    notice: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Text(String),
    Encoded { base64: String },
}

/// Reads a message. The remote or group that it names takes precedence over that of the command
/// line only if the latter has none.
pub(crate) fn read(line: &[u8], outgoing: &mut Outgoing) -> Result<(), Failure> {
    let invalid = |reason: &str| {
        let text = String::from_utf8_lossy(line);
        Failure::usage(format!("`{text}` is not a message: {reason}"))
            .hint("write {\"parts\": [\"text\"]}, as `--output json` does")
    };
    let line = serde_json::from_slice(line).map_err(|error| {
        // The text is one line of the input.
        invalid(&error.to_string().replace(" at line 1 column ", " at column "))
    })?;
    let parts = match line {
        Line::Part(part) => vec![part],
        Line::Parts(parts) => parts,
        Line::Message(message) => {
            if message.notice.is_some() {
                return Err(invalid("it is a request of a subscriber"));
            }
            if let (None, Some(group)) = (&outgoing.group, message.group) {
                let group = Group::try_from(group.as_str());
                outgoing.group = Some(group.map_err(|error| invalid(&error.to_string()))?);
            }
            if let (None, Some(identity)) = (&outgoing.identity, message.identity) {
                let identity = identity.bytes().and_then(|bytes| Identity::try_from(&*bytes).ok());
                outgoing.identity = Some(identity.ok_or_else(|| invalid("of its identity"))?);
            }
            if outgoing.routing_id.is_none() {
                outgoing.routing_id =
                    message.routing_id.and_then(|id| RoutingId::try_from(id).ok());
            }
            message.parts
        }
    };
    let parts: Option<_> = parts.into_iter().map(Part::bytes).collect();
    outgoing.parts = parts.ok_or_else(|| invalid("a part is not Base64"))?;
    Ok(())
}

impl Part {
    fn bytes(self) -> Option<Bytes> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Encoded { base64 } => BASE64.decode(base64).ok().map(Bytes::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_an_object_a_list_or_a_text() {
        for line in [r#"{"parts":["a"],"time":"2026-01-01T00:00:00Z"}"#, r#"["a"]"#, r#""a""#] {
            let mut outgoing = Outgoing::default();
            read(line.as_bytes(), &mut outgoing).unwrap();
            assert_eq!(outgoing.parts, ["a"], "{line}");
        }
        assert!(read(b"a", &mut Outgoing::default()).is_err());
    }

    #[test]
    fn a_message_names_its_remote_or_group() {
        let mut outgoing = Outgoing::default();
        let line = br#"{"parts":[{"base64":"/w=="}],"group":"g","identity":"i","routing_id":7}"#;
        read(line, &mut outgoing).unwrap();
        assert_eq!(*outgoing.parts[0], [0xff]);
        assert_eq!(outgoing.group.unwrap().as_bytes(), b"g");
        assert_eq!(outgoing.identity.unwrap().as_bytes(), b"i");
        assert_eq!(u32::from(outgoing.routing_id.unwrap()), 7);
    }
}
