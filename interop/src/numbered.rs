/// Returns a body of `size` bytes that carries `number` and shows whether it was damaged.
///
/// # Panics
///
/// Panics if `size` is below 8, the size of the number.
pub fn numbered(number: u64, size: usize) -> Vec<u8> {
    assert!(size >= 8, "a number takes 8 bytes, not {size}");
    let mut body = Vec::with_capacity(size);
    body.extend_from_slice(&number.to_le_bytes());
    body.extend(filler(number).take(size - 8));
    body
}

/// Returns the number of a body that `numbered` created, or `None` if it was changed.
pub fn number(body: &[u8]) -> Option<u64> {
    let (head, rest) = body.split_first_chunk()?;
    let number = u64::from_le_bytes(*head);
    rest.iter().copied().eq(filler(number).take(rest.len())).then_some(number)
}

/// Returns bytes with a period of 251, a prime, so that no block of 256 equals another.
fn filler(number: u64) -> impl Iterator<Item = u8> {
    (number % 251..).map(|byte| (byte % 251) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_returns_what_numbered_was_given() {
        for (given, size) in [(0, 8), (1, 9), (u64::MAX, 255), (1_000, 65_536)] {
            let body = numbered(given, size);
            assert_eq!(body.len(), size);
            assert_eq!(number(&body), Some(given));
        }
    }

    #[test]
    fn number_notices_damage() {
        let mut body = numbered(7, 1_000);
        body[999] ^= 1;
        assert_eq!(number(&body), None);
        assert_eq!(number(&body[..7]), None);
    }
}
