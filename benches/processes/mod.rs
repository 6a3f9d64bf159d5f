//! The measured processes, which run this program in other roles.

pub(crate) mod latency;
pub(crate) mod throughput;

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{self, ChildStdout, Command, Stdio};

use tokio_zmtp::auth::{CurveKeypair, CurveSecretKey};
use tokio_zmtp::{Builder, Mechanism};

/// Runs the role that the arguments request. Returns `None` in the measuring process.
pub(crate) fn role() -> Option<Result<(), Box<dyn Error>>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [role, endpoint, count, size] = arguments.as_slice() else { return None };
    let count = count.parse().expect("the measuring process passes numbers");
    let size = size.parse().expect("the measuring process passes numbers");
    match role.as_str() {
        "lat-client" => Some(run(latency::client(endpoint, count, size))),
        "lat-server" => Some(run(latency::server(endpoint, count))),
        "thr-client" => Some(run(throughput::client(endpoint, count, size))),
        "thr-gather" => Some(run(throughput::gather(endpoint, count, size))),
        "thr-scatter" => Some(run(throughput::scatter(endpoint, count, size))),
        "thr-server" => Some(run(throughput::server(endpoint, count, size))),
        _ => None,
    }
}

/// Returns the sizes that the arguments request, or the default sizes.
pub(crate) fn sizes() -> Vec<usize> {
    let sizes: Vec<_> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() { SIZES.to_vec() } else { sizes }
}

/// Returns the endpoint to bind: over TCP, unless `ipc` is among the arguments.
pub(crate) fn endpoint() -> &'static str {
    if env::args().any(|argument| argument == "ipc") { "ipc://*" } else { "tcp://127.0.0.1:*" }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A measured process, which prints a line for each result.
pub(crate) struct Child {
    process: process::Child,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn spawn(
        program: impl AsRef<OsStr>,
        role: &str,
        endpoint: &str,
        count: usize,
        size: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(program)
            .args([role, endpoint, &count.to_string(), &size.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(process.stdout.take().ok_or("the output is not piped")?);
        Ok(Self { process, output })
    }

    pub(crate) fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn kill(mut self) -> Result<(), Box<dyn Error>> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), Box<dyn Error>> {
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a process ended with {status}").into()) }
    }
}

/// The role of a measured socket in the security handshake.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Client,
    Server,
}

/// Sets the mechanism that the environment requests, with the published keys of zmq_curve(7).
pub(crate) fn secured<S>(builder: Builder<S>, role: Role) -> Result<Builder<S>, Box<dyn Error>> {
    if env::var("MECHANISM").is_ok_and(|mechanism| mechanism == "curve") {
        let keypair = |secret: &str| secret.parse::<CurveSecretKey>().map(CurveKeypair::from);
        let server = keypair("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")?;
        return Ok(builder.mechanism(match role {
            Role::Client => Mechanism::curve_client((
                server.public_key(),
                keypair("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")?,
            )),
            Role::Server => Mechanism::curve_server(server),
        }));
    }
    Ok(builder)
}

/// Runs a measured role on the runtime that the environment requests.
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

/// The number of rounds of a measurement. Their median is the result, because machines are noisy.
pub(crate) const ROUNDS: usize = 5;

const SIZES: [usize; 3] = [64, 1_024, 65_536];
