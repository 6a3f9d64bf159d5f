//! Hexadecimal text.

use std::fmt::Write;

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the bytes, or `None` if the text is not hexadecimal.
pub(crate) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// Returns 32 random bytes as text, which cannot be predicted.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    to_hex(&bytes)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_to_the_bytes_that_it_was_encoded_from() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = to_hex(&bytes);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"), "{text}");
        assert_eq!(from_hex(text.as_bytes()), Some(bytes));
        assert_eq!(from_hex(b"FF"), Some(vec![0xFF]));
        for wrong in [&b"0"[..], b"000", b"0g", b"+1", b"\xB2\xB2"] {
            assert_eq!(from_hex(wrong), None);
        }
    }

    #[test]
    fn random_texts_differ() {
        assert_ne!(random(), random());
        assert_eq!(random().len(), 64);
    }
}
