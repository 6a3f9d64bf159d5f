//! Z85, which encodes four bytes as five printable characters (RFC 32).

/// Encodes a key as text.
pub(super) fn encode(bytes: &[u8; BYTES]) -> [u8; TEXT] {
    let mut text = [0x00; TEXT];
    for (chunk, group) in bytes.chunks_exact(4).zip(text.chunks_exact_mut(5)) {
        let mut value = chunk.iter().fold(0_u32, |value, &byte| value << 8 | u32::from(byte));
        for character in group.iter_mut().rev() {
            *character = ALPHABET[(value % 85) as usize];
            value /= 85;
        }
    }
    text
}

/// Decodes the text of a key. The error is the index of the first character that is not valid.
pub(super) fn decode(text: &[u8; TEXT], bytes: &mut [u8; BYTES]) -> Result<(), usize> {
    for (at, (group, chunk)) in text.chunks_exact(5).zip(bytes.chunks_exact_mut(4)).enumerate() {
        let mut value = 0_u32;
        for (character, within) in group.iter().zip(0..) {
            let index = 5 * at + within;
            let digit = ALPHABET.iter().position(|one| one == character).ok_or(index)?;
            value = u32::try_from(digit)
                .ok()
                .and_then(|digit| value.checked_mul(85)?.checked_add(digit))
                .ok_or(index)?;
        }
        chunk.copy_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

/// The number of bytes of a key.
pub(super) const BYTES: usize = 32;

/// The number of characters of a key.
pub(super) const TEXT: usize = 40;

/// RFC 32, Formal Specification.
const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_test_case_of_the_specification_is_encoded_and_decoded() {
        let mut bytes = [0x00; BYTES];
        bytes[..8].copy_from_slice(&[0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]);
        let text = b"HelloWorld000000000000000000000000000000";
        assert_eq!(&encode(&bytes), text);
        assert_eq!(decoded(text), Ok(bytes));
    }

    #[test]
    fn the_error_contains_the_index_of_an_invalid_character() {
        let mut text = [b'0'; TEXT];
        text[7] = b'"';
        assert_eq!(decoded(&text), Err(7));
        // Five times the last digit exceeds four bytes.
        text[5..10].fill(b'#');
        assert_eq!(decoded(&text), Err(9));
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(bytes: [u8; BYTES]) {
            prop_assert_eq!(decoded(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_causes_a_panic(text in any::<[u8; 32]>()) {
            let mut padded = [0x00; TEXT];
            padded[..32].copy_from_slice(&text);
            let _ = decoded(&padded);
        }
    }

    fn decoded(text: &[u8; TEXT]) -> Result<[u8; BYTES], usize> {
        let mut bytes = [0x00; BYTES];
        decode(text, &mut bytes).map(|()| bytes)
    }
}
