//! What a monitor tells.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::reason::{DialFailure, DisconnectReason, HandshakeFailure};
use crate::connection_id::ConnectionId;
use crate::endpoint::Endpoint;
use crate::routing_id::RoutingId;
use crate::stats::EndedRemotes;

/// Something that happened to an endpoint or a connection of a socket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The endpoint of this socket that it happened to, or to a connection of which.
    pub endpoint: Endpoint,
    /// The network address of the remote, once it is known; over `ipc` and `inproc` it has none.
    pub address: Option<SocketAddr>,
    /// Which connection it happened to; `None` if it happened to the endpoint.
    pub connection_id: Option<ConnectionId>,
    /// The id by which a [`Server`](crate::Server) sends to the remote; `None` before the handshake,
    /// and on a `Client`.
    pub routing_id: Option<RoutingId>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened. In brackets libzmq's event, less `ZMQ_EVENT_`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The endpoint is bound. (`LISTENING`.)
    Listening,
    /// No connection can be accepted for now, as a rule because the process has no file descriptor
    /// left. It is tried again after a pause. (`ACCEPT_FAILED`.)
    AcceptFailed {
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// A remote has connected; the handshake begins. (`ACCEPTED`.)
    Accepted,
    /// An attempt to connect has begun. (`CONNECT_DELAYED`.)
    ConnectDelayed,
    /// The attempt failed, or took too long.
    ConnectFailed {
        /// Why.
        reason: DialFailure,
    },
    /// The attempt succeeded; the handshake begins. (`CONNECTED`.)
    Connected,
    /// The handshake is finished: messages can be exchanged. (`HANDSHAKE_SUCCEEDED`.)
    HandshakeSucceeded,
    /// The handshake failed, and the connection is closed. (`HANDSHAKE_FAILED_NO_DETAIL`, `_PROTOCOL`
    /// and `_AUTH`.)
    HandshakeFailed {
        /// Why.
        reason: HandshakeFailure,
    },
    /// A connection whose handshake was finished has ended. (`DISCONNECTED`.)
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
    /// Another attempt to connect will be made. (`CONNECT_RETRIED`.)
    ConnectRetried {
        /// After so long.
        delay: Duration,
    },
    /// The endpoint establishes no new connections for now: ended remotes have left more to be received
    /// than [`ended_hwm_bytes`](crate::Builder::ended_hwm_bytes). (libzmq has no such event.)
    ConnectionsPaused {
        /// What ended remotes have left.
        ended: EndedRemotes,
    },
    /// The endpoint establishes connections again, because enough of what ended remotes left has been
    /// received.
    ConnectionsResumed,
    /// Messages were dropped.
    MessagesDropped {
        /// How many.
        messages: u64,
        /// Why.
        cause: DropCause,
    },
    /// The endpoint is no longer bound, or no further attempts will be made to connect to it.
    /// (`CLOSED`.)
    Closed,
}

/// Why messages were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropCause {
    /// The remote sent multipart messages, which have no meaning between thread-safe sockets (RFC 37,
    /// Thread-Safe Socket Types).
    Multipart,
    /// It is a single message. The remote has ended two connections in a row while the message was being
    /// written, which remotes do if it is too long for them; see
    /// [`Dropped::refused`](crate::stats::Dropped::refused).
    Refused {
        /// The bytes of its body.
        len: usize,
    },
    /// They were accepted from a handle, and not handed to the transport when their remote or the
    /// socket ended.
    Undelivered,
    /// They were read from the remote, and not queued for `recv` before the connection or the socket ended.
    Unread,
}
