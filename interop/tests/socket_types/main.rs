//! The socket types of `tokio-zmtp` other than CLIENT and SERVER, and the heartbeats of all types,
//! against those of libzmq 4.3.5.
//!
//! A test is written once, for two sides of either library (`pairing`), and runs with each library
//! on either side. "Ours" is `tokio-zmtp`, "theirs" is libzmq.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod credentials;
mod pairing;

mod channel;
mod heartbeat;
mod peer;
mod push_pull;
mod radio_dish;
mod scatter_gather;
