//! The cases: the work of a section, with its size, transport and runtime.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) section: Section,
    pub(crate) transport: Transport,
    pub(crate) runtime: Runtime,
    /// Whether both processes share one core.
    pub(crate) pinned: bool,
    /// Whether a publisher waits for full subscribers instead of dropping messages.
    #[serde(default)]
    pub(crate) no_drop: bool,
    /// The number of topics of each SUB, of which one matches.
    #[serde(default)]
    pub(crate) topics: usize,
    /// Whether messages pass a proxy in a third process.
    #[serde(default)]
    pub(crate) proxied: bool,
    /// Whether messages are encrypted, in a section that compares both.
    #[serde(default)]
    pub(crate) curve: bool,
    /// Whether both processes are built with link-time optimization.
    #[serde(default)]
    pub(crate) lto: bool,
    /// The attack on the server.
    #[serde(default)]
    pub(crate) flood: Option<Flood>,
    /// The rate of requests, if it does not depend on replies.
    #[serde(default)]
    pub(crate) load: Option<Load>,
    /// The number of connections to the server.
    pub(crate) clients: usize,
    /// The number of concurrent requests, or zero for one-way messages.
    pub(crate) outstanding: usize,
    /// The size of a body in bytes.
    pub(crate) size: usize,
}

impl Case {
    /// Creates a case with one-way messages of one client, over TCP, on one thread.
    pub(crate) fn new(section: Section, size: usize) -> Self {
        Self {
            section,
            transport: Transport::Tcp,
            runtime: Runtime::CurrentThread,
            pinned: false,
            no_drop: false,
            topics: 0,
            proxied: false,
            curve: false,
            lto: false,
            flood: None,
            load: None,
            clients: 1,
            outstanding: 0,
            size,
        }
    }
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Section {
    /// One-way messages, at full speed.
    Throughput,
    /// One request at a time.
    Latency,
    /// Several requests at a time.
    Pipelined,
    /// Many clients to one server.
    FanIn,
    /// One-way messages, and requests with replies, encrypted.
    Curve,
    /// Connections that are established, used for one request, and closed.
    Handshakes,
    /// Connections of clients while others flood the server with handshakes of CURVE.
    Floods,
    /// Memory of idle connections.
    Idle,
    /// Processor time and system calls.
    Cost,
    /// Calls, each with a reply.
    Rpc,
    /// Several requests at a time, from a DEALER to a ROUTER.
    Dealer,
    /// One request at a time, from a REQ to a REP.
    Req,
    /// SCATTER to GATHER, at full speed.
    Scatter,
    /// PUSH to PULL, at full speed.
    Push,
    /// PUSH to PULL with calls for many messages, at full speed.
    Batches,
    /// Messages of several parts from PUSH to PULL, at full speed.
    Parts,
    /// A RADIO to many DISHes.
    Groups,
    /// A RADIO to a DISH over udp.
    Datagrams,
    /// A PUB to many SUBs.
    Topics,
    /// One-way messages over WebSockets.
    Websocket,
    /// Requests at a given rate.
    Load,
    /// Many connections to one server, which restarts.
    Crowd,
    /// One-way messages and requests, with and without link-time optimization.
    Lto,
}

impl Section {
    /// Returns the heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Throughput => "One-way throughput",
            Self::Latency => "Round trips",
            Self::Pipelined => "Request and reply with several outstanding",
            Self::FanIn => "Many clients",
            Self::Curve => "Throughput with CURVE",
            Self::Handshakes => "Handshakes",
            Self::Floods => "Floods of handshakes",
            Self::Idle => "Idle connections",
            Self::Cost => "Processor time and system calls",
            Self::Rpc => "Remote procedure calls",
            Self::Dealer => "DEALER to ROUTER",
            Self::Req => "REQ to REP",
            Self::Scatter => "SCATTER to GATHER",
            Self::Push => "PUSH to PULL",
            Self::Batches => "PUSH to PULL in batches",
            Self::Parts => "Messages of three parts",
            Self::Groups => "RADIO to many DISHes",
            Self::Datagrams => "RADIO to DISH over udp",
            Self::Topics => "PUB to many SUBs",
            Self::Websocket => "One-way throughput over WebSockets",
            Self::Load => "Latency under load",
            Self::Crowd => "Many connections",
            Self::Lto => "Link-time optimization",
        }
    }

    /// Returns the name of the file for the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Pipelined => "pipelined",
            Self::FanIn => "fan-in",
            Self::Curve => "curve",
            Self::Handshakes => "handshakes",
            Self::Floods => "floods",
            Self::Idle => "idle",
            Self::Cost => "cost",
            Self::Rpc => "rpc",
            Self::Dealer => "dealer",
            Self::Req => "req",
            Self::Scatter => "scatter",
            Self::Push => "push",
            Self::Batches => "batches",
            Self::Parts => "parts",
            Self::Groups => "groups",
            Self::Datagrams => "datagrams",
            Self::Topics => "topics",
            Self::Websocket => "websocket",
            Self::Load => "load",
            Self::Crowd => "crowd",
            Self::Lto => "lto",
        }
    }
}

