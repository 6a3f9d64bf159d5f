//! Signatures of messages: HMAC-SHA256, as hexadecimal text.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::random::random;

/// The key that a client shares with its kernel. An empty key means that messages are not signed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SigningKey(String);

impl SigningKey {
    pub(crate) fn generate() -> Self {
        Self(random())
    }

    /// Returns the signature of these parts.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        hex::encode(self.mac(parts).finalize().into_bytes())
    }

    /// Checks the signature of these parts, in constant time.
    pub(crate) fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), SignatureError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let signature = hex::decode(signature).map_err(|_| SignatureError)?;
        self.mac(parts).verify_slice(&signature).map_err(|_| SignatureError)
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(self.0.as_bytes()).expect("any length is valid");
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

/// A message was not signed by the owner of the key, or was changed since.
#[derive(Debug, thiserror::Error)]
#[error("the signature is not valid")]
pub(crate) struct SignatureError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // RFC 4231, Test Case 2, in two parts.
        let key = SigningKey("Jefe".to_owned());
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(key.sign(&parts), expected);
        key.verify(&parts, expected.as_bytes()).unwrap();
    }

    #[test]
    fn signatures_are_those_of_jupyter() {
        // Computed by `Session.sign` of jupyter_client 8.10.
        let key = SigningKey("a0436f6c-1916-498b-8eb9-e81ab9368e84".to_owned());
        let parts: [&[u8]; 4] = [br#"{"msg_id":"1"}"#, b"{}", b"{}", br#"{"code":"6*7"}"#];
        let expected = "15423f67b3997aaf21dc9aa78512dee3d7ecf10daa6868bfdd2f977d3422dabc";
        assert_eq!(key.sign(&parts), expected);
        key.verify(&parts, expected.as_bytes()).unwrap();
    }

    #[test]
    fn forged_signatures_are_refused() {
        let key = SigningKey::generate();
        let parts: [&[u8]; 1] = [b"6*7"];
        let signature = key.sign(&parts);
        let other = SigningKey::generate().sign(&parts);
        let doubled = signature.repeat(2);
        for forged in [&other, &signature[2..], &signature[1..], &doubled, "", "no hexadecimal"] {
            key.verify(&parts, forged.as_bytes()).unwrap_err();
        }
        key.verify(&[b"6*8"], signature.as_bytes()).unwrap_err();
        key.verify(&parts, signature.as_bytes()).unwrap();
    }

    #[test]
    fn an_empty_key_signs_nothing() {
        let key = SigningKey(String::new());
        assert_eq!(key.sign(&[b"6*7"]), "");
        key.verify(&[b"6*7"], b"").unwrap();
    }
}
