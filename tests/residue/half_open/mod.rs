//! Connections that never finish their handshake.
//!
//! A test runs as three processes, which the environment variable [`ROLE`] distinguishes. The server and
//! the remotes are separate, because each needs as many files as there are connections.

mod handshakes;
mod remotes;
#[cfg(feature = "ws")]
mod upgrades;

use std::env;
use std::fs;
use std::process::Command;

use self::remotes::HeldOpen;
use crate::process_usage;

/// Runs a test, of which this process has one role.
fn in_processes(test: &str, serve: impl AsyncFnOnce(usize)) {
    let _alone = process_usage::alone();
    match env::var(ROLE).as_deref() {
        Err(_) => with_all_descriptors(test),
        Ok(REMOTES) => remotes::hold().unwrap(),
        Ok(_) => {
            let held = HELD.min(descriptors() - OTHERS);
            if held < HELD {
                eprintln!("limited to {held} connections by the file limit of this process");
            }
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(serve(held));
        }
    }
}

/// Returns the number of files that this process may open.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft = line.split_whitespace().nth(3).unwrap();
    soft.parse().unwrap_or(usize::MAX)
}

/// Runs a test in a process that may open as many files as the system allows.
fn with_all_descriptors(test: &str) {
    let script = "ulimit -Sn $(ulimit -Hn) && exec \"$0\" --exact --nocapture \"$1\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .arg(test)
        .env(ROLE, "server")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && output.contains("1 passed"), "{output}{errors}");
}

/// The environment variable that contains the role of a child process.
const ROLE: &str = "TOKIO_ZMTP_HALF_OPEN";

/// The role of the process that dials.
const REMOTES: &str = "remotes";

/// The number of held connections. Each of the two processes has one file for each.
const HELD: usize = 10_000;

/// A generous estimate of the number of other files of a process.
const OTHERS: usize = 200;

/// The default limit of a server.
const BY_DEFAULT: usize = 4_096;
