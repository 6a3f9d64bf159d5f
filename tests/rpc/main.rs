//! Requests and replies, through the public API.
//!
//! Where it matters what is on the wire one side is played by a socket that knows nothing of calls.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as a test does")]

mod wire;

mod calls;
mod chaos;
mod draining;
mod envelopes;
mod every_await;
mod failover;
mod giving_up;
mod layers;
mod limits;
mod lost;
// npm has another name elsewhere.
#[cfg(unix)]
mod node;
mod shares;
mod shutdown;
mod strays;
mod streams;
mod tampering;
mod threads;
mod traces;
mod unread;

use support::relay;
