//! The statistics of a program as data, for other programs such as `zmtp top`. With the feature
//! `serde` only.
//!
//! A [`Snapshot`] contains the statistics of the sockets and proxies of a program at one moment. A
//! program publishes snapshots over a [`Pub`], in messages of two parts: [`Snapshot::TOPIC`], and
//! the snapshot as JSON. `zmtp top` displays the snapshots of any number of programs.
//!
//! ```
//! use tokio_zmtp::snapshot::Snapshot;
//! use tokio_zmtp::{Pub, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().bind("tcp://127.0.0.1:*").await?;
//! let publisher = Pub::builder().bind("tcp://127.0.0.1:*").await?;
//!
//! // Usually once a second, in a task of its own:
//! let snapshot = Snapshot::new("orders").with_socket("frontend", &server);
//! publisher.send([Snapshot::TOPIC.as_bytes(), &serde_json::to_vec(&snapshot)?]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Form
//!
//! The keys are the names of fields, at all levels:
//!
//! ```json
//! {
//!   "program": "orders",
//!   "pid": 4711,
//!   "time": 1764480000000,
//!   "sockets": [{
//!     "name": "frontend",
//!     "socket_type": "SERVER",
//!     "stats": { "sent": { "messages": 7, "bytes": 70 }, "connected": 1 },
//!     "remotes": [{
//!       "connection_id": 1,
//!       "endpoint": "tcp://127.0.0.1:5555",
//!       "address": "127.0.0.1:40000",
//!       "socket_type": "CLIENT",
//!       "routing_id": 3221225472,
//!       "stats": { "queued": { "outgoing": 2 }, "heartbeat_round_trip": 312000 }
//!     }]
//!   }],
//!   "proxies": [{
//!     "name": "broker",
//!     "is_paused": false,
//!     "stats": { "to_backend": { "messages": 7 } }
//!   }]
//! }
//! ```
//!
//! When a snapshot is read, absent keys have their defaults, and unknown keys are ignored. Programs
//! in other languages can therefore omit statistics, and later versions can add keys. `time` is in
//! milliseconds since 1970-01-01T00:00:00Z, and `heartbeat_round_trip` in nanoseconds. Counters
//! are totals since the start of their socket, connection or proxy.

use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use zmtp_proto::socket_type::SocketType;

use crate::config::AnySocket;
use crate::proxy::{ProxyHandle, ProxyStats};
use crate::remote::Remote;
#[cfg(doc)]
use crate::socket::Pub;
use crate::socket::{Remotes, Socket};
use crate::stats::{RemoteStats, Stats};

/// The statistics of the sockets and proxies of a program at one moment. With the feature `serde`
/// only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name of the program.
    pub program: String,
    /// The process id of the program; zero if it is not known.
    pub pid: u32,
    /// The time of the snapshot, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: u64,
    /// The sockets.
    pub sockets: Vec<SocketSnapshot>,
    /// The proxies.
    pub proxies: Vec<ProxySnapshot>,
}

/// The statistics of one socket at one moment. With the feature `serde` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SocketSnapshot {
    /// The name under which the socket was added.
    pub name: String,
    /// The type, such as `CLIENT`.
    pub socket_type: String,
    /// The statistics of the socket.
    pub stats: Stats,
    /// The connected remotes, in the order in which they connected. Each takes about 900 bytes in
    /// JSON: remove some to limit the size of the snapshot.
    pub remotes: Vec<RemoteSnapshot>,
}

/// The statistics of one connected remote at one moment. With the feature `serde` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RemoteSnapshot {
    /// The id of the connection: see [`ConnectionId`](crate::ConnectionId).
    pub connection_id: u64,
    /// The endpoint of the socket through which the connection was accepted or dialed.
    pub endpoint: String,
    /// The network address and port; `None` over `ipc` and `inproc`.
    pub address: Option<String>,
    /// The type, such as `SERVER`; `None` if the remote announced none.
    pub socket_type: Option<String>,
    /// The identity that the remote announced, made printable; `None` without one.
    pub identity: Option<String>,
    /// The routing id on a [`Server`](crate::Server) or [`Peer`](crate::Peer); otherwise `None`.
    pub routing_id: Option<u32>,
    /// The user id that the authenticator assigned; `None` without one.
    pub user_id: Option<String>,
    /// The statistics of the remote.
    pub stats: RemoteStats,
}

/// The statistics of one proxy at one moment. With the feature `serde` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProxySnapshot {
    /// The name under which the proxy was added.
    pub name: String,
    /// Whether the proxy is [paused](ProxyHandle::pause).
    pub is_paused: bool,
    /// The statistics of the proxy.
    pub stats: ProxyStats,
}

