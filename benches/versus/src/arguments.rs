//! The command line.

use std::num::NonZeroUsize;

use clap::{Parser, Subcommand};

use crate::case::{Case, Runtime, Section, Transport};
use crate::implementation::Implementation;

/// Measures tokio-zmtp, libzmq, other implementations and bare sockets in turn.
///
/// Without arguments, it measures everything that docs/benchmarks.md shows and writes that page.
/// This takes about 40 minutes on an idle machine with two cores.
#[derive(Clone, Debug, Parser)]
#[command(name = "versus")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Measure a selection briefly, and write nothing unless --write is given
    #[arg(long)]
    pub(crate) quick: bool,
    /// Run everything with a minimal load, to check that it works
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
    /// Only bodies of these sizes in bytes
    #[arg(long, value_delimiter = ',')]
    pub(crate) sizes: Vec<usize>,
    /// Rounds of each measurement
    #[arg(long)]
    pub(crate) rounds: Option<NonZeroUsize>,
    /// Seconds of each measurement, after a warm-up
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Keep the results in target/versus and write docs/benchmarks.md, even for a selection
    #[arg(long)]
    pub(crate) write: bool,
}

impl Arguments {
    /// Returns whether a case is selected.
    pub(crate) fn covers(&self, case: Case) -> bool {
        fn is_among<T: PartialEq>(chosen: &[T], value: T) -> bool {
            chosen.is_empty() || chosen.contains(&value)
        }
        is_among(&self.transports, case.transport)
            && is_among(&self.runtimes, case.runtime)
            && is_among(&self.sizes, case.size)
    }
}

/// The subcommands.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Write docs/benchmarks.md and its charts from the results in target/versus
    Redraw,
}

/// Parses the command line. Exits if it is not valid.
pub(crate) fn parse() -> Arguments {
    Arguments::parse()
}
