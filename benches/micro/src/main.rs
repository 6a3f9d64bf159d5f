//! Compares the number of instructions per message with a budget.
//!
//! `cargo run --release -p micro` counts and compares; `-- --write` writes the counts as the new
//! budget. Valgrind runs this program again for each subject, and counts its instructions.

#![expect(clippy::print_stdout, reason = "the counts are the output of this program")]

mod budget;
mod count;
mod subject;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use self::budget::Budget;
use self::subject::Subject;

/// Any error of this program, which is printed as text.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => compare(),
        ["--write"] => write(),
        [count::ROLE, name] => count::play(name),
        _ => Err("usage: cargo run --release -p micro [-- --write]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("micro: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), Failure> {
    let budget = Budget::read()?;
    let mut exceeded = Vec::new();
    for subject in Subject::ALL {
        let counted = count::instructions(subject)?;
        let verdict = budget.judge(subject, counted)?;
        println!("{:>9} {counted:>8.1} instructions per message, {verdict}", subject.name());
        if verdict.is_exceeded() {
            exceeded.push(subject.name());
        }
    }
    let Some(first) = exceeded.first() else { return Ok(()) };
    if let Some(compiler) = budget.other_compiler() {
        println!("the budget was counted with {compiler} and does not apply to this compiler");
        return Ok(());
    }
    Err(format!(
        "more instructions than {} allows: {}\n\
         to locate them: callgrind_annotate {}\n\
         to accept them: {}",
        budget::PATH,
        exceeded.join(", "),
        count::profile(first)?.display(),
        budget::REWRITE,
    )
    .into())
}

fn write() -> Result<(), Failure> {
    let mut budget = Budget::read()?;
    for subject in Subject::ALL {
        let counted = count::instructions(subject)?;
        println!("{:>9} {counted:>8.1} instructions per message", subject.name());
        budget.set(subject, counted);
    }
    budget.write()
}
