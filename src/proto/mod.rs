//! ZMTP 3.1 without IO (RFC 37).
//!
//! Bytes and time come in as arguments of `handle_*` methods, what has to be sent or told comes
//! out of `poll_*` methods, and nothing in here waits, opens a socket or reads a clock. A
//! connection first drives a [`Handshake`](handshake::Handshake) and then its traffic; both take
//! what they can from a buffer that the caller fills and leave the rest in place.
//!
//! The layer imports nothing of ours and no Tokio, so that it can be tested byte by byte and
//! fuzzed on its own. Whatever the remote sends ends in a value or in a typed error, never in a
//! panic, and nothing is stored before its size was checked.

pub(crate) mod batch;
pub(crate) mod command;
pub(crate) mod error_reason;
pub(crate) mod foreign;
pub(crate) mod frame;
pub(crate) mod greeting;
pub(crate) mod handshake;
pub(crate) mod heartbeat;
pub(crate) mod heartbeating;
pub(crate) mod mechanism;
pub(crate) mod metadata;
mod pace;
pub(crate) mod socket_type;
pub(crate) mod traffic;

#[cfg(test)]
mod tampering_tests;
