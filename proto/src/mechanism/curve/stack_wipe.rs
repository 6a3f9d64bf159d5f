//! Overwrites secrets that computations leave on the stack.

use zeroize::Zeroize;

/// Runs `work`, and then overwrites the part of the stack that it has used.
///
/// Arithmetic and moves copy secrets. Such copies stay on the stack until other data overwrites
/// them. The result of `work` is not overwritten: a secret in it must be stored on the heap.
pub(super) fn wiped<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    overwrite();
    result
}

/// Runs `work` in a separate stack frame, at the address where [`overwrite`] then has its frame.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    let mut space = [0xFF_u64; DEPTH / 8];
    space.zeroize();
}

/// The number of overwritten bytes, several times the number in use: a key agreement uses 2.7 KiB,
/// and without optimizations its caller uses as much again.
const DEPTH: usize = 0x4000;
