//! `zmtp options`: the options of a socket type.

use clap::Args;
use serde_json::Value;
use tokio_zmtp::SocketType;

use super::socket_type;
use crate::arguments::SocketArguments;
use crate::exit::{Exit, Failure};
use crate::output::Stdout;

#[derive(Clone, Debug, Args)]
pub(crate) struct OptionsArguments {
    /// Type of the socket, such as push
    #[arg(value_name = "TYPE", value_parser = socket_type)]
    socket_type: SocketType,
}

/// Writes the name and the default of each option.
pub(crate) fn run(arguments: &OptionsArguments) -> Result<(), Failure> {
    let config = SocketArguments::default().config(arguments.socket_type)?;
    let options = serde_json::to_value(&config)
        .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
    let mut stdout = Stdout::open()?;
    for (name, value) in options.as_object().into_iter().flatten() {
        let value = match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if name != "type" {
            let line = format!("{name:<27} {value}");
            stdout.append(|buffer| {
                buffer.extend_from_slice(line.trim_end().as_bytes());
                buffer.push(b'\n');
            })?;
        }
    }
    Ok(stdout.flush()?)
}