/// An attack: connections of which none completes the handshake of CURVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Flood {
    pub(crate) kind: FloodKind,
    /// The number of addresses, or zero for the address of the clients.
    pub(crate) addresses: u16,
    /// New connections per second, or zero for as many as possible.
    pub(crate) rate: u32,
}

/// What an attacker sends, and how long it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FloodKind {
    /// A HELLO with random bytes instead of a box.
    Garbage,
    /// A valid HELLO. The connection is closed after the WELCOME.
    Leave,
    /// A valid HELLO. The connection stays open until the server closes it.
    Stay,
}

/// A rate of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Load {
    /// A percentage of the highest rate that the implementation reaches.
    Percent(u64),
    /// Requests per second.
    PerSecond(u64),
}

/// The transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
    Tcp,
    Ipc,
    Inproc,
    /// RADIO and DISH only.
    Udp,
    Ws,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
            Self::Inproc => "inproc",
            Self::Udp => "udp",
            Self::Ws => "ws",
        })
    }
}

/// Tokio's runtime, for implementations that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    CurrentThread,
    /// Two workers.
    MultiThread,
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CurrentThread => "current-thread",
            Self::MultiThread => "multi-thread",
        })
    }
}

/// The quantities that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Metric {
    /// Messages, or answered requests, per second.
    Rate,
    /// The median round trip in microseconds.
    Median,
    /// The 99th percentile of round trips in microseconds.
    P99,
    /// The median of the 99th percentiles of short windows, in microseconds.
    WindowP99,
    /// The 99.9th percentile of round trips in microseconds.
    P999,
    /// Bytes of memory per connection in the accepting process.
    ServerMemory,
    /// Bytes of memory per connection in the connecting process.
    ClientMemory,
    /// Seconds of processor time of both processes per million messages.
    Processor,
    /// System calls of both processes per million messages.
    Calls,
    /// Microseconds of processor time of the server per connection.
    Handshake,
    /// Connections of the attacker per second.
    Attacks,
    /// The median time in which a client connects and receives a reply, in milliseconds.
    ConnectMedian,
    /// The 99th percentile of these times.
    ConnectP99,
    /// The percentage of clients without a reply after five seconds.
    Failed,
    /// The 99th percentile of round trips over a connection from before the flood, in microseconds.
    EstablishedP99,
    /// The time until a message has passed over every new connection, in milliseconds.
    Connect,
    /// The time from the restart of the server until a message has passed over every connection
    /// again, in milliseconds.
    Reconnect,
    /// The greatest number of connections that returned within a tenth of a second.
    Herd,
    /// As `Reconnect`, after a longer outage.
    LongReconnect,
    /// As `Herd`, after a longer outage.
    LongHerd,
}

impl Metric {
    /// Returns whether greater values are better.
    pub(crate) fn more_is_better(self) -> bool {
        self == Self::Rate
    }
}

/// Formats the size of a body: `64`, `4Ki` or `1Mi`.
pub(crate) fn in_words(size: usize) -> String {
    match size {
        size if size >= 1 << 20 && size % (1 << 20) == 0 => format!("{}Mi", size >> 20),
        size if size >= 1 << 10 && size % (1 << 10) == 0 => format!("{}Ki", size >> 10),
        size => size.to_string(),
    }
}
