//! The events of a monitor.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::identity::Identity;
use zmtp_proto::topic::Topic;

use super::reason::{DialFailure, DisconnectReason, HandshakeFailure};
use crate::connection_id::ConnectionId;
use crate::routing_id::RoutingId;
use crate::stats::{EndedRemotes, RemoteStats};

/// An event of an endpoint or a connection of a socket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The endpoint of this socket that the event, or its connection, belongs to.
    pub endpoint: Endpoint,
    /// The network address of the remote, once it is known; `None` over `ipc` and `inproc`.
    pub address: Option<SocketAddr>,
    /// The connection of the event; `None` if it is an event of the endpoint.
    pub connection_id: Option<ConnectionId>,
    /// The routing id of the remote on a [`Server`](crate::Server) or [`Peer`](crate::Peer); `None`
    /// before the handshake, and on sockets that do not address remotes.
    pub routing_id: Option<RoutingId>,
    /// The identity of the remote: that by which a [`Router`](crate::Router) addresses it, and on
    /// other sockets the one that it announced. `None` before the end of the handshake, and without
    /// an identity.
    pub identity: Option<Identity>,
    /// The kind of the event.
    pub kind: EventKind,
}

/// The kinds of events. In parentheses: libzmq's event without `ZMQ_EVENT_`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The endpoint is bound. (`LISTENING`.)
    Listening,
    /// No connection can be accepted for now, usually because the process has no file descriptor
    /// left. The listener retries after a pause. (`ACCEPT_FAILED`.) Over `udp`, no datagram can be
    /// received.
    AcceptFailed {
        /// The error of the system.
        error: Arc<io::Error>,
    },
    /// A remote has connected; the handshake begins. (`ACCEPTED`.)
    Accepted,
    /// An attempt to connect has begun. (`CONNECT_DELAYED`.)
    ConnectDelayed,
    /// The attempt failed, or exceeded its time limit.
    ConnectFailed {
        /// The reason.
        reason: DialFailure,
    },
    /// The attempt succeeded; the handshake begins. (`CONNECTED`.) Over `udp`, the socket is open,
    /// and there is no handshake.
    Connected,
    /// The handshake is completed: messages can be exchanged. (`HANDSHAKE_SUCCEEDED`.)
    HandshakeSucceeded,
    /// The handshake failed, and the connection is closed. (`HANDSHAKE_FAILED_NO_DETAIL`,
    /// `_PROTOCOL` and `_AUTH`.)
    HandshakeFailed {
        /// The reason.
        reason: HandshakeFailure,
    },
    /// A connection has ended after its handshake. (`DISCONNECTED`.)
    Disconnected {
        /// The reason.
        reason: DisconnectReason,
        /// The statistics of the connection at its end. Its queues are not included: `queued` is
        /// zero.
        stats: Box<RemoteStats>,
    },
    /// Another attempt to connect follows after a delay. (`CONNECT_RETRIED`.)
    ConnectRetried {
        /// The delay before the attempt.
        delay: Duration,
    },
    /// The endpoint establishes no new connections for now: ended remotes have left more unread
    /// messages than [`ended_hwm_bytes`](crate::Builder::ended_hwm_bytes). (libzmq has no such
    /// event.)
    ConnectionsPaused {
        /// The unread messages of ended remotes.
        ended: EndedRemotes,
    },
    /// The endpoint establishes connections again, because enough messages of ended remotes have
    /// been received.
    ConnectionsResumed,
    /// The remote has subscribed to a topic. A [`Pub`](crate::Pub) or [`XPub`](crate::XPub) reports
    /// it with the option [`subscription_events`](crate::Builder::subscription_events). (libzmq has
    /// no such event.)
    Subscribed {
        /// The topic, which the remote had not subscribed to before.
        topic: Topic,
    },
    /// The remote has cancelled its subscription to a topic. It is reported like
    /// [`Subscribed`](Self::Subscribed), except if the subscription ends with the connection.
    Cancelled {
        /// The topic.
        topic: Topic,
    },
    /// Messages were dropped.
    MessagesDropped {
        /// The number of messages.
        messages: u64,
        /// The cause.
        cause: DropCause,
    },
    /// The endpoint is no longer bound, or no further attempts to connect to it follow.
    /// (`CLOSED`.)
    Closed,
}

/// Describes the event in one line, with the reason of a failure and its sources.
impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening => f.write_str("listening"),
            Self::AcceptFailed { error } => write_with_sources(f, "cannot accept", error),
            Self::Accepted => f.write_str("accepted a connection"),
            Self::ConnectDelayed => f.write_str("connecting"),
            Self::ConnectFailed { reason } => write_with_sources(f, "the attempt failed", reason),
            Self::Connected => f.write_str("connected"),
            Self::HandshakeSucceeded => f.write_str("the handshake succeeded"),
            Self::HandshakeFailed { reason } => {
                write_with_sources(f, "the handshake failed", reason)
            }
            Self::Disconnected { reason, .. } => write_with_sources(f, "disconnected", reason),
            Self::ConnectRetried { delay } => write!(f, "reconnecting after {delay:?}"),
            Self::ConnectionsPaused { ended } => {
                write!(f, "no connections: ended remotes have left {} messages", ended.messages)
            }
            Self::ConnectionsResumed => f.write_str("connections are established again"),
            Self::Subscribed { topic } => write!(f, "subscribed to {topic:?}"),
            Self::Cancelled { topic } => write!(f, "cancelled the subscription to {topic:?}"),
            Self::MessagesDropped { messages, cause } => {
                let plural = if *messages == 1 { "" } else { "s" };
                write!(f, "dropped {messages} message{plural}: {cause}")
            }
            Self::Closed => f.write_str("closed"),
        }
    }
}

