//! Processor time and system calls of both processes.
//!
//! System calls are counted by `perf`, or by `strace` if `perf` is not permitted, in separate runs:
//! one with many messages, and one with almost none, whose count is subtracted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::{fs, io};

use crate::Failure;
use crate::case::Metric;
use crate::report::Done;
use crate::role::Part;
use crate::workload::pair::{Pair, adapt};
use crate::workload::{Attempt, Outcome, one_way, requests};

/// Returns the processor time and the system calls, per million messages.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut pair = start(attempt, &Watch::Unavailable)?;
    let adapted = adapt(attempt, |count| run(attempt, &mut pair, count))?;
    let (count, rate) = (adapted.count, adapted.rate_to_come);
    let before = processor(&mut pair)?;
    run(attempt, &mut pair, count)?;
    let million = count as f64 / 1e6;
    let mut values = vec![(Metric::Processor, (processor(&mut pair)? - before) / million)];
    drop(pair);
    if !matches!(*COUNTER, Watch::Unavailable) {
        let count = (rate * attempt.seconds / 4.0).max(10.0) as u64;
        let calls = calls(attempt, count)? - calls(attempt, FEW)?;
        values.push((Metric::Calls, calls / (count.saturating_sub(FEW).max(1) as f64 / 1e6)));
    }
    Ok(Outcome { values, rate: Some(rate) })
}

fn start(attempt: &Attempt<'_>, watch: &Watch) -> Result<Pair, Failure> {
    let (bound, connected) = match attempt.case.outstanding {
        0 => (Part::Receiver, Part::Sender),
        _ => (Part::Server, Part::Client),
    };
    let output = |name| attempt.directory.join(name);
    Pair::start_under(
        attempt,
        (bound, &watch.arguments(&output(BOUND))),
        (connected, &watch.arguments(&output(CONNECTED))),
    )
}

fn run(attempt: &Attempt<'_>, pair: &mut Pair, count: u64) -> Result<Done, Failure> {
    match attempt.case.outstanding {
        0 => one_way::run(pair, count),
        _ => requests::run(pair, count),
    }
}

fn processor(pair: &mut Pair) -> Result<f64, Failure> {
    Ok(pair.bound.used()?.processor + pair.connected.used()?.processor)
}

/// Returns the number of system calls of both processes, from their start to their end.
fn calls(attempt: &Attempt<'_>, count: u64) -> Result<f64, Failure> {
    let mut pair = start(attempt, &COUNTER)?;
    run(attempt, &mut pair, count)?;
    pair.connected.end()?;
    pair.bound.end()?;
    let counted = |name| COUNTER.read(&attempt.directory.join(name));
    Ok(counted(BOUND)? + counted(CONNECTED)?)
}

/// The counter of system calls on this machine.
pub(crate) static COUNTER: LazyLock<Watch> = LazyLock::new(|| {
    let works = |watch: &Watch| {
        let output = std::env::temp_dir().join(format!("versus-{}.calls", std::process::id()));
        let arguments = watch.arguments(&output);
        let ran = Command::new(&arguments[0])
            .args(&arguments[1..])
            .arg("true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        let counted = ran && watch.read(&output).is_ok_and(|calls| calls > 0.0);
        let _ = fs::remove_file(output);
        counted
    };
    [Watch::Perf, Watch::Strace].into_iter().find(works).unwrap_or(Watch::Unavailable)
});

/// A program that runs another program and counts its calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watch {
    Perf,
    Strace,
    Unavailable,
}

impl Watch {
    /// Returns the command that precedes the program, with the file for the count.
    fn arguments(self, output: &Path) -> Vec<PathBuf> {
        let before: &[&str] = match self {
            Self::Perf => &["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o"],
            Self::Strace => &["strace", "-f", "-c", "-o"],
            Self::Unavailable => return Vec::new(),
        };
        let before = before.iter().map(PathBuf::from);
        before.chain([output.to_owned()]).collect()
    }

    fn read(self, output: &Path) -> io::Result<f64> {
        let text = fs::read_to_string(output)?;
        let counts = text.lines().find_map(|line| match self {
            Self::Perf => {
                line.contains("sys_enter").then(|| line.split(',').next()?.parse().ok())?
            }
            Self::Strace => {
                line.ends_with(" total").then(|| line.split_whitespace().nth(3)?.parse().ok())?
            }
            Self::Unavailable => None,
        });
        counts.ok_or_else(|| io::Error::other("the output contains no count"))
    }
}

const BOUND: &str = "bound.calls";
const CONNECTED: &str = "connected.calls";

/// The fewest messages with which both ends execute every step once.
const FEW: u64 = 2;
