//! The commands `bench`, `call`, `keygen`, `monitor`, `proxy` and `top`, as processes.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod bench;
mod call;
mod keygen;
mod monitor;
mod process;
mod proxy;
#[cfg(target_os = "linux")]
mod readme;
mod top;