/// # Examples
///
/// ```
/// use tokio_zmtp::snapshot::Snapshot;
/// use tokio_zmtp::{Pull, Push, proxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (frontend, backend) = (Pull::new(), Push::new());
/// let proxy = proxy(&frontend, &backend);
/// let snapshot = Snapshot::new("broker")
///     .with_socket("frontend", &frontend)
///     .with_socket("backend", &backend)
///     .with_proxy("proxy", &proxy.handle());
/// # let any = tokio_zmtp::config::AnySocket::Pull(frontend.clone());
/// # let snapshot = snapshot.with_any_socket("any", &any);
/// assert_eq!(snapshot.sockets[1].socket_type, "PUSH");
/// # Ok(())
/// # }
/// ```
impl Snapshot {
    /// The first part of the messages in which snapshots are published.
    pub const TOPIC: &str = "zmtp.stats";

    /// Creates a snapshot of this process at the current system time, without sockets and proxies.
    #[must_use]
    pub fn new(program: impl Into<String>) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { program: program.into(), pid: process::id(), time, ..Self::default() }
    }

    /// Adds a socket under a name, with its connected remotes.
    #[must_use]
    pub fn with_socket<S: Socket>(self, name: impl Into<String>, socket: &S) -> Self {
        self.with(name.into(), S::SOCKET_TYPE, socket.stats(), socket.remotes())
    }

    /// Adds a socket of any type, like [`with_socket`](Self::with_socket).
    #[must_use]
    pub fn with_any_socket(self, name: impl Into<String>, socket: &AnySocket) -> Self {
        self.with(name.into(), socket.socket_type(), socket.stats(), socket.remotes())
    }

    /// Adds a proxy under a name.
    #[must_use]
    pub fn with_proxy(mut self, name: impl Into<String>, proxy: &ProxyHandle) -> Self {
        let (is_paused, stats) = (proxy.is_paused(), proxy.stats());
        self.proxies.push(ProxySnapshot { name: name.into(), is_paused, stats });
        self
    }

    fn with(
        mut self,
        name: String,
        socket_type: SocketType,
        stats: Stats,
        remotes: Remotes<'_>,
    ) -> Self {
        let snapshots = remotes.iter().filter_map(|remote| {
            // A remote that disconnects meanwhile is skipped.
            let stats = remotes.stats(remote.connection_id())?;
            Some(RemoteSnapshot::new(&remote, stats))
        });
        let (socket_type, remotes) = (socket_type.to_string(), snapshots.collect());
        self.sockets.push(SocketSnapshot { name, socket_type, stats, remotes });
        self
    }
}

impl RemoteSnapshot {
    fn new(remote: &Remote, stats: RemoteStats) -> Self {
        Self {
            connection_id: remote.connection_id().into(),
            endpoint: remote.endpoint().to_string(),
            address: remote.address().map(|address| address.to_string()),
            socket_type: remote.socket_type().map(|socket_type| socket_type.to_string()),
            identity: remote.identity().map(ToString::to_string),
            routing_id: remote.routing_id().map(u32::from),
            user_id: remote.user_id().map(str::to_owned),
            stats,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::socket::{Client, Server};

    #[tokio::test]
    async fn a_snapshot_is_read_back_as_it_was_written() {
        let server = Server::new();
        let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let client = Client::builder().connect(endpoint).await.unwrap();
        client.send("hello").await.unwrap();
        let (_, remote) = server.recv_from().await.unwrap();

        let mut snapshot = Snapshot::new("orders").with_socket("frontend", &server);
        snapshot.sockets[0].remotes[0].stats.heartbeat_round_trip =
            Some(Duration::from_micros(312));

        let [socket] = snapshot.sockets.as_slice() else { panic!("{snapshot:?}") };
        assert_eq!((socket.socket_type.as_str(), socket.stats.connected), ("SERVER", 1));
        let [shown] = socket.remotes.as_slice() else { panic!("{snapshot:?}") };
        assert_eq!(shown.socket_type.as_deref(), Some("CLIENT"));
        assert_eq!(shown.routing_id, remote.routing_id().map(u32::from));
        let text = serde_json::to_string(&snapshot).unwrap();
        assert!(text.contains(r#""heartbeat_round_trip":312000"#), "{text}");
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
    }

    #[test]
    fn absent_keys_have_their_defaults_and_unknown_ones_are_ignored() {
        let text = r#"{ "program": "other", "sockets": [{ "stats": { "sent": { "messages": 7 } } }], "more": 1 }"#;
        let snapshot: Snapshot = serde_json::from_str(text).unwrap();
        assert_eq!(snapshot.sockets[0].stats.sent.messages, 7);
        assert_eq!(snapshot.sockets[0].stats.received, Default::default());
        assert_eq!(snapshot.time, 0);
    }
}
