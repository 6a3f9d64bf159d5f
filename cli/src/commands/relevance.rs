//! The options that `--help` shows: those that the socket type of the command has.

use clap::{Arg, Command};

/// Hides options from the help of commands whose sockets do not have them. They are errors there.
pub(crate) fn hide_others(command: Command) -> Command {
    let command = HIDDEN.iter().fold(command, |command, (name, options)| {
        command.mut_subcommand(name, |subcommand| hide(subcommand, options))
    });
    command.mut_subcommand("bench", |bench| {
        bench.mut_subcommand("latency", |latency| hide(latency, &["subscribe", "join"]))
    })
}

fn hide(command: Command, options: &[&str]) -> Command {
    options.iter().fold(command, |command, option| {
        command.mut_arg(option, |argument: Arg| argument.hide(true))
    })
}

const HIDDEN: &[(&str, &[&str])] = &[
    ("send", &["join"]),
    ("request", &["subscribe", "join"]),
    ("reply", &["subscribe", "join"]),
    ("pub", &["subscribe", "join", "identity", "group", "to"]),
    ("sub", &["join", "identity"]),
    ("push", &["subscribe", "join", "identity", "group", "to", "no_wait"]),
    ("pull", &["subscribe", "join", "identity"]),
    ("req", &["subscribe", "join"]),
    ("rep", &["subscribe", "join", "identity"]),
    ("dealer", &["subscribe", "join", "group", "to", "no_wait"]),
    ("router", &["subscribe", "join", "group", "no_wait"]),
    ("pair", &["subscribe", "join", "identity", "group", "to", "no_wait"]),
    ("client", &["subscribe", "join", "identity", "group", "to", "no_wait"]),
    ("server", &["subscribe", "join", "identity", "group", "no_wait"]),
    ("peer", &["subscribe", "join", "identity", "group", "no_wait"]),
    ("channel", &["subscribe", "join", "identity", "group", "to", "no_wait"]),
    ("radio", &["subscribe", "join", "identity", "to"]),
    ("dish", &["subscribe", "identity"]),
    ("scatter", &["subscribe", "join", "identity", "group", "to", "no_wait"]),
    ("gather", &["subscribe", "join", "identity"]),
    ("xpub", &["subscribe", "join", "identity", "group", "to"]),
    ("xsub", &["join", "identity", "group", "to", "no_wait"]),
    ("call", &["subscribe", "join"]),
    ("top", &["subscribe", "join", "identity"]),
];
