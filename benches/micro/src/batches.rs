//! Does the same as the program `micro` for batches and for messages to many remotes.
//!
//! In one program with the other subjects, functions on the paths of both would have more than one
//! caller, and the compiler would no longer inline them.

#![expect(clippy::print_stdout, reason = "the counts are the output of this program")]

mod batch_subject;
mod budget;
mod count;
mod program;

use std::error::Error;
use std::process::ExitCode;

use self::batch_subject as subject;

/// Any error of this program, which is printed as text.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    program::run()
}
