//! Contexts: named endpoints with keys and options, in a file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::{env, fs};

use toml::{Table, Value};

use crate::exit::{Exit, Failure};
use crate::platform;

/// The file of contexts: a table for each, in the form of the library's configuration files.
#[derive(Debug)]
pub(crate) struct Contexts {
    pub(crate) path: PathBuf,
    pub(crate) table: Table,
}

impl Contexts {
    /// Reads the file, if there is one.
    pub(crate) fn load() -> Result<Self, Failure> {
        let path = path()?;
        let unusable =
            |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
        let table = match fs::read_to_string(&path) {
            Ok(text) => text.parse::<Table>().map_err(|error| unusable(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Table::new(),
            Err(error) => return Err(unusable(&error)),
        };
        Ok(Self { path, table })
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Table, Failure> {
        self.table.get(name).and_then(Value::as_table).ok_or_else(|| {
            let names: Vec<_> = self.table.keys().map(String::as_str).collect();
            Failure::usage(format!("`{name}` is not a context of {}", self.path.display())).hint(
                if names.is_empty() {
                    format!("create it with `zmtp context save {name} --connect ENDPOINT`")
                } else {
                    format!("there are: {}", names.join(", "))
                },
            )
        })
    }

    /// Writes the file. Only its user can read it, because it may contain keys.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let failed = |error: io::Error| {
            Failure::new(Exit::Failure, format!("{}: {error}", self.path.display()))
        };
        let text = toml::to_string(&self.table)
            .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        // A file that appears whole: other processes may read it now.
        let partial = self.path.with_extension(format!("{}.part", std::process::id()));
        let written = platform::create_private(&partial)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&partial, &self.path));
        written.map_err(|error| {
            let _ = fs::remove_file(&partial);
            failed(error)
        })
    }
}

/// Replaces secret keys and passwords by asterisks.
pub(crate) fn secrets_hidden(value: &mut Value) {
    match value {
        Value::Table(table) => table.iter_mut().for_each(|(key, value)| {
            if matches!(key.as_str(), "password" | "secret_key" | "pem") {
                *value = "***".into();
            } else {
                secrets_hidden(value);
            }
        }),
        Value::Array(list) => list.iter_mut().for_each(secrets_hidden),
        _ => {}
    }
}

/// Returns whether a value contains a secret key or a password.
pub(super) fn has_secret(value: &Value) -> bool {
    let mut hidden = value.clone();
    secrets_hidden(&mut hidden);
    hidden != *value
}

/// Returns the path of the file.
fn path() -> Result<PathBuf, Failure> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable("ZMTP_CONTEXTS") {
        return Ok(path);
    }
    let directory = variable("XDG_CONFIG_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".config")))
        .or_else(|| variable("APPDATA"));
    let missing =
        || Failure::usage("no directory for contexts").hint("set ZMTP_CONTEXTS to a file");
    Ok(directory.ok_or_else(missing)?.join("zmtp").join("contexts.toml"))
}
