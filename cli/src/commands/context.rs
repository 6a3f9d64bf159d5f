//! `zmtp context`: named endpoints with keys and options.

use std::io::Write;

use clap::{Args, Subcommand};
use toml::{Table, Value};

use crate::arguments::{Contexts, SocketArguments, secrets_hidden};
use crate::exit::Failure;
use crate::output::notice;

#[derive(Debug, Args)]
pub(crate) struct ContextArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the names of all contexts
    List,
    /// Show a context, without its secrets
    Show {
        name: String,
        /// Show secret keys and passwords as well
        #[arg(long)]
        secrets: bool,
    },
    /// Create or replace a context with these arguments
    Save {
        name: String,
        #[command(flatten)]
        socket: Box<SocketArguments>,
    },
    /// Remove a context
    Remove { name: String },
    /// Show the path of the file
    Path,
}

pub(crate) fn run(arguments: ContextArguments) -> Result<(), Failure> {
    let mut contexts = Contexts::load()?;
    let mut stdout = anstream::stdout();
    match arguments.action {
        Action::List => {
            for name in contexts.table.keys() {
                writeln!(stdout, "{name}")?;
            }
        }
        Action::Show { name, secrets } => {
            let mut context = Value::Table(contexts.get(&name)?.clone());
            if !secrets {
                secrets_hidden(&mut context);
            }
            let shown = Table::from_iter([(name, context)]);
            write!(stdout, "{shown}")?;
        }
        Action::Save { name, .. } if name.is_empty() => {
            return Err(Failure::usage("a context without a name"));
        }
        Action::Save { name, socket } => {
            let context = socket.to_context()?;
            if context.is_empty() {
                return Err(Failure::usage("a context without arguments")
                    .hint("add an endpoint with --connect or --bind, a key or an option"));
            }
            contexts.table.insert(name, Value::Table(context));
            contexts.save()?;
            notice::info(&format!("saved in {}", contexts.path.display()));
        }
        Action::Remove { name } => {
            contexts.get(&name)?;
            contexts.table.remove(&name);
            contexts.save()?;
        }
        Action::Path => writeln!(stdout, "{}", contexts.path.display())?,
    }
    Ok(())
}
