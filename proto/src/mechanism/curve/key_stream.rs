//! The key stream of Salsa20, computed several blocks at a time.
//!
//! The inputs of the cipher's blocks differ only in their number. Each step is therefore performed
//! for four or eight blocks side by side, which compilers translate to vector instructions. The
//! crate `salsa20` computes one block after the other, which would dominate the time of a long
//! message: for 64 KiB it takes 114 µs, four blocks side by side take 61 µs, and eight blocks with
//! AVX2 take 34 µs. `docs/security.md` lists the other crates that were measured.
//!
//! # Constant time
//!
//! The secrets are the key, the key stream and the text. They are operands of additions, exclusive
//! ors, rotations by constants and copies, and of nothing else. They never decide a branch or an
//! index. Branches and indices depend on the length of the text, on the number of the block, and
//! on the instructions of the processor. `cargo bench -p micro --bench constant_time` measures
//! whether the time depends on secrets.

use std::array;

use multiversion::multiversion;
use multiversion::target::match_target;
use zeroize::Zeroizing;

use super::authenticator::KEY;

/// The key stream of one key and nonce.
pub(super) struct KeyStream {
    /// The input of every block, without the number of the block.
    words: Zeroizing<[u32; WORDS]>,
}

/// The beginning of a key stream: the key of Poly1305, and the stream for the first bytes of the
/// text, computed together.
///
/// It consists of words, because wiping a word takes as long as wiping a byte.
pub(super) struct Start(Zeroizing<[[u32; WORDS]; SIDE_BY_SIDE]>);

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
    pub(super) fn apply(&self, block: u64, bytes: &mut [u8]) {
        let len = bytes.len();
        if len <= FEW {
            self.apply_groups::<1>(block, bytes);
        } else if len <= GROUP {
            xor(bytes, self.blocks::<SIDE_BY_SIDE>(block).as_flattened());
        } else {
            apply_to_long(self, block, bytes);
        }
    }

    /// Computes the beginning of the stream for a text of `len` bytes.
    #[inline]
    pub(super) fn start(&self, len: usize) -> Start {
        let mut blocks = Zeroizing::new([[0x00; WORDS]; SIDE_BY_SIDE]);
        if KEY + len <= FEW {
            let count = (KEY + len).div_ceil(BLOCK);
            for (number, block) in (0..).zip(&mut blocks[..count]) {
                [*block] = self.blocks::<1>(number);
            }
        } else {
            *blocks = self.blocks::<SIDE_BY_SIDE>(0);
        }
        Start(blocks)
    }

    /// Encrypts or decrypts the bytes of a text that follow those of the [`Start`].
    #[inline]
    pub(super) fn apply_after_start(&self, bytes: &mut [u8]) {
        self.apply(SIDE_BY_SIDE as u64, bytes);
    }

    /// Encrypts or decrypts `N` blocks at a time.
    #[inline(always)]
    fn apply_groups<const N: usize>(&self, mut block: u64, bytes: &mut [u8]) {
        let mut groups = bytes.chunks_exact_mut(N * BLOCK);
        for group in &mut groups {
            xor(group, self.blocks::<N>(block).as_flattened());
            block += N as u64;
        }
        match groups.into_remainder() {
            [] => {}
            rest if rest.len() <= BLOCK => xor(rest, self.blocks::<1>(block).as_flattened()),
            rest if rest.len() <= GROUP => {
                xor(rest, self.blocks::<SIDE_BY_SIDE>(block).as_flattened())
            }
            rest => xor(rest, self.blocks::<N>(block).as_flattened()),
        }
    }

    /// Computes `N` blocks from the number `first` on.
    #[inline(always)]
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

impl Start {
    /// Returns the key of Poly1305, the first bytes of the stream, as in NaCl.
    #[inline]
    pub(super) fn key(&self) -> Zeroizing<[u8; KEY]> {
        let mut key = Zeroizing::new([0x00; KEY]);
        for (bytes, word) in key.chunks_exact_mut(4).zip(self.0.as_flattened()) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        key
    }

    /// Encrypts or decrypts the first bytes of a text, and returns the others.
    #[inline]
    pub(super) fn apply<'a>(&self, text: &'a mut [u8]) -> &'a mut [u8] {
        let (first, others) = text.split_at_mut(text.len().min(GROUP - KEY));
        xor(first, &self.0.as_flattened()[KEY / 4..]);
        others
    }
}

/// Implements [`KeyStream::apply`] with the widest vector registers of this processor, which are
/// detected at run time. The functions that it calls are inlined, because they are compiled for
/// these registers only as parts of this one.
#[multiversion(targets("x86_64+avx2"))]
fn apply_to_long(stream: &KeyStream, block: u64, bytes: &mut [u8]) {
    match_target! {
        "x86_64+avx2" => stream.apply_groups::<WIDE>(block, bytes),
        _ => stream.apply_groups::<SIDE_BY_SIDE>(block, bytes),
    }
}

#[inline(always)]
fn xor(bytes: &mut [u8], stream: &[u32]) {
    let mut words = bytes.chunks_exact_mut(4);
    let mut stream = stream.iter();
    for (bytes, stream) in (&mut words).zip(&mut stream) {
        bytes.copy_from_slice(&(word(bytes) ^ stream).to_le_bytes());
    }
    let rest = words.into_remainder();
    let stream = stream.next().map(|word| word.to_le_bytes()).unwrap_or_default();
    for (byte, stream) in rest.iter_mut().zip(stream) {
        *byte ^= stream;
    }
}

#[inline(always)]
fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(*bytes.first_chunk().expect("every word has four bytes"))
}

/// The constants in the words 0, 5, 10 and 15: "expand 32-byte k".
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574];

const DOUBLE_ROUNDS: usize = 10;
const WORDS: usize = 16;

/// The length of a block in bytes.
const BLOCK: usize = 4 * WORDS;

/// The number of blocks that fill the vector registers of every 64-bit x86 and ARM processor. More
/// blocks would be faster with wider registers, and slower without.
const SIDE_BY_SIDE: usize = 4;

/// The length up to which blocks are computed one after the other, which takes less time than four
/// side by side.
const FEW: usize = 2 * BLOCK;

/// The number of blocks that fill the vector registers of AVX2.
#[cfg(any(test, target_arch = "x86_64"))]
const WIDE: usize = 8;

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
            block in prop_oneof![0_u64..10, (1_u64 << 32) - 20..(1 << 32) + 5],
            text in prop::collection::vec(any::<u8>(), 0..3_000),
        ) {
            let mut ours = text.clone();
            KeyStream::new(&key, &nonce).apply(block, &mut ours);
            let mut theirs = text.clone();
            let mut stream = Salsa20::new(&key.into(), &nonce.into());
            stream.seek(block * BLOCK as u64);
            stream.apply_keystream(&mut theirs);
            prop_assert_eq!(&ours, &theirs);

            // The instructions that this processor does not select.
            let mut wide = text.clone();
            KeyStream::new(&key, &nonce).apply_groups::<WIDE>(block, &mut wide);
            prop_assert_eq!(&wide, &theirs);
            let mut narrow = text;
            KeyStream::new(&key, &nonce).apply_groups::<SIDE_BY_SIDE>(block, &mut narrow);
            prop_assert_eq!(&narrow, &theirs);
        }
    }
}
