//! `--option name=value`: every option of the library, in the form of its configuration files.

use serde::Deserialize as _;
use tokio_zmtp::config::SocketConfig;
use toml::{Table, Value};

use crate::exit::Failure;

/// Adds an option to the description of a socket.
pub(crate) fn set(table: &mut Table, option: &str) -> Result<(), Failure> {
    let Some((name, value)) = option.split_once('=') else {
        return Err(Failure::usage(format!("`--option {option}` has no value"))
            .hint("write --option name=value, such as --option linger=5s"));
    };
    let name = name.trim().replace('-', "_");
    let text = Value::String(value.to_owned());
    // `linger=5s` needs no quotes, and `identity=7` is text although it looks like a number.
    let parsed = format!("value = {value}").parse::<Table>().ok();
    let parsed = parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| text.clone());
    let mut first = None;
    for value in [parsed, text] {
        let mut single = Table::new();
        single
            .extend(table.get("type").map(|socket_type| ("type".to_owned(), socket_type.clone())));
        single.insert(name.clone(), value.clone());
        match SocketConfig::deserialize(single) {
            Ok(_) => {
                table.insert(name, value);
                return Ok(());
            }
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    let reason = first.map(|error| error.message().trim().to_owned()).unwrap_or_default();
    Err(Failure::usage(format!("`--option {option}`: {reason}")))
}
