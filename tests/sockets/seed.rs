//! The seed of random tests.

use std::env;
use std::hash::{BuildHasher, RandomState};

/// Returns the seed in the environment variable `SEED`, or a random one. A test that fails prints
/// it.
pub(crate) fn seed() -> u64 {
    let given = env::var("SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
    eprintln!("SEED={seed}");
    seed
}
