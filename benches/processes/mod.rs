//! A benchmark as three processes: a parent, and the two that it measures.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{self, ChildStdout, Command, Stdio};

/// What this process is.
pub(crate) enum Role {
    Parent { sizes: Vec<usize> },
    Server { size: usize, count: usize },
    Client { endpoint: String, size: usize, count: usize },
}

/// Reads the role from the arguments.
pub(crate) fn role() -> Role {
    let arguments: Vec<_> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |at: usize| arguments[at].parse().expect("the parent passes numbers");
    match arguments.first().map(String::as_str) {
        Some("server") => Role::Server { size: number(1), count: number(2) },
        Some("client") => {
            Role::Client { endpoint: arguments[1].clone(), size: number(2), count: number(3) }
        }
        _ => {
            let sizes: Vec<_> = arguments.iter().filter_map(|size| size.parse().ok()).collect();
            Role::Parent { sizes: if sizes.is_empty() { SIZES.to_vec() } else { sizes } }
        }
    }
}

/// Runs a measured process on the runtime that the environment asks for.
pub(crate) fn run(
    body: impl Future<Output = Result<(), Box<dyn Error>>>,
) -> Result<(), Box<dyn Error>> {
    let mut runtime = if env::var("RUNTIME").is_ok_and(|runtime| runtime == "multi-thread") {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2);
        builder
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    runtime.enable_all().build()?.block_on(body)
}

/// A process that runs this program in another role, and prints a line for each result.
pub(crate) struct Child {
    process: process::Child,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn server(size: usize, count: usize) -> Result<Self, Box<dyn Error>> {
        Self::spawn(&["server", &size.to_string(), &count.to_string()])
    }

    pub(crate) fn client(
        endpoint: &str,
        size: usize,
        count: usize,
    ) -> Result<Self, Box<dyn Error>> {
        Self::spawn(&["client", endpoint, &size.to_string(), &count.to_string()])
    }

    pub(crate) fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn finish(mut self) -> Result<(), Box<dyn Error>> {
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a process ended with {status}").into()) }
    }

    fn spawn(arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(process.stdout.take().ok_or("the output is piped")?);
        Ok(Self { process, output })
    }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The machine is noisy: the median of this many rounds is what counts.
pub(crate) const ROUNDS: usize = 5;

const SIZES: [usize; 3] = [64, 1_024, 65_536];
