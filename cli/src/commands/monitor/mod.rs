//! `zmtp monitor`: what the remote at an endpoint announces, and the events of a socket.

mod events;
mod report;

use std::time::Duration;

use clap::Args;
use tokio_zmtp::config::SocketConfig;
use tokio_zmtp::monitor::{DialFailure, HandshakeFailure};
use tokio_zmtp::probe::{ProbeError, ProbeOutcome, Probed};
use tokio_zmtp::{Endpoint, SocketType};

use self::report::Report;
use super::socket_type;
use crate::arguments::SocketArguments;
use crate::exit::{Exit, Failure, with_sources};
use crate::output::Stdout;
use crate::signals;

#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct MonitorArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// Endpoint to examine. Without --join-as, no socket connects: the connection is closed when
    /// the remote has announced itself
    #[arg(value_name = "ENDPOINT")]
    endpoint: Vec<String>,
    /// Connect a socket of this type, and write the events of its connections as they occur
    #[arg(long = "join-as", value_name = "TYPE", value_parser = socket_type)]
    join_as: Option<SocketType>,
    /// With --join-as, end after this number of events
    #[arg(short = 'n', long, value_name = "NUMBER", requires = "join_as")]
    count: Option<u64>,
    /// Write one JSON object per line
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  zmtp monitor tcp://localhost:5555                     which mechanism and socket type?
  zmtp monitor tcp://localhost:5555 --curve-server-key server.cert
                                                        does the server have this key?
  zmtp monitor tcp://localhost:5555 --username alice --password-file password
                                                        does it accept the password?
  zmtp monitor tcp://localhost:5555 --join-as sub --curve-server-key server.cert --secret-key alice.cert_secret
                                                        why is this client refused?
  zmtp monitor --join-as router --bind tcp://*:5555     which remotes come and go?";

pub(crate) async fn run(mut arguments: MonitorArguments) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.endpoint)?;
    if let Some(more) = arguments.endpoint.first() {
        return Err(Failure::usage(format!("`{more}` is not expected"))
            .hint("name more endpoints with --connect"));
    }
    match arguments.join_as {
        Some(socket_type) => {
            let (socket, monitor) = arguments.socket.start(socket_type).await?;
            events::watch(&socket, monitor, arguments.count, arguments.json).await
        }
        None => probe_all(&arguments).await,
    }
}

async fn probe_all(arguments: &MonitorArguments) -> Result<(), Failure> {
    let SocketConfig::Dealer(config) = arguments.socket.config(SocketType::Dealer)? else {
        return Err(Failure::usage("the options do not describe a socket"));
    };
    if !config.bind.is_empty() {
        return Err(Failure::usage("remotes that connect cannot be probed")
            .hint("watch them with --join-as, such as --join-as router"));
    }
    if let Some(endpoint) = config.connect.iter().find(|one| matches!(one, Endpoint::Udp(_))) {
        return Err(Failure::usage(format!("{endpoint}: udp has no connection to examine")));
    }
    let limit = arguments.socket.timeout.unwrap_or(TIME_LIMIT);
    let builder = config.builder().map_err(|error| Failure::usage(with_sources(&error)))?;
    let builder = builder.connect_timeout(limit).handshake_interval(limit);
    let mut stdout = Stdout::open()?;
    let mut first = Ok(());
    for endpoint in &config.connect {
        let probed = tokio::select! {
            biased;
            probed = builder.probe(endpoint) => probed,
            exit = signals::interrupted() => return Err(Failure::quiet(exit)),
        };
        let done = match probed {
            Ok(probed) => {
                let report = Report { endpoint, probed: &probed };
                stdout.append(|buffer| report.write(arguments.json, buffer))?;
                stdout.flush()?;
                verdict(endpoint, &probed)
            }
            Err(error) => Err(failure(&error)),
        };
        first = match (first, done) {
            (Ok(()), done) => done,
            (Err(first), Err(more)) => {
                more.report();
                Err(first)
            }
            (failed, Ok(())) => failed,
        };
    }
    first
}

/// Returns why a socket with these options would not be admitted, if that is known.
fn verdict(endpoint: &Endpoint, probed: &Probed) -> Result<(), Failure> {
    match &probed.outcome {
        ProbeOutcome::Failed(reason) => {
            let failure =
                Failure::new(Exit::Refused, format!("{endpoint}: {}", with_sources(reason)));
            Err(match reason {
                HandshakeFailure::ClosedByCurveServer => {
                    failure.hint("check --curve-server-key against the public key of the server")
                }
                HandshakeFailure::Refused { .. } if probed.mechanism == "PLAIN" => {
                    failure.hint("check the user name and the password")
                }
                _ => failure,
            })
        }
        _ => Ok(()),
    }
}

fn failure(error: &ProbeError) -> Failure {
    let (exit, hint) = match error {
        ProbeError::Endpoint(_) => (Exit::Usage, None),
        ProbeError::Failed { source, .. } => match source {
            DialFailure::TimedOut { .. } => (
                Exit::TimedOut,
                Some("a firewall may drop the packets; wait longer with --timeout"),
            ),
            DialFailure::Handshake(HandshakeFailure::TimedOut { .. }) => (
                Exit::TimedOut,
                Some(
                    "the remote accepts connections, but sends no greeting of ZMTP; it may speak \
                     another protocol",
                ),
            ),
            DialFailure::Handshake(HandshakeFailure::ClosedByRemote) => (
                Exit::Refused,
                Some("the remote may not speak ZMTP, or may not allow this address"),
            ),
            DialFailure::Handshake(_) => (Exit::Refused, None),
            DialFailure::Transport(_) => {
                (Exit::Unreachable, Some("is the remote running, and is the port right?"))
            }
            _ => (Exit::Refused, None),
        },
        _ => (Exit::Failure, None),
    };
    let failure = Failure::new(exit, with_sources(error));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The time for each step of a probe. A remote that waits for this end needs all of it.
const TIME_LIMIT: Duration = Duration::from_secs(2);
