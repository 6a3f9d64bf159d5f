//! The module in Chromium, with sockets of this crate as its remotes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod chromium;
mod exchange;
mod page;
mod route;
