//! A guard against tests that hang.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Ends the process if the test that holds it is not over after a generous while.
///
/// A thread of its own, because some tests pause Tokio's clock, and because a runtime that is stuck
/// fires no timers.
pub struct Watchdog {
    /// Disconnects with the guard.
    _alive: Sender<()>,
}

impl Watchdog {
    pub fn start() -> Self {
        let (alive, test) = mpsc::channel();
        let name = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if test.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{name} hangs");
                process::abort();
            }
        });
        Self { _alive: alive }
    }
}

/// Some fifty times what the slowest test takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
