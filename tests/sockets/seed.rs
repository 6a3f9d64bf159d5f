//! Where the random tests have their chance from.

use std::env;
use std::hash::{BuildHasher, RandomState};

/// The environment's `SEED`, or another one each time. It is printed for a test that fails.
pub(crate) fn seed() -> u64 {
    let given = env::var("SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
    eprintln!("SEED={seed}");
    seed
}
