//! Text for keys: five printable characters for four octets (RFC 32, Z85).

/// Writes octets, four of which make five characters.
pub(super) fn encode(octets: &[u8; OCTETS]) -> [u8; TEXT] {
    let mut text = [0x00; TEXT];
    for (chunk, group) in octets.chunks_exact(4).zip(text.chunks_exact_mut(5)) {
        let mut value = chunk.iter().fold(0_u32, |value, &octet| value << 8 | u32::from(octet));
        for character in group.iter_mut().rev() {
            *character = ALPHABET[(value % 85) as usize];
            value /= 85;
        }
    }
    text
}

/// Reads what [`encode`] writes; or returns the place of the first character that is out of place.
pub(super) fn decode(text: &[u8; TEXT], octets: &mut [u8; OCTETS]) -> Result<(), usize> {
    for (at, (group, chunk)) in text.chunks_exact(5).zip(octets.chunks_exact_mut(4)).enumerate() {
        let mut value = 0_u32;
        for (character, within) in group.iter().zip(0..) {
            let place = 5 * at + within;
            let digit = ALPHABET.iter().position(|one| one == character).ok_or(place)?;
            value = u32::try_from(digit)
                .ok()
                .and_then(|digit| value.checked_mul(85)?.checked_add(digit))
                .ok_or(place)?;
        }
        chunk.copy_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

/// The octets of a key.
pub(super) const OCTETS: usize = 32;

/// The characters of a key.
pub(super) const TEXT: usize = 40;

/// RFC 32, Formal Specification.
const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_test_case_of_the_specification_is_read_and_written() {
        let mut octets = [0x00; OCTETS];
        octets[..8].copy_from_slice(&[0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]);
        let text = b"HelloWorld000000000000000000000000000000";
        assert_eq!(&encode(&octets), text);
        assert_eq!(decoded(text), Ok(octets));
    }

    #[test]
    fn a_character_that_is_out_of_place_is_told() {
        let mut text = [b'0'; TEXT];
        text[7] = b'"';
        assert_eq!(decoded(&text), Err(7));
        // Five times the last digit would be more than four octets.
        text[5..10].fill(b'#');
        assert_eq!(decoded(&text), Err(9));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(octets: [u8; OCTETS]) {
            prop_assert_eq!(decoded(&encode(&octets)), Ok(octets));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<[u8; 32]>()) {
            let mut padded = [0x00; TEXT];
            padded[..32].copy_from_slice(&text);
            let _ = decoded(&padded);
        }
    }

    fn decoded(text: &[u8; TEXT]) -> Result<[u8; OCTETS], usize> {
        let mut octets = [0x00; OCTETS];
        decode(text, &mut octets).map(|()| octets)
    }
}
