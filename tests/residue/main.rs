//! Tests that ended sockets leave no task, file descriptor or memory behind.
//!
//! These tests are in a separate binary, because memory and file descriptors are counted for the
//! whole process. They run one at a time.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process_usage;

mod churn;
mod ending;
mod groups;
mod half_open;
mod idle;
mod members;
mod secrets;
mod subscribers;
mod topics;
#[cfg(feature = "rpc")]
mod unread;

use std::alloc::System;

use cap::Cap;
use support::{remote, watchdog};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);
