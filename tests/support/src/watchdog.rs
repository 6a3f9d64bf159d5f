//! A guard against tests that hang.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Ends the process if the test that holds the guard exceeds a generous time limit.
///
/// The guard is a separate thread, because some tests pause Tokio's clock, and a blocked runtime
/// fires no timers.
pub struct Watchdog {
    /// Disconnects when the guard is dropped.
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

/// About fifty times the duration of the slowest test on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
