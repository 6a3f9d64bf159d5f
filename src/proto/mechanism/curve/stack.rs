//! What computing with secrets leaves behind on the stack.

use zeroize::Zeroize;

/// Does something with secrets, and overwrites the stack that it has used.
///
/// Arithmetic copies its operands, and so do moves; such copies stay on the stack until something else
/// overwrites them. What `work` returns is not overwritten: a secret in it has to lie in a box.
pub(super) fn wiped<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    overwrite();
    result
}

/// In a frame of its own, which lies where [`overwrite`] has its own afterwards.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    let mut space = [0xFF_u64; DEPTH / 8];
    space.zeroize();
}

/// Several times what is used: agreeing upon a key goes 2.7 KiB deep, its caller without optimizations as
/// much again.
const DEPTH: usize = 0x4000;
