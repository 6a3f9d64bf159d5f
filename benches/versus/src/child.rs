//! Handles of the measuring process to the measured processes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{self, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::Failure;
use crate::report::{Done, Report};
use crate::role::{self, Role};
use crate::usage::Usage;

/// A process with a role. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    orders: Option<ChildStdin>,
    reports: mpsc::Receiver<String>,
    /// The last line that the process printed as an error.
    complaint: Arc<Mutex<String>>,
    name: String,
}

impl Child {
    /// Starts this program again with a role.
    pub(crate) fn spawn(role: &Role) -> Result<Self, Failure> {
        Self::spawn_under(role, &[])
    }

    /// Starts this program with a role, as the last argument of another program.
    pub(crate) fn spawn_under(role: &Role, under: &[PathBuf]) -> Result<Self, Failure> {
        let program = if role.lto { with_lto()? } else { env::current_exe()? };
        let mut command = match under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        let mut process = command
            .args([role::COMMAND, &serde_json::to_string(role)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the output is not piped")?;
        let errors = process.stderr.take().ok_or("the errors are not piped")?;
        let (tx, reports) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(io::Result::ok) {
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        let complaint = Arc::new(Mutex::new(String::new()));
        let last = Arc::clone(&complaint);
        thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(io::Result::ok) {
                if !line.starts_with("note: ") && !line.trim().is_empty() {
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = line;
                }
            }
        });
        let orders = process.stdin.take();
        let name = format!("{:?}", role.part).to_lowercase();
        Ok(Self { process, orders, reports, complaint, name })
    }

    /// Waits until the process is bound, and returns its endpoint.
    pub(crate) fn bound(&mut self) -> Result<String, Failure> {
        match self.report(START_LIMIT)? {
            Report::Bound(endpoint) => Ok(endpoint),
            other => {
                Err(format!("{} reported {other:?} instead of its endpoint", self.name).into())
            }
        }
    }

    /// Waits until the process accepts commands.
    pub(crate) fn ready(&mut self) -> Result<(), Failure> {
        match self.report(START_LIMIT)? {
            Report::Ready => Ok(()),
            other => {
                Err(format!("{} reported {other:?} instead of its readiness", self.name).into())
            }
        }
    }

    /// Sends a command for `count` messages.
    pub(crate) fn order(&mut self, count: u64) -> Result<(), Failure> {
        self.send(&count.to_string())
    }

    /// Waits until a command is completed.
    pub(crate) fn done(&mut self) -> Result<Done, Failure> {
        self.done_within(ORDER_LIMIT)
    }

    /// Waits until a command is completed, with another time limit than usual.
    pub(crate) fn done_within(&mut self, limit: Duration) -> Result<Done, Failure> {
        match self.report(limit)? {
            Report::Done(done) => Ok(done),
            other => Err(format!("{} reported {other:?} instead of its result", self.name).into()),
        }
    }

    /// Requests the resource usage of the process.
    pub(crate) fn used(&mut self) -> Result<Usage, Failure> {
        self.send(role::USED)?;
        match self.report(START_LIMIT)? {
            Report::Used(used) => Ok(used),
            other => {
                Err(format!("{} reported {other:?} instead of its resource usage", self.name)
                    .into())
            }
        }
    }

    /// Waits until the process exits.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.orders = None;
        let patience = Instant::now() + START_LIMIT;
        while self.process.try_wait()?.is_none() {
            if Instant::now() > patience {
                return Err(format!("{} has not ended in time", self.name).into());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn send(&mut self, order: &str) -> Result<(), Failure> {
        let orders = self.orders.as_mut().ok_or("the process was already requested to end")?;
        if writeln!(orders, "{order}").is_err() {
            return Err(self.ended());
        }
        Ok(())
    }

    fn report(&mut self, limit: Duration) -> Result<Report, Failure> {
        match self.reports.recv_timeout(limit) {
            Ok(line) => match serde_json::from_str(&line)? {
                Report::Failed(failure) => Err(format!("{}: {failure}", self.name).into()),
                report => Ok(report),
            },
            Err(RecvTimeoutError::Timeout) => {
                let seconds = limit.as_secs();
                Err(format!(
                    "{} has not finished within {seconds} s: messages are lost, or it hangs",
                    self.name
                )
                .into())
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    fn ended(&mut self) -> Failure {
        let status = self.process.wait().map_or_else(|error| error.to_string(), |s| s.to_string());
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{} ended with {status}: {complaint}", self.name).into()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns this program with link-time optimization, which Cargo builds into a sibling directory.
pub(crate) fn with_lto() -> Result<PathBuf, Failure> {
    let program = env::current_exe()?;
    let built = program.ancestors().nth(2).map(|target| target.join("lto/versus"));
    built.filter(|built| built.exists()).ok_or_else(|| {
        "build the program with link-time optimization first: \
         cargo build --profile lto --manifest-path benches/versus/Cargo.toml"
            .into()
    })
}

/// The time limit for starting, connecting and reporting.
const START_LIMIT: Duration = Duration::from_secs(20);

/// The time limit for a command, which usually takes less than a second.
const ORDER_LIMIT: Duration = Duration::from_secs(20);
