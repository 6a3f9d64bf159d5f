//! What the user chooses.

use std::num::NonZeroUsize;

use clap::{Parser, Subcommand};

use crate::case::{Case, Runtime, Section, Transport};
use crate::implementation::Implementation;

/// Measures tokio-zmtp next to libzmq, other implementations and bare sockets, in turn.
///
/// Without arguments, everything that docs/benchmarks.md shows, which takes some 25 minutes of an
/// idle machine with two cores, and writes it anew.
#[derive(Clone, Debug, Parser)]
#[command(name = "versus")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// A selection, measured briefly; writes nothing unless --write is given
    #[arg(long)]
    pub(crate) quick: bool,
    /// Next to nothing of everything, which tells no more than whether it works
    #[arg(long)]
    pub(crate) smoke: bool,
    /// Only these sections
    #[arg(long, value_delimiter = ',')]
    pub(crate) sections: Vec<Section>,
    /// Only these implementations
    #[arg(long, value_delimiter = ',')]
    pub(crate) implementations: Vec<Implementation>,
    /// Only these transports
    #[arg(long, value_delimiter = ',')]
    pub(crate) transports: Vec<Transport>,
    /// Only these runtimes of Tokio
    #[arg(long, value_delimiter = ',')]
    pub(crate) runtimes: Vec<Runtime>,
    /// Only bodies of these many bytes
    #[arg(long, value_delimiter = ',')]
    pub(crate) sizes: Vec<usize>,
    /// Rounds of each measurement
    #[arg(long)]
    pub(crate) rounds: Option<NonZeroUsize>,
    /// Seconds of each measurement, after a warm-up
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Keep the results in target/versus and write docs/benchmarks.md, whatever else is chosen
    #[arg(long)]
    pub(crate) write: bool,
}

impl Arguments {
    /// Whether a case was asked for.
    pub(crate) fn covers(&self, case: Case) -> bool {
        fn is_among<T: PartialEq>(chosen: &[T], value: T) -> bool {
            chosen.is_empty() || chosen.contains(&value)
        }
        is_among(&self.transports, case.transport)
            && is_among(&self.runtimes, case.runtime)
            && is_among(&self.sizes, case.size)
    }
}

/// What else there is.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Write docs/benchmarks.md and its charts from the results in target/versus
    Redraw,
}

/// Reads the command line; ends the process if it makes no sense.
pub(crate) fn parse() -> Arguments {
    Arguments::parse()
}
