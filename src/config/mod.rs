//! Sockets described by data, such as a configuration file. Requires the feature `serde`.
//!
//! Each socket type has a description, such as [`ClientConfig`]: the endpoints that the socket
//! binds and connects to, and its options, with the setters of [`Builder`] as keys. A
//! [`SocketConfig`] describes a socket of any kind, named by the key `type`. A map of them
//! describes all sockets of a program.
//!
//! A [`Peer`](crate::Peer) learns the routing ids of the endpoints in `connect` as those of other
//! remotes: from their messages and from [`remotes`](crate::Peer::remotes). A program that needs an
//! id earlier passes the endpoint to [`connect_peer`](crate::Peer::connect_peer).
//!
//! The descriptions are plain data for every self-describing format, such as TOML, JSON or YAML.
//! Values have these forms:
//!
//! | Value | Form | Example |
//! |---|---|---|
//! | endpoint | text | `"tcp://127.0.0.1:5555"` |
//! | address | text | `"127.0.0.1:0"` |
//! | number of messages, parts, groups, topics, bytes, hops or attempts | number | `1000` |
//! | switch | boolean | `true` |
//! | time | text with units | `"1m 30s"`, `"100ms"` |
//! | time without limit | a word | `"infinite"` |
//! | mode of a file | octal number as text | `"0660"` |
//! | message, `identity` | text, or a list of bytes | `"hello"`, `[0, 255]` |
//! | `join` | names of groups | `["weather", "traffic"]` |
//! | `subscribe` | topics, each a text or a list of bytes | `["weather.", [0, 255]]` |
//! | `mechanism` | a word, or a table with that word as key | `"null"`, `"plain_server"`, `{ plain_client = { username = "alice", password = "swordfish" } }`, `{ curve_server = { secret_key = ".." } }`, `{ curve_client = { server_key = "..", secret_key = ".." } }`; `server_key` can be a list of up to four |
//! | `unroutable` | a word | `"drop"`, `"fail"` |
//! | `proxy_protocol` | networks in CIDR form, or addresses | `["10.0.0.0/8", "192.0.2.7"]` |
//! | `balance`, `undelivered`, `verbosity` | a name, in lower case | `"shortest_queue"`, `"redirect"`, `"verboser"` |
//! | `reconnect_stop` | names, in lower case | `["handshake_failed", "after_disconnect"]` |
//! | `websocket_origins` | list of texts | `["https://example.org"]` |
//! | `websocket_headers` | table of texts | `{ Authorization = "Bearer mF_9.B5f-4.1JqM" }` |
//! | `socks_proxy` | table, with or without credentials | `{ address = "127.0.0.1:1080", username = "user", password = "secret" }` |
//! | `metadata` | table of names and values | `{ X-Color = "red" }` |
//! | `tls_client` | table of optional keys; the roots of the system if there are no `roots` | `{ roots = "ca.pem", certificate = "alice.pem", key = "alice.key", revocation_lists = "revoked.pem", server_name = "example.org" }` |
//! | `tls_server` | table; the last two keys are optional | `{ certificate = "server.pem", key = "server.key", client_certificates = { required = "clients.pem" }, revocation_lists = "revoked.pem" }`; `{ requested = ".." }` |
//! | certificates, keys and lists of TLS | path of a PEM file, or a table with the text | `"ca.pem"`, `{ pem = "-----BEGIN .." }` |
//! | list of one value | the value alone, if it is text | `bind = "tcp://*:5555"` |
//!
//! An omitted key has its default. The word `"infinite"` is the builder's `None` and is valid for
//! `attempt_timeout`, `connect_timeout`, `handshake_interval`, `heartbeat_interval`, `linger`,
//! `reconnect_interval`, `recv_timeout`, `request_timeout`, `resolve_interval` and `send_timeout`.
//! For all other options `None` is the default: omit the key. For `send_timeout` of a
//! [`Router`](crate::Router), which by default does not wait, it is the default as well.
//!
//! An unknown key is an error that names the key. This includes TCP options that the platform does
//! not have. A description is written with all its options. Reading it back yields an equal
//! description, even in a later version with other defaults.
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

mod any_socket;
mod declare;
mod error;
mod form;
mod metadata;
mod security;
mod table;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;

pub use self::error::ConfigError;
pub use self::table::{
    AnySocket, ChannelConfig, ClientConfig, DealerConfig, DishConfig, GatherConfig, PairConfig,
    PeerConfig, PubConfig, PullConfig, PushConfig, RadioConfig, RepConfig, ReqConfig, RouterConfig,
    ScatterConfig, ServerConfig, SocketConfig, SubConfig, XPubConfig, XSubConfig,
};
#[cfg(feature = "tls")]
pub use self::tls::{ClientCertificates, PemSource, TlsClientConfig, TlsServerConfig};
use zmtp_proto::endpoint::{Endpoint, check_connectable};

use crate::error::ConnectError;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::Socket;

/// Adds all its endpoints to a socket, or returns an error with nothing bound or connected.
async fn open<S: Socket>(
    socket: &S,
    bind: &[Endpoint],
    connect: &[Endpoint],
    connect_all: &[Endpoint],
) -> Result<(), ConfigError> {
    for endpoint in connect.iter().chain(connect_all) {
        check_connectable(endpoint).map_err(ConnectError::from)?;
    }
    let mut bound = Vec::new();
    let started = async {
        for endpoint in bind {
            bound.push(socket.bind(endpoint).await?);
        }
        for endpoint in connect {
            socket.connect(endpoint).await?;
        }
        for endpoint in connect_all {
            socket.connect_all(endpoint).await?;
        }
        Ok(())
    };
    let Err(error) = started.await else { return Ok(()) };
    // The caller may bind the endpoints again immediately, before they would be released with the
    // socket. Unbinding cannot fail: they have just been bound.
    for endpoint in bound {
        let _ = socket.unbind(endpoint).await;
    }
    Err(error)
}

/// Returns an error if one of the changed options is not an option of a kind.
fn refuse_others(changed: &[&str], own: &[&str], kind: &str) -> Result<(), String> {
    match changed.iter().find(|key| !own.contains(key)) {
        Some(key) => Err(format!("unknown field `{key}`: it is not an option of a {kind}")),
        None => Ok(()),
    }
}
