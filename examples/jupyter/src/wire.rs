//! Messages of the Jupyter protocol, and their form on the wire.
//!
//! A message has these parts, of which the four JSON texts are signed:
//!
//! 1. `<IDS|MSG>`. A ROUTER sees the identity of the remote before it.
//! 2. the signature
//! 3. the header
//! 4. the header of the request that caused the message, or `{}`
//! 5. metadata
//! 6. the content, which depends on the type of the message
//!
//! Further parts are binary data, which this client does not use.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_zmtp::Multipart;

use crate::signature::{SignatureError, SigningKey};

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) header: Header,
    /// The id of the message that caused this one.
    pub(crate) parent_id: Option<String>,
    content: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) msg_id: String,
    pub(crate) msg_type: String,
    #[serde(default)]
    pub(crate) session: String,
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) date: String,
    #[serde(default)]
    pub(crate) version: String,
}

/// The header of the causing message. This client needs only its id.
#[derive(Serialize, Deserialize)]
struct Parent {
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_id: Option<String>,
}

impl Message {
    pub(crate) fn new(header: Header, content: Value) -> Self {
        Self { header, parent_id: None, content }
    }

    /// Decodes a message and checks its signature.
    pub(crate) fn decode(parts: &Multipart, key: &SigningKey) -> Result<Self, WireError> {
        let mut parts = parts.iter().skip_while(|part| *part != DELIMITER).skip(1);
        let mut next = || parts.next().ok_or(WireError::MissingPart);
        let (signature, header, parent) = (next()?, next()?, next()?);
        let (metadata, content) = (next()?, next()?);
        // Before anything is parsed.
        key.verify(&[header, parent, metadata, content], signature)?;
        let parent: Parent = parse("parent header", parent)?;
        Ok(Self {
            header: parse("header", header)?,
            parent_id: parent.msg_id,
            content: parse("content", content)?,
        })
    }

    pub(crate) fn encode(&self, key: &SigningKey) -> Multipart {
        let header = json!(self.header).to_string();
        let parent = json!(Parent { msg_id: self.parent_id.clone() }).to_string();
        let content = self.content.to_string();
        let signed = [header.as_bytes(), parent.as_bytes(), b"{}", content.as_bytes()];
        let signature = key.sign(&signed);
        [DELIMITER, signature.as_bytes()].into_iter().chain(signed).collect()
    }

    /// Returns the content as the type that fits the type of the message.
    pub(crate) fn into_content<T: DeserializeOwned>(self) -> Result<T, WireError> {
        serde_json::from_value(self.content)
            .map_err(|source| WireError::Json { part: "content", source })
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the message does not have enough parts")]
    MissingPart,
    #[error("the message is forged")]
    Forged(#[from] SignatureError),
    #[error("the {part} is not valid")]
    Json { part: &'static str, source: serde_json::Error },
}

fn parse<T: DeserializeOwned>(part: &'static str, json: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(json).map_err(|source| WireError::Json { part, source })
}

const DELIMITER: &[u8] = b"<IDS|MSG>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_decoded_as_it_was_encoded() {
        let key = SigningKey::generate();
        let decoded = Message::decode(&request().encode(&key), &key).unwrap();
        assert_eq!(decoded.header.msg_id, "a_1");
        assert_eq!(decoded.header.msg_type, "execute_request");
        assert_eq!(decoded.parent_id, None);
        assert_eq!(decoded.content, json!({ "code": "6*7" }));
    }

    #[test]
    fn identities_and_binary_parts_are_skipped() {
        let key = SigningKey::generate();
        let parts = request().encode(&key).into_parts();
        let longer: Multipart = ["identity"]
            .into_iter()
            .map(Into::into)
            .chain(parts)
            .chain(["binary".into()])
            .collect();
        assert_eq!(longer.len(), 8);
        assert_eq!(Message::decode(&longer, &key).unwrap().header.msg_id, "a_1");
    }

    #[test]
    fn a_change_of_any_signed_part_is_detected() {
        let key = SigningKey::generate();
        let parts = request().encode(&key).into_parts();
        for changed in 1..parts.len() {
            let forged: Multipart = (0..)
                .zip(&parts)
                .map(|(at, part)| [part, &b" "[..usize::from(at == changed)]].concat())
                .collect();
            let error = Message::decode(&forged, &key).unwrap_err();
            assert!(matches!(error, WireError::Forged(_)), "part {changed}: {error}");
        }
    }

    #[test]
    fn short_and_malformed_messages_are_refused() {
        let key = SigningKey::generate();
        for parts in [&["{}"; 5][..], &["<IDS|MSG>", "", "{}", "{}", "{}"]] {
            let error = Message::decode(&parts.iter().collect(), &key).unwrap_err();
            assert!(matches!(error, WireError::MissingPart), "{error}");
        }
        let signature = key.sign(&[&b"{}"[..]; 4]);
        let parts = ["<IDS|MSG>", &signature, "{}", "{}", "{}", "{}"];
        let error = Message::decode(&parts.iter().collect(), &key).unwrap_err();
        assert!(matches!(error, WireError::Json { part: "header", .. }), "{error}");
    }

    fn request() -> Message {
        let header = Header {
            msg_id: "a_1".to_owned(),
            msg_type: "execute_request".to_owned(),
            session: "a".to_owned(),
            username: "ada".to_owned(),
            date: "2026-01-01T00:00:00Z".to_owned(),
            version: "5.4".to_owned(),
        };
        Message::new(header, json!({ "code": "6*7" }))
    }
}
