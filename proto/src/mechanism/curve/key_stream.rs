//! The key stream of Salsa20, computed several blocks at a time.
//!
//! The inputs of the cipher's blocks differ only in their number. Each step is therefore performed
//! for four blocks side by side, which compilers translate to vector instructions. The crate
//! `salsa20` computes one block after the other, which would dominate the time of a long message.
//! The tests compare the result with that crate. Like Salsa20 itself, this code has no branches or
//! table look-ups that depend on secrets.

use std::array;

use zeroize::Zeroizing;

/// The key stream of one key and nonce.
pub(super) struct KeyStream {
    /// The input of every block, without the number of the block.
    words: Zeroizing<[u32; WORDS]>,
}

/// Performs quarter rounds, each on four words of the block `$side`.
macro_rules! quarter_rounds {
    ($state:ident, $side:ident: $(($a:literal $b:literal $c:literal $d:literal))+) => { $(
        quarter_rounds!(@step $state, $side, $b, $a, $d, 7);
        quarter_rounds!(@step $state, $side, $c, $b, $a, 9);
        quarter_rounds!(@step $state, $side, $d, $c, $b, 13);
        quarter_rounds!(@step $state, $side, $a, $d, $c, 18);
    )+ };
    (@step $state:ident, $side:ident, $to:literal, $one:literal, $other:literal, $by:literal) => {
        $state[$to][$side] ^=
            $state[$one][$side].wrapping_add($state[$other][$side]).rotate_left($by);
    };
}

impl KeyStream {
    #[inline]
    pub(super) fn new(key: &[u8; 32], nonce: &[u8; 8]) -> Self {
        let key = |at: usize| word(&key[4 * at..]);
        let [sigma0, sigma1, sigma2, sigma3] = SIGMA;
        let words = [
            [sigma0, key(0), key(1), key(2)],
            [key(3), sigma1, word(nonce), word(&nonce[4..])],
            [0, 0, sigma2, key(4)],
            [key(5), key(6), key(7), sigma3],
        ];
        Self { words: Zeroizing::new(array::from_fn(|at| words[at / 4][at % 4])) }
    }

    /// Encrypts or decrypts `bytes`, which start with the given block.
    #[inline]
    pub(super) fn apply(&self, mut block: u64, bytes: &mut [u8]) {
        let mut groups = bytes.chunks_exact_mut(GROUP);
        for group in &mut groups {
            xor(group, &self.blocks::<SIDE_BY_SIDE>(block));
            block += SIDE_BY_SIDE as u64;
        }
        match groups.into_remainder() {
            [] => {}
            rest if rest.len() <= BLOCK => xor(rest, &self.blocks::<1>(block)),
            rest => xor(rest, &self.blocks::<SIDE_BY_SIDE>(block)),
        }
    }

    /// Computes `N` blocks from the number `first` on.
    #[inline]
    #[expect(clippy::needless_range_loop, reason = "`side` indexes every word of the state")]
    fn blocks<const N: usize>(&self, first: u64) -> [[u32; WORDS]; N] {
        let mut input: [[u32; N]; WORDS] = self.words.map(|word| [word; N]);
        let number = |side| first.wrapping_add(side as u64);
        input[8] = array::from_fn(|side| number(side) as u32);
        input[9] = array::from_fn(|side| (number(side) >> u32::BITS) as u32);
        let mut state = input;
        for _ in 0..DOUBLE_ROUNDS {
            // Compilers vectorize the steps only if a single loop contains all of them and no inner
            // loop.
            for side in 0..N {
                quarter_rounds!(state, side: (0 4 8 12) (5 9 13 1) (10 14 2 6) (15 3 7 11));
                quarter_rounds!(state, side: (0 1 2 3) (5 6 7 4) (10 11 8 9) (15 12 13 14));
            }
        }
        array::from_fn(|side| array::from_fn(|at| state[at][side].wrapping_add(input[at][side])))
    }
}

#[inline]
fn xor(bytes: &mut [u8], blocks: &[[u32; WORDS]]) {
    let mut words = bytes.chunks_exact_mut(4);
    let mut stream = blocks.as_flattened().iter();
    for (bytes, stream) in (&mut words).zip(&mut stream) {
        bytes.copy_from_slice(&(word(bytes) ^ stream).to_le_bytes());
    }
    let rest = words.into_remainder();
    let stream = stream.next().map(|word| word.to_le_bytes()).unwrap_or_default();
    for (byte, stream) in rest.iter_mut().zip(stream) {
        *byte ^= stream;
    }
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(*bytes.first_chunk().expect("every word has four bytes"))
}

/// The constants in the words 0, 5, 10 and 15: "expand 32-byte k".
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574];

const DOUBLE_ROUNDS: usize = 10;
const WORDS: usize = 16;

/// The length of a block in bytes.
pub(super) const BLOCK: usize = 4 * WORDS;

/// The number of blocks that fill the vector registers of every 64-bit x86 and ARM processor. More
/// blocks would be faster with wider registers, and slower without.
const SIDE_BY_SIDE: usize = 4;

const GROUP: usize = SIDE_BY_SIDE * BLOCK;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use salsa20::Salsa20;
    use salsa20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};

    use super::*;

    proptest! {
        #[test]
        fn the_key_stream_equals_that_of_salsa20(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 8]>(),
            block in prop_oneof![0_u64..10, (1_u64 << 32) - 5..(1 << 32) + 5],
            text in prop::collection::vec(any::<u8>(), 0..1_500),
        ) {
            let mut ours = text.clone();
            KeyStream::new(&key, &nonce).apply(block, &mut ours);
            let mut theirs = text;
            let mut stream = Salsa20::new(&key.into(), &nonce.into());
            stream.seek(block * BLOCK as u64);
            stream.apply_keystream(&mut theirs);
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn the_key_stream_equals_the_estream_test_vector() {
        // The first bytes of set 1, vector 0, for Salsa20 with 256-bit keys.
        let mut key = [0x00; 32];
        key[0] = 0x80;
        let mut bytes = [0x00; 16];
        KeyStream::new(&key, &[0x00; 8]).apply(0, &mut bytes);
        let expected = 0xE3BE_8FDD_8BEC_A2E3_EA8E_F947_5B29_A6E7_u128;
        assert_eq!(bytes, expected.to_be_bytes());
    }
}
