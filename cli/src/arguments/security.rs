//! The mechanism of a socket, and its keys.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use toml::{Table, Value};

use super::admission::Admitted;
use crate::exit::{Exit, Failure};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Security")]
pub(crate) struct SecurityArguments {
    /// CURVE: the public key of the server, as 40 characters of Z85 or in a file. Makes this socket
    /// a client
    #[arg(
        long,
        value_name = "KEY|FILE",
        allow_hyphen_values = true,
        conflicts_with_all = ["curve_server", "username"]
    )]
    curve_server_key: Option<String>,
    /// CURVE: this socket is the server. Without --allow-key, it admits every client that knows its
    /// public key. Requires --secret-key
    #[arg(long, requires = "secret_key", conflicts_with = "username")]
    curve_server: bool,
    /// CURVE: a file with the secret key of this socket. Without it, a client generates a new key
    #[arg(long, value_name = "FILE", env = "ZMTP_SECRET_KEY_FILE", hide_env_values = true)]
    secret_key: Option<PathBuf>,
    /// CURVE: the server admits only clients with this public key: 40 characters of Z85, a file with
    /// a key or a certificate, or a directory of certificates. Any number of times
    #[arg(long, value_name = "KEY|FILE|DIR", allow_hyphen_values = true)]
    allow_key: Vec<String>,
    /// PLAIN: this socket is the server, and admits the users of a file, which has a line
    /// NAME:PASSWORD for each
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["username", "curve_server", "curve_server_key", "allow_key"]
    )]
    plain_server: Option<PathBuf>,
    /// PLAIN: the user name of this client
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// PLAIN: a file whose first line is the password. Default: the password in the environment
    /// variable ZMTP_PASSWORD
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

impl SecurityArguments {
    /// Adds the mechanism to the description of a socket.
    pub(crate) fn apply(&self, table: &mut Table) -> Result<(), Failure> {
        let is_curve = self.curve_server || self.curve_server_key.is_some();
        if self.secret_key.is_some() && !is_curve {
            // Otherwise the traffic would not be encrypted, against what the user expects.
            let failure = Failure::usage("a secret key needs a role");
            return Err(failure
                .hint("add --curve-server or --curve-server-key, or unset ZMTP_SECRET_KEY_FILE"));
        }
        let secret_key = self.secret_key.as_deref().map(|path| key(path, "secret-key"));
        let mechanism = if self.curve_server {
            let secret_key = secret_key.transpose()?.unwrap_or_default();
            role("curve_server", [("secret_key", secret_key)])
        } else if let Some(server_key) = &self.curve_server_key {
            let path = Path::new(server_key);
            let server_key =
                if path.exists() { key(path, "public-key")? } else { server_key.clone() };
            let mut keys = vec![("server_key", server_key)];
            if let Some(secret_key) = secret_key.transpose()? {
                keys.push(("secret_key", secret_key));
            }
            role("curve_client", keys)
        } else if self.plain_server.is_some() {
            PLAIN_SERVER.into()
        } else if let Some(username) = &self.username {
            let password = match &self.password_file {
                Some(path) => read(path)?.lines().next().unwrap_or_default().to_owned(),
                None => std::env::var("ZMTP_PASSWORD").map_err(|_| {
                    Failure::usage("--username needs a password")
                        .hint("set ZMTP_PASSWORD, or name a file with --password-file")
                })?,
            };
            role("plain_client", [("username", username.clone()), ("password", password)])
        } else {
            return Ok(());
        };
        table.insert("mechanism".to_owned(), mechanism);
        Ok(())
    }

    /// Returns the clients that the socket of a description admits, if the arguments name them.
    pub(crate) fn admitted(&self, table: &Table) -> Result<Option<Admitted>, Failure> {
        let mechanism = table.get("mechanism");
        if let Some(path) = &self.plain_server {
            if mechanism.and_then(Value::as_str) != Some(PLAIN_SERVER) {
                return Err(Failure::usage("--plain-server and another mechanism"));
            }
            return Admitted::users(path).map(Some);
        }
        if self.allow_key.is_empty() {
            return Ok(None);
        }
        if mechanism.and_then(|mechanism| mechanism.get("curve_server")).is_none() {
            let failure = Failure::usage("--allow-key is for a server of CURVE");
            return Err(failure.hint("add --curve-server and --secret-key"));
        }
        Admitted::keys(&self.allow_key).map(Some)
    }

    /// Returns an error if a context cannot contain these arguments.
    pub(crate) fn check_for_context(&self) -> Result<(), Failure> {
        let name = match self {
            Self { plain_server: Some(_), .. } => "--plain-server",
            Self { allow_key, .. } if !allow_key.is_empty() => "--allow-key",
            _ => return Ok(()),
        };
        let failure = Failure::usage(format!("a context cannot contain {name}"));
        Err(failure.hint("write it on the command line of the server, after --context"))
    }
}

/// The name of the mechanism in a configuration file.
const PLAIN_SERVER: &str = "plain_server";

/// A mechanism with its keys, in the form of a configuration file.
fn role(name: &str, keys: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    let keys: Table = keys.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    Value::Table(Table::from_iter([(name.to_owned(), Value::Table(keys))]))
}

/// Reads a key from a file that contains only the key, or from a certificate of CZMQ.
fn key(path: &Path, name: &str) -> Result<String, Failure> {
    let text = read(path)?;
    let assigned = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
    });
    Ok(assigned.unwrap_or_else(|| text.trim().to_owned()))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))
}
