//! Reconnecting, heartbeats and deliveries over a simulated network, under virtual time.
//!
//! Each test runs in one thread whose clock is paused, so hours pass in milliseconds, and all random
//! numbers come from one seed: the same seed leads to the same [trace](network::Network::trace).

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod faults;
mod network;
mod scenario;
mod stream;

mod accounting;
mod batches;
mod black_hole;
mod calls;
mod determinism;
mod ending;
mod handshakes;
mod reconnecting;
mod redirecting;
mod subscribers;

use support::events;
