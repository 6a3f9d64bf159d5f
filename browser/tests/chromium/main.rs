//! The module in Chromium, with sockets of this crate as its remotes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod bad_servers;
mod exchange;
mod many;
mod page;
mod restart;
mod route;
mod slow;
