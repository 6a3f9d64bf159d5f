//! PEER of `tokio-zmtp` against PEER of libzmq 4.3.5.
//!
//! A test is written once, for a peer that connects and a peer that binds (`pairing`), and runs both
//! ways round. "Ours" is `tokio-zmtp`, "theirs" is libzmq.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as a test does")]

mod pairing;

mod exchange;
mod ids;
mod notices;
mod refused;
mod security;
