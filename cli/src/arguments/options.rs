//! `--option name=value`: every option of the library, in the form of its configuration files.

use std::fs;

use serde::Deserialize as _;
use tokio_zmtp::config::SocketConfig;
use toml::{Table, Value};

use super::context::has_secret;
use crate::exit::Failure;
use crate::output::notice;

/// Adds an option to the description of a socket.
pub(crate) fn set(table: &mut Table, option: &str) -> Result<(), Failure> {
    let Some((name, value)) = option.split_once('=') else {
        return Err(Failure::usage(format!("`--option {option}` has no value"))
            .hint("write --option name=value, such as --option linger=5s"));
    };
    let name = name.trim().replace('-', "_");
    let path = value.strip_prefix('@').filter(|path| !path.starts_with('@'));
    let value = match path {
        None => value.strip_prefix('@').unwrap_or(value).to_owned(),
        Some(path) => {
            let read = fs::read_to_string(path);
            read.map_err(|error| Failure::usage(format!("{path}: {error}")))?.trim_end().to_owned()
        }
    };
    let text = Value::String(value.clone());
    // `linger=5s` needs no quotes, and `identity=7` is text although it looks like a number.
    let parsed = format!("value = {value}").parse::<Table>().ok();
    let parsed = parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| text.clone());
    let mut first = None;
    for value in [parsed, text] {
        match check(table, &name, &value) {
            Ok(()) => {
                if path.is_none() && has_secret(&value) {
                    notice::warning(&format!(
                        "other users can see the secret of `--option {name}`; \
                         write it to a file, and read it with `--option {name}=@FILE`"
                    ));
                }
                table.insert(name, value);
                return Ok(());
            }
            Err(reason) => {
                first.get_or_insert(reason);
            }
        }
    }
    let (reason, similar) = first.unwrap_or_default();
    let failure = Failure::usage(format!("`--option {name}`: {reason}"));
    Err(match similar {
        Some(similar) => failure.hint(format!("did you mean `{similar}`? {LISTED}")),
        None if reason.starts_with(UNKNOWN) => failure.hint(LISTED),
        None => failure,
    })
}

/// Adds the keys of a context to the description of a socket, except those of other types.
pub(crate) fn extend(table: &mut Table, context: Table) -> Result<(), Failure> {
    for (name, value) in context {
        if name == "type" {
            continue;
        }
        match check(table, &name, &value) {
            Ok(()) => {
                table.insert(name, value);
            }
            Err((reason, _)) if reason.contains(OF_ANOTHER_TYPE) => {}
            Err((reason, _)) => {
                return Err(Failure::usage(format!("`{name}` of the context: {reason}")));
            }
        }
    }
    Ok(())
}

/// Checks an option by itself, so that an error concerns nothing else. The error has the reason, and
/// the most similar name if there is no option of this name.
fn check(table: &Table, name: &str, value: &Value) -> Result<(), (String, Option<String>)> {
    let mut single = Table::new();
    let socket_type = table.get("type").cloned().unwrap_or_else(|| "dealer".into());
    single.insert("type".to_owned(), socket_type);
    single.insert(name.to_owned(), value.clone());
    match SocketConfig::deserialize(single) {
        Ok(_) => Ok(()),
        // A context may be for any type.
        Err(error) if !table.contains_key("type") && error.message().contains(OF_ANOTHER_TYPE) => {
            Ok(())
        }
        Err(error) => {
            let message = error.message().trim();
            // The list of all options is longer than a line.
            let Some((reason, names)) = message.split_once(", expected one of") else {
                return Err((message.to_owned(), None));
            };
            if !reason.starts_with(UNKNOWN) {
                // The values of one option are few.
                return Err((message.to_owned(), None));
            }
            let similarity = |other: &&str| strsim::jaro_winkler(name, other);
            let names = names.split('`').skip(1).step_by(2);
            let similar = names
                .filter(|other| similarity(other) > SIMILAR)
                .max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
            Err((reason.to_owned(), similar.map(str::to_owned)))
        }
    }
}

const UNKNOWN: &str = "unknown field";

const LISTED: &str = "`zmtp options TYPE` lists the options";

/// The similarity from which a name is probably a misspelled one.
const SIMILAR: f64 = 0.8;

const OF_ANOTHER_TYPE: &str = "it is not an option of a";
