//! Requests and replies, through the public API.
//!
//! Where bytes on the wire matter, one side is a plain socket, which does not use the module `rpc`.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod wire;

mod calls;
mod cancellation;
mod chaos;
mod classic;
mod draining;
mod envelopes;
mod every_await;
mod failover;
mod fairness;
mod layers;
mod limits;
mod lost_connections;
// On other systems, the program npm has another name.
#[cfg(unix)]
mod node;
mod shutdown;
mod stray_replies;
mod streams;
mod tampering;
mod threads;
mod traces;
mod unread;

use support::relay;
