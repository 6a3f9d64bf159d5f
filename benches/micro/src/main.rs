//! How many instructions a message takes, compared with a budget.
//!
//! `cargo run --release -p micro` counts and compares, `-- --write` makes what it counts the new budget.
//! The counting is done by valgrind, under which this program runs again for each thing that is counted.

#![expect(clippy::print_stdout, reason = "the counts are what it prints")]

mod budget;
mod count;
mod subject;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use self::budget::Budget;
use self::subject::EventSource;

/// What goes wrong anywhere in here ends up as a text.
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
    for subject in EventSource::ALL {
        let counted = count::instructions(subject)?;
        let verdict = budget.judge(subject, counted)?;
        println!("{:>9} {counted:>8.1} instructions a message, {verdict}", subject.name());
        if verdict.is_exceeded() {
            exceeded.push(subject.name());
        }
    }
    let Some(first) = exceeded.first() else { return Ok(()) };
    if let Some(compiler) = budget.other_compiler() {
        println!("the budget was counted with {compiler} and says nothing of this compiler");
        return Ok(());
    }
    Err(format!(
        "more instructions than {} allows for: {}\n\
         where they go: callgrind_annotate {}\n\
         if they are worth it: {}",
        budget::PATH,
        exceeded.join(", "),
        count::profile(first)?.display(),
        budget::REWRITE,
    )
    .into())
}

fn write() -> Result<(), Failure> {
    let mut budget = Budget::read()?;
    for subject in EventSource::ALL {
        let counted = count::instructions(subject)?;
        println!("{:>9} {counted:>8.1} instructions a message", subject.name());
        budget.set(subject, counted);
    }
    budget.write()
}
