//! The roles of measured processes, and their commands.
//!
//! Commands are lines of the process's input, and reports are lines of JSON on its output. The
//! process exits when its input ends, because the measuring process has exited.

use std::env;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::case::{Flood, Runtime, Section};
use crate::implementation::{Implementation, Place};

/// The role of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) implementation: Implementation,
    pub(crate) part: Part,
    pub(crate) runtime: Runtime,
    /// The core to which it is pinned.
    pub(crate) core: Option<usize>,
    /// The section, which determines the socket types.
    pub(crate) section: Section,
    pub(crate) place: Place,
    /// The endpoint to connect to.
    pub(crate) endpoint: String,
    /// Concurrent requests.
    pub(crate) outstanding: usize,
    /// Whether messages are encrypted.
    pub(crate) curve: bool,
    pub(crate) flood: Option<Flood>,
    /// Whether the process is built with link-time optimization.
    pub(crate) lto: bool,
}

/// One end of a connection, or both.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Part {
    /// Receives messages.
    Receiver,
    /// Sends messages on command.
    Sender,
    /// Returns every message.
    Server,
    /// Sends requests.
    Client,
    /// Establishes connections, each for one request.
    Visitors,
    /// Establishes connections whose handshakes do not complete.
    Attacker,
    /// Establishes a connection now and then, while another one stays.
    Probe,
    /// Answers calls.
    Responder,
    /// Makes calls.
    Caller,
    /// Sends requests at a given rate, or makes calls at this rate.
    Pacer,
    /// Returns every message with the number of remotes that have sent one.
    Census,
    /// Establishes many connections, and sends requests over them.
    Crowd,
    /// Establishes connections and keeps them.
    Holder,
    /// Keeps a core from halting.
    Idler,
    /// Sends to all subscribers.
    Publisher,
    /// Forwards messages from a publisher, and subscriptions to it.
    Proxy,
    /// Receives with several sockets.
    Subscribers,
    /// Both ends of one-way messages, inside one process.
    BothOneWay,
    /// Both ends of requests and replies, inside one process.
    BothRequests,
}

/// Commands, which are usually numbers of messages.
pub(crate) type Orders = mpsc::UnboundedReceiver<u64>;

/// Returns the role in the arguments, if this is a measured process.
pub(crate) fn asked_for() -> Option<Role> {
    let mut arguments = env::args().skip(1);
    if arguments.next()? != COMMAND {
        return None;
    }
    Some(serde_json::from_str(&arguments.next()?).expect("the measuring process passes a role"))
}

/// The first argument of a measured process.
pub(crate) const COMMAND: &str = "role";

/// The command to report the resource usage.
pub(crate) const USED: &str = "used";
