//! `zmtp`: ZeroMQ from the command line.
//!
//! `arguments` and `input` read the command line, `commands` has a file for each command, `socket`
//! has the sockets of any type, `output` writes messages and notices, and `platform` has what
//! differs between systems.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod exit;
mod input;
mod output;
mod platform;
mod signals;
mod socket;

use std::io;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser};
use tokio::runtime;
use tracing_subscriber::filter::LevelFilter;

use self::commands::Command;
use self::exit::{Exit, Failure};

/// ZeroMQ from the command line.
#[derive(Debug, Parser)]
#[command(name = "zmtp", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// Log the events of sockets, including attempts to connect (DEBUG); -vv logs everything
    /// (TRACE)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 900)]
    verbose: u8,
    /// Write only errors, no notices
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,
    /// Color of notices and errors
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        display_order = 902
    )]
    color: ColorChoice,
}

fn main() -> ExitCode {
    let matches = commands::hide_others(CommandLine::command()).get_matches();
    let line = CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match line.color {
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    if line.quiet {
        output::notice::be_quiet();
    }
    log(line.verbose);
    match run(line.command) {
        Ok(()) => Exit::Success.into(),
        Err(failure) => {
            failure.report();
            failure.exit.into()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        signals::listen()?;
        command.run().await
    })
}

const EXAMPLES: &str = "\
Examples:
  zmtp sub tcp://localhost:5556 weather.       show what a publisher sends
  zmtp pub --bind tcp://*:5556 weather. sunny  publish a message of two parts
  zmtp request tcp://localhost:5555 hello      send a request, show the reply
  zmtp reply --bind tcp://*:5555 --echo        reply to each request with itself
  seq 10 | zmtp push tcp://localhost:5557      send each line

An endpoint given without an option is connected to; with the prefix @, it is bound: @tcp://*:5555.

Exit codes:
    0  done
    1  any other failure
    2  the command line, an endpoint, an option or a file is not valid
    3  a time limit was reached: --timeout, --deadline or a default
    4  the remote refuses the socket, for example because of its mechanism, key or socket type
    5  messages were not written or were dropped, or a request may not have been answered
    6  monitor cannot connect to the endpoint
  130  interrupted by Ctrl-C
  141  the reader of the output has closed it
  143  terminated";

/// Writes the log of the library to standard error, if it is requested.
fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(color)
        .with_target(false);
    subscriber.init();
}
