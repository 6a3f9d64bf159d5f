//! Compares the number of instructions per message with a budget.
//!
//! `cargo run --release -p micro` counts and compares; `-- --write` writes the counts as the new
//! budget. Valgrind runs this program again for each subject, and counts its instructions. The
//! program `micro-batches` does the same for other subjects.

#![expect(clippy::print_stdout, reason = "the counts are the output of this program")]

mod budget;
mod count;
mod program;
mod subject;

use std::error::Error;
use std::process::ExitCode;

/// Any error of this program, which is printed as text.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    program::run()
}
