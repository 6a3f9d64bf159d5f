//! `zmtp bench`: the throughput of a socket, and the latency of a service.

mod latency;
mod plot;
mod progress;
mod requests;
mod svg;
mod throughput;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use tokio_zmtp::SocketType;

use self::requests::Style;
use super::socket_type;
use crate::arguments::{SocketArguments, time};
use crate::exit::Failure;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Send or receive messages at the highest possible rate
    Throughput(ThroughputArguments),
    /// Send requests at a fixed rate, and measure the time to their replies
    Latency(LatencyArguments),
}

#[derive(Clone, Debug, Args)]
#[command(after_long_help = THROUGHPUT_EXAMPLES)]
pub(crate) struct ThroughputArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// Endpoint to connect to, or to bind if prefixed with @
    #[arg(value_name = "ENDPOINT")]
    endpoint: Vec<String>,
    /// Type of the socket. A type that can send and receive sends, except with --receive
    #[arg(short = 'T', long = "type", value_name = "TYPE", value_parser = socket_type, default_value = "push")]
    socket_type: SocketType,
    /// Receive messages and count them
    #[arg(long)]
    receive: bool,
    /// Size of each message to send, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    size: usize,
    /// Group to send to (RADIO)
    #[arg(short, long, value_name = "GROUP")]
    group: Option<String>,
    #[command(flatten)]
    shared: SharedArguments,
}

#[derive(Clone, Debug, Args)]
#[command(after_long_help = LATENCY_EXAMPLES)]
pub(crate) struct LatencyArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// Endpoint to connect to, and the request; @FILE is the content of a file. Default: a request
    /// of --size bytes
    #[arg(value_name = "ENDPOINT|REQUEST")]
    request: Vec<String>,
    /// Form of the requests: req or dealer for a REP or ROUTER, client for a SERVER, pair or
    /// channel for the same type, rpc for a service of `zmtp call`
    #[arg(short = 'T', long = "type", value_enum, value_name = "TYPE", default_value = "req")]
    style: Style,
    /// Requests per second; 0 sends each request when the previous reply has arrived
    #[arg(short, long, value_name = "NUMBER", default_value_t = 1000.0)]
    rate: f64,
    /// Sockets that share the rate. Each has one request at a time
    #[arg(short = 'C', long, value_name = "NUMBER", default_value_t = 1)]
    connections: usize,
    /// Size of each request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    size: usize,
    /// Write a diagram of the percentiles to a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    shared: SharedArguments,
}

/// The arguments of every benchmark.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Measurement")]
pub(crate) struct SharedArguments {
    /// Duration of the measurement
    #[arg(short, long, value_name = "TIME", value_parser = time, default_value = "10s")]
    duration: Duration,
    /// Duration of the warm-up before it, which is not measured
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1s")]
    warm_up: Duration,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

const THROUGHPUT_EXAMPLES: &str = "\
Examples:
  zmtp bench throughput -T pull @tcp://*:5555                 on one host
  zmtp bench throughput -T push tcp://host:5555 --size 1024   on another, or any PUSH of ZeroMQ
  zmtp bench throughput -T sub tcp://host:5556 --json";

const LATENCY_EXAMPLES: &str = "\
Examples:
  zmtp bench latency tcp://host:5555                          a REP at 1000 requests per second
  zmtp bench latency tcp://host:5555 -r 20000 -C 16 -d 30s --svg latency.svg
  zmtp bench latency tcp://host:5555 '{\"get\": 1}' -T client
  zmtp bench latency tcp://host:5555 -T rpc -r 0              one call after another

  zmtp reply --echo @tcp://*:5555                             a REP to measure

A latency begins when the request was due, not when it was sent: a service that stalls delays the
requests after it, and their latencies include the delay.";

pub(crate) async fn run(command: BenchCommand) -> Result<(), Failure> {
    match command {
        BenchCommand::Throughput(arguments) => throughput::run(arguments).await,
        BenchCommand::Latency(arguments) => latency::run(arguments).await,
    }
}
