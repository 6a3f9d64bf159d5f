//! The socket types of `tokio-zmtp` other than CLIENT and SERVER, and the heartbeats of all types,
//! against those of libzmq 4.3.5.
//!
//! A test is written once, for sides of either library (`side`, `messages`), and runs with each
//! library on either side (`pairing`). "Ours" is `tokio-zmtp`, "theirs" is libzmq.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod credentials;
mod messages;
mod pairing;
mod side;
mod theirs;

mod broker;
#[cfg(unix)]
mod browsers;
mod channel;
mod dealer;
mod heartbeat;
mod leaving;
mod one_way;
mod peer;
mod publisher;
mod radio_dish;
mod refused;
mod rep;
mod req;
mod router;
mod sub;
mod websocket;
mod xpub;
mod xsub;
