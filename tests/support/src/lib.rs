//! Code that tests share: scripted remotes, transports, the examples as processes, and a guard
//! against hangs.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]
#![expect(missing_debug_implementations, missing_docs, reason = "only tests use it")]

pub mod chromium;
pub mod events;
pub mod example;
mod installation;
pub mod multicast;
pub mod node;
pub mod publisher;
pub mod python;
pub mod relay;
pub mod remote;
pub mod script;
pub mod skipped;
pub mod transports;
pub mod watchdog;
