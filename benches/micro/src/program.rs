//! What the programs do with their subjects.

use std::env;
use std::process::ExitCode;

use crate::Failure;
use crate::budget::{self, Budget};
use crate::count;
use crate::subject::Subject;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
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
