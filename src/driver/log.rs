//! The log of a socket's endpoints and connections: the spans, and the events whose level depends
//! on the circumstances. `guide::observability` lists all of them.

use std::error::Error as StdError;
use std::mem;
use std::net::SocketAddr;

use tracing::Span;
use tracing::field::{Empty, display};
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::greeting::MechanismName;
use zmtp_proto::socket_type::SocketType;

use crate::auth::StatusCode;
use crate::connection_id::ConnectionId;
use crate::monitor::{DialFailure, DisconnectReason, HandshakeFailure};
use crate::quota::{Quotas, within_quota};
use crate::remote::{Origin, Remote};
use crate::remotes::Direction;
use crate::stats::EndedRemotes;

/// Writes an event at a level that is known only at run time, within its quota.
macro_rules! event {
    ($quota:expr, $level:expr, $($event:tt)+) => {
        match $level {
            Level::Debug => tracing::debug!(target: CONNECTION, $($event)+),
            Level::Info => within_quota!($quota, info, target: CONNECTION, $($event)+),
            Level::Warn => within_quota!($quota, warn, target: CONNECTION, $($event)+),
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Debug,
    Info,
    Warn,
}

/// The target of events of an endpoint.
pub(super) const ENDPOINT: &str = "tokio_zmtp::endpoint";

/// The target of events of a connection, which is also that of its module.
pub(super) const CONNECTION: &str = "tokio_zmtp::connection";

/// Creates the span of an endpoint, for events that belong to none of its connections.
///
/// Its level, and that of a connection, is the highest, so that every event in it appears with its
/// fields.
pub(super) fn endpoint_span(
    (socket_type, mechanism): (SocketType, MechanismName),
    endpoint: &Endpoint,
) -> Span {
    tracing::error_span!(
        target: ENDPOINT,
        parent: None,
        "endpoint",
        %endpoint,
        %socket_type,
        %mechanism,
    )
}

/// Creates the span of a connection from before its handshake to its end. It is a root: a
/// connection is not part of a longer operation.
pub(super) fn connection_span(
    (socket_type, mechanism): (SocketType, MechanismName),
    endpoint: &Endpoint,
    origin: Origin,
) -> Span {
    tracing::error_span!(
        target: CONNECTION,
        parent: None,
        "connection",
        %endpoint,
        %socket_type,
        %mechanism,
        remote = origin.address.map(display),
        proxy = origin.proxy_address.map(display),
        remote_pid = origin.credentials.and_then(|credentials| credentials.pid),
        connection_id = Empty,
        routing_id = Empty,
        identity = Empty,
    )
}

/// Records the id of the connection in its span.
pub(super) fn record_connection_id(span: &Span, id: ConnectionId) {
    span.record("connection_id", u64::from(id));
}

/// Records the origin of the connection in its span, as its proxy has reported it.
pub(super) fn record_remote(span: &Span, address: SocketAddr) {
    span.record("remote", display(address));
}

/// Logs a failed attempt to connect: as a warning, unless the attempt before it failed, too.
pub(super) fn connect_failed(quotas: &Quotas, failure: &DialFailure, is_failing: &mut bool) {
    let error = failure as &dyn StdError;
    if mem::replace(is_failing, true) {
        tracing::debug!(target: ENDPOINT, error, "cannot connect");
    } else {
        within_quota!(quotas.connect_failed, warn, target: ENDPOINT, error, "cannot connect");
    }
}

/// Logs that the handshake is completed.
pub(super) fn connected(remote: &Remote, direction: Direction) {
    if let Some(routing_id) = remote.routing_id() {
        Span::current().record("routing_id", display(routing_id));
    }
    if let Some(identity) = remote.identity() {
        Span::current().record("identity", display(identity));
    }
    let remote_type = remote.socket_type().map(display);
    let user_id = remote.user_id();
    let reconnects = match direction {
        Direction::Accepted => None,
        Direction::Dialed { reconnects } => Some(reconnects),
    };
    event!(
        remote.quotas().connected,
        direction.level(),
        remote_type,
        user_id,
        reconnects,
        "connected"
    );
}

/// Logs that a connection has ended after its handshake.
pub(super) fn disconnected(remote: &Remote, reason: &DisconnectReason, direction: Direction) {
    let level = match reason {
        DisconnectReason::HandedOver
        | DisconnectReason::HeartbeatTimedOut
        | DisconnectReason::MessageTooLarge { .. }
        | DisconnectReason::Protocol(_)
        | DisconnectReason::Refused { .. }
        | DisconnectReason::Revoked
        | DisconnectReason::TooManyGroups
        | DisconnectReason::TooManyParts { .. }
        | DisconnectReason::TooManyTopics
        | DisconnectReason::TooSlow { .. } => Level::Warn,
        DisconnectReason::Closed | DisconnectReason::ClosedByRemote | DisconnectReason::Io(_) => {
            direction.level()
        }
    };
    event!(remote.quotas().disconnected, level, reason = reason as &dyn StdError, "disconnected");
}

/// Logs that an endpoint pauses establishing connections.
pub(super) fn paused(quotas: &Quotas, EndedRemotes { remotes, messages, bytes, .. }: EndedRemotes) {
    within_quota!(
        quotas.paused,
        warn,
        target: ENDPOINT,
        remotes,
        messages,
        bytes,
        "new connections paused until messages of ended remotes are received",
    );
}

/// Logs that an endpoint resumes establishing connections.
pub(super) fn resumed(quotas: &Quotas) {
    within_quota!(quotas.resumed, info, target: ENDPOINT, "new connections resumed");
}

/// Logs that the handshake of an accepted connection has failed.
pub(super) fn refused(quotas: &Quotas, reason: &HandshakeFailure) {
    let level = match reason {
        // As for a port scan, or a failing network.
        HandshakeFailure::ClosedByCurveServer
        | HandshakeFailure::ClosedByRemote
        | HandshakeFailure::Io(_) => Level::Debug,
        HandshakeFailure::Rejected { status: StatusCode::TemporaryError, .. } => Level::Debug,
        #[cfg(feature = "tls")]
        HandshakeFailure::Tls(_) => Level::Warn,
        #[cfg(feature = "ws")]
        HandshakeFailure::Upgrade(_) => Level::Warn,
        HandshakeFailure::AddressDenied
        | HandshakeFailure::BothClients { .. }
        | HandshakeFailure::BothServers { .. }
        | HandshakeFailure::TooManyHalfOpen
        | HandshakeFailure::DuplicateIdentity { .. }
        | HandshakeFailure::InvalidIdentity(_)
        | HandshakeFailure::Occupied
        | HandshakeFailure::ForeignProtocol { .. }
        | HandshakeFailure::IncompatibleSocketType { .. }
        | HandshakeFailure::MechanismMismatch { .. }
        | HandshakeFailure::Protocol(_)
        | HandshakeFailure::ProxyHeader(_)
        | HandshakeFailure::Refused { .. }
        | HandshakeFailure::Rejected { .. }
        | HandshakeFailure::TimedOut { .. }
        | HandshakeFailure::UnknownResource { .. }
        | HandshakeFailure::WrongKey(_) => Level::Warn,
    };
    event!(quotas.refused, level, error = reason as &dyn StdError, "refused a connection");
}

impl Direction {
    /// Events that this side caused deserve more attention than those of remotes, which may cause
    /// any number of connections per second.
    const fn level(self) -> Level {
        match self {
            Self::Accepted => Level::Debug,
            Self::Dialed { .. } => Level::Info,
        }
    }
}
