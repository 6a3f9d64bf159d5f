//! Secrets that computing leaves behind on the stack.

use zeroize::Zeroize;

/// Runs `work` with secrets, and overwrites the stack that it has used.
///
/// Arithmetic copies its operands, and so do moves; such copies stay on the stack until something else
/// overwrites them. The result of `work` is not overwritten: a secret in it has to be in a box.
pub(super) fn wiped<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    overwrite();
    result
}

/// Runs in a frame of its own, at the place where [`overwrite`] has its frame afterwards.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    let mut space = [0xFF_u64; DEPTH / 8];
    space.zeroize();
}

/// Several times what is used: key agreement uses 2.7 KiB, and its caller without optimizations as much
/// again.
const DEPTH: usize = 0x4000;
