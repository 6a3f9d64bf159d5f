//! Runs the same work on this crate, libzmq, other implementations and bare sockets in turn.
//!
//! `cargo run --release --manifest-path benches/versus/Cargo.toml` measures everything and writes
//! `docs/benchmarks.md`; `--quick` takes about a minute and only prints its results; `--help` lists
//! the options. Each end of a connection is a separate process, which runs this program in another
//! role.

mod arguments;
mod case;
mod chart;
mod child;
mod document;
mod implementation;
mod machine;
mod plan;
mod play;
mod report;
mod results;
mod role;
mod run;
mod statistics;
mod table;
mod target;
mod ticks;
mod usage;
mod workload;

use std::error::Error;
use std::process::ExitCode;

/// Any error of this program, which is printed as text.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let done = match role::asked_for() {
        Some(role) => role.play(),
        None => run::as_asked(&arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("versus: {failure}");
            ExitCode::FAILURE
        }
    }
}
