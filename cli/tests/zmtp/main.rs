//! The program `zmtp`, run against itself and against pyzmq.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod contexts;
mod documents;
mod exits;
mod forms;
mod pairs;
mod process;
mod python;
mod readme;
mod security;
mod transports;
