//! Random text.

/// Returns 32 random bytes, which cannot be predicted, as hexadecimal text.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_differ() {
        assert_ne!(random(), random());
        assert_eq!(random().len(), 64);
    }
}
