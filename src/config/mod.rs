//! Sockets described by data, such as a configuration file. With the feature `serde` only.
//!
//! A [`ClientConfig`] or a [`ServerConfig`] says all that there is to say of one socket: where it binds,
//! where it connects, and its options, under the names of the setters of [`Builder`]. A
//! [`SocketConfig`] is either of them, told apart by the key `type`, so that a map of them describes
//! all sockets of a program.
//!
//! They are plain data, for every format that describes itself, such as TOML, JSON or YAML. Values are
//! written so:
//!
//! | Value | Form | Example |
//! |---|---|---|
//! | endpoint | its text | `"tcp://127.0.0.1:5555"` |
//! | address | its text | `"127.0.0.1:0"` |
//! | number of messages or bytes | number | `1000` |
//! | yes or no | boolean | `true` |
//! | time | text with units | `"1m 30s"`, `"100ms"` |
//! | time without end | a word | `"infinite"` |
//! | mode of a file | text, in octal | `"0660"` |
//! | message | text, or a list of bytes | `"hello"`, `[0, 255]` |
//! | `mechanism` | a word, or a table under it | `"null"`, `"plain_server"`, `{ plain_client = { username = "alice", password = "swordfish" } }`, `{ curve_server = { secret_key = ".." } }`, `{ curve_client = { server_key = "..", secret_key = ".." } }` |
//! | `proxy_protocol` | networks in CIDR form, or addresses | `["10.0.0.0/8", "192.0.2.7"]` |
//! | `reconnect_stop` | names, in lower case | `["handshake_failed", "after_disconnect"]` |
//! | `socks_proxy` | table, with or without credentials | `{ address = "127.0.0.1:1080", username = "user", password = "secret" }` |
//! | `metadata` | table of texts | `{ X-Colour = "red" }` |
//! | list of one value | the value alone will do | `bind = "tcp://*:5555"` |
//!
//! What is left out has its default. A time without end is what the builder calls `None`; the word is
//! known to `connect_timeout`, `handshake_interval`, `heartbeat_interval`, `linger`,
//! `reconnect_interval`, `recv_timeout`, `resolve_interval` and `send_timeout`. For all other options
//! `None` is the default: leave them out.
//!
//! A key that is unknown is an error that names it, and so is an option of TCP that the system does
//! not have on this platform. What is written is complete, and read back equal: it stays the same when
//! a later version has other defaults.
//!
//! # Examples
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use tokio_zmtp::config::{AnySocket, SocketConfig};
//!
//! let text = r#"
//!     [frontend]
//!     type = "server"
//!     bind = ["tcp://127.0.0.1:*", "tcp://[::1]:*"]
//!     heartbeat_interval = "10s"
//!
//!     [backend]
//!     type = "client"
//!     connect = "tcp://backend.example.org:5555"
//!     send_hwm = 100
//!     linger = "infinite"
//! "#;
//! let configs: BTreeMap<String, SocketConfig> = toml::from_str(text)?;
//! let SocketConfig::Client(backend) = &configs["backend"] else { panic!("not a client") };
//! assert_eq!(backend.linger, None);
//! # Ok::<(), toml::de::Error>(())
//! ```

mod error;
mod form;
mod security;
mod sockets;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::error::ConfigError;
use self::sockets::Table;
pub use self::sockets::{ClientConfig, ServerConfig};
use crate::endpoint::Endpoint;
use crate::error::ConnectError;
use crate::socket::{Builder, Client, Server, Socket};

/// Describes a socket of any type, which the key `type` tells: `"client"` or `"server"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
// Through a table of all keys, as serde keeps the fields of a tagged enum aside until it has seen the
// tag, and then errors no longer say where the fault is.
#[serde(try_from = "Table", tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SocketConfig {
    /// A client.
    Client(ClientConfig),
    /// A server.
    Server(ServerConfig),
}

/// A socket of any type, as a [`SocketConfig`] starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnySocket {
    /// A client.
    Client(Client),
    /// A server.
    Server(Server),
}

impl SocketConfig {
    /// Makes the socket, binds it to all its endpoints and then connects it to all: see
    /// [`ClientConfig::start`] and [`ServerConfig::start`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound or connected.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], and nothing is bound or connected, if one of the endpoints or properties is
    /// refused.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    pub async fn start(&self) -> Result<AnySocket, ConfigError> {
        match self {
            Self::Client(config) => config.start().await.map(AnySocket::Client),
            Self::Server(config) => config.start().await.map(AnySocket::Server),
        }
    }
}

impl From<ClientConfig> for SocketConfig {
    fn from(config: ClientConfig) -> Self {
        Self::Client(config)
    }
}

impl From<ServerConfig> for SocketConfig {
    fn from(config: ServerConfig) -> Self {
        Self::Server(config)
    }
}

/// Makes a socket with all its endpoints, or none.
async fn start<S: Socket>(
    builder: Builder<S>,
    bind: &[Endpoint],
    connect: &[Endpoint],
    connect_all: &[Endpoint],
) -> Result<S, ConfigError> {
    for endpoint in connect.iter().chain(connect_all) {
        endpoint.check_connectable().map_err(ConnectError::from)?;
    }
    let socket = builder.build();
    let mut bound = Vec::new();
    for endpoint in bind {
        match socket.bind(endpoint).await {
            Ok(endpoint) => bound.push(endpoint),
            Err(error) => {
                // The caller may bind them anew at once, which is too early if they only go with the
                // socket. They are found, as they have just been bound.
                for endpoint in bound {
                    let _ = socket.unbind(endpoint).await;
                }
                return Err(error.into());
            }
        }
    }
    for endpoint in connect {
        socket.connect(endpoint).await?;
    }
    for endpoint in connect_all {
        socket.connect_all(endpoint).await?;
    }
    Ok(socket)
}
