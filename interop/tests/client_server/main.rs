//! CLIENT and SERVER of `tokio-zmtp` against CLIENT and SERVER of libzmq 4.3.5.
//!
//! A test is written once, for any client and any server (`pairing`). It runs with each library at
//! either end, with either end binding, and on both kinds of Tokio runtime. "Ours" is `tokio-zmtp`,
//! "theirs" is libzmq.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod ours;
mod pairing;
mod relay;
mod theirs;

mod connect_first;
mod heartbeat;
#[cfg(unix)]
mod ipc;
mod metadata;
mod monitor;
mod mute_state;
mod notices;
mod proxy;
mod readiness;
mod resources;
mod restart;
mod security;
mod traffic;
mod wrong_type;