fn write_with_sources(f: &mut fmt::Formatter<'_>, event: &str, reason: &dyn Error) -> fmt::Result {
    write!(f, "{event}")?;
    let mut next = Some(reason);
    while let Some(cause) = next {
        write!(f, ": {cause}")?;
        next = cause.source();
    }
    Ok(())
}

/// The cause of dropped messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropCause {
    /// The remote sent multipart messages, which thread-safe sockets do not support (RFC 37,
    /// Thread-Safe Socket Types).
    Multipart,
    /// A single message was refused: the remote ended two connections in a row while the message
    /// was being written, as remotes do if it is too long for them; see
    /// [`Dropped::refused`](crate::stats::Dropped::refused).
    Refused {
        /// The length of its body in bytes.
        len: usize,
    },
    /// The system refused to send a datagram, or the remote host reported that its port is closed.
    /// Reported for the first of a series, with the others when the series ends;
    /// [`DroppedDatagrams::lost`](crate::stats::DroppedDatagrams::lost) counts all.
    Lost,
    /// Received datagrams are not messages. Reported like `Lost`, and counted by
    /// [`DroppedDatagrams::malformed`](crate::stats::DroppedDatagrams::malformed).
    Malformed,
    /// A [`Rep`](crate::Rep) received messages that are not requests. Reported for the first of a
    /// series, which a request of the same remote ends;
    /// [`Dropped::malformed_requests`](crate::stats::Dropped::malformed_requests) counts all.
    MalformedRequest,
    /// A [`Req`](crate::Req) received messages that do not have the form of a reply. Reported for
    /// the first of a series, which a reply ends;
    /// [`Dropped::malformed_replies`](crate::stats::Dropped::malformed_replies) counts all.
    MalformedReply,
    /// Datagrams arrived while the queue of the socket or the buffer of the system was full.
    /// Reported like `Lost`, and counted by
    /// [`DroppedDatagrams::overflowed`](crate::stats::DroppedDatagrams::overflowed).
    Overflowed,
    /// The queue of a subscriber, of a member of their group or of a publisher was full, or with
    /// [`Unroutable::Drop`](crate::Unroutable::Drop) that of the remote that they name. A PUB,
    /// RADIO, ROUTER or XSUB reports the first message of a series;
    /// [`RemoteStats::missed`](crate::stats::RemoteStats::missed) counts all.
    QueueFull,
    /// Messages that were queued for the remote were replaced by later ones with the same first
    /// part, with [`SlowSubscriber::KeepLast`](crate::SlowSubscriber::KeepLast). A PUB reports the
    /// first message of a series, which ends when the remote has taken all that was queued for it;
    /// [`RemoteStats::replaced`](crate::stats::RemoteStats::replaced) counts all.
    Replaced,
    /// A [`Replier`](crate::Replier) was dropped, and the request was not replied to. Reported for
    /// the first of a series, which a reply to the same remote ends;
    /// [`Dropped::unanswered_requests`](crate::stats::Dropped::unanswered_requests) counts all.
    UnansweredRequest,
    /// A [`Req`](crate::Req) received replies that no request waited for. Reported like
    /// `MalformedReply`, and counted by
    /// [`Dropped::stray_replies`](crate::stats::Dropped::stray_replies).
    StrayReply,
    /// The messages were accepted from a handle, but not handed to the transport when their remote
    /// or the socket ended.
    Undelivered,
    /// The messages were read from the remote, but not queued for `recv` when the connection or the
    /// socket ended.
    Unread,
}

/// Describes the cause in a few words.
impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self {
            Self::Multipart => "thread-safe sockets do not support multipart messages",
            Self::Refused { len } => return write!(f, "the remote refuses a body of {len} bytes"),
            Self::Lost => "the system or the remote host refused the datagram",
            Self::Malformed => "the datagram is not a message",
            Self::MalformedRequest => "not a request",
            Self::MalformedReply => "not a reply",
            Self::Overflowed => "a queue of received datagrams was full",
            Self::QueueFull => "the queue of the remote was full",
            Self::Replaced => "a later message has the same first part",
            Self::UnansweredRequest => "the request was not replied to",
            Self::StrayReply => "no request waited for the reply",
            Self::Undelivered => "undelivered at the end of the remote",
            Self::Unread => "not queued at the end of the connection",
        };
        f.write_str(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_displayed_with_all_its_reasons() {
        let reason = HandshakeFailure::Refused { reason: "400".into() }.into();
        assert_eq!(
            EventKind::ConnectFailed { reason }.to_string(),
            "the attempt failed: the handshake failed: the remote refuses this socket: 400 denied",
        );
        assert_eq!(EventKind::Closed.to_string(), "closed");
    }

    #[test]
    fn a_loss_is_displayed_with_its_cause() {
        let shown = |messages, cause| EventKind::MessagesDropped { messages, cause }.to_string();
        assert_eq!(
            shown(2, DropCause::QueueFull),
            "dropped 2 messages: the queue of the remote was full"
        );
        assert_eq!(
            shown(1, DropCause::Refused { len: 7 }),
            "dropped 1 message: the remote refuses a body of 7 bytes"
        );
    }
}
