//! The reasons why connections fail and end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use zmtp_proto::error_reason::ErrorReason;
use zmtp_proto::foreign_protocol::ForeignProtocol;
use zmtp_proto::handshake::HandshakeError;
use zmtp_proto::heartbeat::HeartbeatTimeout;
use zmtp_proto::identity::{Identity, IdentityError};
use zmtp_proto::mechanism::curve::CurvePublicKey;
use zmtp_proto::mechanism::{MechanismError, StatusCode};
use zmtp_proto::socket_type::SocketType;
use zmtp_proto::traffic::TrafficError;

use super::claimant::Claimant;
use super::protocol_error::ProtocolError;
#[cfg(feature = "tls")]
use super::tls_failure::TlsFailure;
#[cfg(feature = "ws")]
use super::upgrade_error::UpgradeError;
use crate::stats::RemoteRefusal;

/// The reason why an attempt to connect failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DialFailure {
    /// The transport was established, but the handshake failed.
    #[error("the handshake failed")]
    Handshake(#[from] HandshakeFailure),
    /// A connection ended after its handshake, and the options permit no further attempt.
    #[error("the connection ended")]
    Disconnected(#[source] DisconnectReason),
    /// The [proxy](crate::Builder::socks_proxy) refuses the username and the password, or requires
    /// them. With the feature `socks` only.
    #[cfg(feature = "socks")]
    #[error("the proxy refuses this socket")]
    ProxyRefused,
    /// TLS could not be established, or the certificate of the server is not accepted. With the
    /// feature `tls` only.
    #[cfg(feature = "tls")]
    #[error("cannot establish TLS")]
    Tls(#[source] TlsFailure),
    /// The server of a `ws` or `wss` endpoint did not upgrade the connection to a WebSocket. With the
    /// feature `ws` only.
    #[cfg(feature = "ws")]
    #[error("cannot upgrade to a WebSocket")]
    Upgrade(#[source] UpgradeError),
    /// There was no answer within [`connect_timeout`](crate::Builder::connect_timeout).
    #[error("no answer within {limit:?}")]
    TimedOut {
        /// The time limit.
        limit: Duration,
    },
    /// The transport failed: there is no listener, no route, or no such name.
    #[error("cannot connect")]
    Transport(#[source] Arc<io::Error>),
}

/// The reason why a handshake failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum HandshakeFailure {
    /// The authenticator does not allow a handshake with the remote: see
    /// [`Authenticator::allows_handshake`](crate::auth::Authenticator::allows_handshake).
    #[error("the address of the remote is not allowed")]
    AddressDenied,
    /// Both ends have the client role of the security mechanism (RFC 37, Topology).
    #[error("both ends are clients of {mechanism}")]
    BothClients {
        /// The mechanism of both ends.
        mechanism: String,
    },
    /// Both ends have the server role of the security mechanism (RFC 37, Topology). A server of
    /// libzmq does not announce its role: the handshake then [times out](Self::TimedOut).
    #[error("both ends are servers of {mechanism}")]
    BothServers {
        /// The mechanism of both ends.
        mechanism: String,
    },
    /// The remote closed the connection before it answered the HELLO of this socket, which has the
    /// client role of CURVE. A server with another key than the configured one does so without a
    /// reason; so does a server that ends at this time (RFC 26).
    #[error("closed by the remote during the handshake (the server may have another key)")]
    ClosedByCurveServer,
    /// The remote closed the connection before the end of the handshake.
    #[error("closed by the remote during the handshake")]
    ClosedByRemote,
    /// Another remote of this [`Router`](crate::Router) has the identity that the remote announced.
    /// The remote receives an ERROR command with the reason `duplicate identity`.
    #[error("another remote has the identity \"{identity}\"")]
    DuplicateIdentity {
        /// The identity.
        identity: Identity,
    },
    /// The first bytes of the remote belong to a protocol other than ZMTP 3. The remote is a port
    /// scanner, or a program or proxy whose configuration does not match this socket.
    #[error("the remote speaks {protocol}, not ZMTP 3")]
    ForeignProtocol {
        /// The protocol of the remote.
        protocol: ForeignProtocol,
    },
    /// The remote's socket type is incompatible with the type of this socket (RFC 37, The
    /// Socket-Type Property).
    #[error("the remote is a {remote}, which is incompatible with a {local}")]
    IncompatibleSocketType {
        /// The type of this socket.
        local: SocketType,
        /// The type that the remote announced.
        remote: SocketType,
    },
    /// This side closed the connection, because more handshakes were in progress than
    /// [`max_half_open`](crate::Builder::max_half_open) or
    /// [`max_half_open_per_address`](crate::Builder::max_half_open_per_address) allows. This one
    /// was the oldest from its address, or the newest if at least half of them wait for the
    /// processor.
    #[error("too many handshakes in progress")]
    TooManyHalfOpen,
    /// This socket communicates with one remote at a time, and has another one. The remote receives
    /// an ERROR command with the reason `occupied`.
    #[error("the socket has another remote")]
    Occupied,
    /// The remote announced an identity that is too long for this [`Router`](crate::Router) (RFC
    /// 37, The Identity Property).
    #[error("the remote announced an invalid identity")]
    InvalidIdentity(#[source] IdentityError),
    /// The stream failed.
    #[error("the stream failed during the handshake")]
    Io(#[source] Arc<io::Error>),
    /// The two ends use different security mechanisms (RFC 37, Security Handshake).
    #[error("the remote uses the mechanism {remote}, this socket uses {local}")]
    MechanismMismatch {
        /// The mechanism of this socket.
        local: String,
        /// The mechanism that the remote announced.
        remote: String,
    },
    /// The remote violated the protocol, or uses an incompatible version.
    #[error("the remote violated the protocol")]
    Protocol(#[source] ProtocolError),
    /// The connection does not begin with the required header of the PROXY protocol. It comes from
    /// a network of [`proxy_protocol`](crate::Builder::proxy_protocol), or through an `ipc`
    /// endpoint with [`ipc_proxy_protocol`](crate::Builder::ipc_proxy_protocol).
    #[error("the proxy did not send a valid header")]
    ProxyHeader(#[source] ProtocolError),
    /// The remote refused this socket by an ERROR command (RFC 37, Error Handling).
    #[error("the remote refuses this socket: {}", in_words(reason))]
    Refused {
        /// The reason that the remote gave, made printable. It has no defined meaning. A number is
        /// usually that of a [`StatusCode`]; the error displays its name as well. A
        /// [`Channel`](crate::Channel) or [`Pair`](crate::Pair) that has another remote sends the
        /// reason `occupied`, and a [`Router`](crate::Router) that has another remote with the same
        /// identity sends `duplicate identity`.
        reason: String,
    },
    /// This side refused the remote.
    #[error("the remote is not admitted: {status}{}", in_brackets(.claimant.as_ref()))]
    Rejected {
        /// The verdict of the authenticator.
        status: StatusCode,
        /// The user or key that the remote claimed; `None` with NULL.
        claimant: Option<Claimant>,
        /// The public key of this socket that the remote used; `None` except with CURVE.
        server_key: Option<CurvePublicKey>,
    },
    /// The handshake took longer than [`handshake_interval`](crate::Builder::handshake_interval).
    #[error("the handshake took longer than {limit:?}")]
    TimedOut {
        /// The time limit.
        limit: Duration,
    },
    /// TLS could not be established with a client, or one of the ends refuses the certificate of the
    /// other. With TLS 1.3, a client learns that its certificate is refused after TLS has been
    /// established. With the feature `tls` only.
    #[cfg(feature = "tls")]
    #[error("TLS failed during the handshake")]
    Tls(#[source] TlsFailure),
    /// The request of the remote for a WebSocket was refused. With the feature `ws` only.
    #[cfg(feature = "ws")]
    #[error("cannot upgrade to a WebSocket")]
    Upgrade(#[source] UpgradeError),
    /// No socket served the requested resource on the port within
    /// [`handshake_interval`](crate::Builder::handshake_interval). (RFC 37, The Resource Property.)
    #[error("no socket serves `/{}` at this port", .resource.as_deref().unwrap_or_default())]
    UnknownResource {
        /// The requested resource, made printable, and truncated to 255 bytes.
        resource: Option<String>,
    },
    /// Data from the remote cannot be decrypted (RFC 26): the remote does not hold the secret key
    /// that it claims, it uses a wrong public key of this socket, or the data was modified in
    /// transit. A server that cannot decrypt the first command reports that the remote probably has
    /// another public key of this socket.
    #[error("{}", about_key(.0))]
    WrongKey(#[source] ProtocolError),
}

/// The reason why a connection ended after its handshake.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// This side ended the connection: its endpoint or its socket ended, or the remote was
    /// disconnected by its id.
    #[error("closed by this side")]
    Closed,
    /// The remote ended the connection.
    #[error("closed by the remote")]
    ClosedByRemote,
    /// Another remote has taken over the identity of the remote: see
    /// [`handover`](crate::Builder::handover).
    #[error("another remote has taken over its identity")]
    HandedOver,
    /// No data arrived in time (RFC 37, Connection Heartbeating).
    #[error("no sign of life in time")]
    HeartbeatTimedOut,
    /// The stream failed.
    #[error("the stream failed")]
    Io(#[source] Arc<io::Error>),
    /// The remote sent a message above [`max_message_size`](crate::Builder::max_message_size).
    #[error("a message of {size} bytes exceeds the limit of {limit}")]
    MessageTooLarge {
        /// The announced size of the message in bytes. If it has several parts, their sum up to the
        /// part that exceeds the limit.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The remote violated the protocol.
    #[error("the remote violated the protocol")]
    Protocol(#[source] ProtocolError),
    /// The remote refused this socket by an ERROR command (RFC 37, Error Handling).
    #[error("the remote refuses this socket: {}", in_words(reason))]
    Refused {
        /// The reason that the remote gave, made printable. It has no defined meaning.
        reason: String,
    },
    /// The admission of the remote was revoked: see [`Revocation`](crate::auth::Revocation),
    /// [`Keys::revoke`](crate::auth::Keys::revoke) and
    /// [`Users::revoke`](crate::auth::Users::revoke).
    #[error("the admission of the remote was revoked")]
    Revoked,
    /// The remote joined more groups than
    /// [`max_groups_per_remote`](crate::Builder::max_groups_per_remote),
    /// [`max_group_bytes_per_remote`](crate::Builder::max_group_bytes_per_remote) or, together with
    /// the other remotes, [`max_group_bytes`](crate::Builder::max_group_bytes) allows.
    #[error("the remote joins too many groups")]
    TooManyGroups,
    /// The remote sent a message with more parts than
    /// [`max_message_parts`](crate::Builder::max_message_parts).
    #[error("a message has more than {limit} parts")]
    TooManyParts {
        /// The limit in parts.
        limit: usize,
    },
    /// The remote subscribed to more topics than
    /// [`max_topics_per_remote`](crate::Builder::max_topics_per_remote),
    /// [`max_topic_bytes_per_remote`](crate::Builder::max_topic_bytes_per_remote) or, together with
    /// the other remotes, [`max_topic_bytes`](crate::Builder::max_topic_bytes) allows.
    #[error("the remote subscribes to too many topics")]
    TooManyTopics,
    /// The queue of the remote was full, and the remote missed as many messages in a row as
    /// [`SlowSubscriber::Disconnect`](crate::SlowSubscriber::Disconnect) specifies.
    #[error("the remote missed {missed} messages in a row")]
    TooSlow {
        /// The number of messages.
        missed: u64,
    },
}

impl From<io::Error> for HandshakeFailure {
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(failure) = TlsFailure::find_in(&error) {
            return Self::Tls(failure);
        }
        #[cfg(feature = "ws")]
        if let Some(error) = UpgradeError::find_in(&error) {
            return Self::Upgrade(error);
        }
        Self::Io(Arc::new(error))
    }
}

impl From<HandshakeError> for HandshakeFailure {
    fn from(error: HandshakeError) -> Self {
        if let HandshakeError::Greeting(error) = &error {
            if let Some(protocol) = error.protocol() {
                return Self::ForeignProtocol { protocol };
            }
        }
        match error {
            HandshakeError::IncompatibleSocketType { local, remote } => {
                Self::IncompatibleSocketType { local, remote }
            }
            HandshakeError::Mechanism(MechanismError::Refused { reason }) => {
                Self::Refused { reason: reason.to_string() }
            }
            HandshakeError::Mechanism(MechanismError::Rejected { status }) => {
                Self::Rejected { status, claimant: None, server_key: None }
            }
            HandshakeError::Mechanism(
                error @ (MechanismError::Unopened { .. } | MechanismError::Vouch),
            ) => Self::WrongKey(ProtocolError::new(error)),
            HandshakeError::BothServers { mechanism } => {
                Self::BothServers { mechanism: mechanism.to_string() }
            }
            HandshakeError::Mechanism(MechanismError::BothClients { mechanism }) => {
                Self::BothClients { mechanism: mechanism.to_string() }
            }
            HandshakeError::MechanismMismatch { local, remote } => {
                Self::MechanismMismatch { local: local.to_string(), remote: remote.to_string() }
            }
            error => Self::Protocol(ProtocolError::new(error)),
        }
    }
}

impl HandshakeFailure {
    /// Adds what an unexplained end of the connection may mean, if a CURVE server has not proved yet
    /// that it has the configured key.
    pub(crate) fn with_doubt_about_key(self, awaits_proof: bool) -> Self {
        match &self {
            Self::ClosedByRemote if awaits_proof => Self::ClosedByCurveServer,
            Self::Io(error) if awaits_proof && error.kind() == io::ErrorKind::ConnectionReset => {
                Self::ClosedByCurveServer
            }
            _ => self,
        }
    }

    /// Returns the reason that the remote receives, if the socket refuses it although their types
    /// and credentials fit.
    pub(crate) const fn reason_for_remote(&self) -> Option<&'static str> {
        match self {
            Self::DuplicateIdentity { .. } => Some(ErrorReason::DUPLICATE_IDENTITY),
            Self::InvalidIdentity(_) => Some(ErrorReason::INVALID_IDENTITY),
            Self::Occupied => Some(ErrorReason::OCCUPIED),
            _ => None,
        }
    }

    /// Returns the cause if this side refused the remote.
    pub(crate) const fn refusal(&self) -> Option<RemoteRefusal> {
        match self {
            Self::AddressDenied | Self::Rejected { .. } => Some(RemoteRefusal::Denied),
            Self::IncompatibleSocketType { .. } => Some(RemoteRefusal::Incompatible),
            Self::DuplicateIdentity { .. } | Self::InvalidIdentity(_) => {
                Some(RemoteRefusal::Identity)
            }
            Self::Occupied => Some(RemoteRefusal::Occupied),
            Self::BothClients { .. }
            | Self::BothServers { .. }
            | Self::MechanismMismatch { .. }
            | Self::WrongKey(_) => Some(RemoteRefusal::Security),
            #[cfg(feature = "tls")]
            Self::Tls(failure) if failure.is_refusal() => Some(RemoteRefusal::Security),
            #[cfg(feature = "ws")]
            Self::Upgrade(UpgradeError::Origin { .. }) => Some(RemoteRefusal::Denied),
            #[cfg(feature = "ws")]
            Self::Upgrade(UpgradeError::Path { .. }) => Some(RemoteRefusal::Incompatible),
            #[cfg(feature = "ws")]
            Self::Upgrade(UpgradeError::Subprotocol { .. }) => Some(RemoteRefusal::Security),
            _ => None,
        }
    }
}

impl DisconnectReason {
    /// Returns the cause if this side refused the remote.
    pub(crate) const fn refusal(&self) -> Option<RemoteRefusal> {
        match self {
            Self::Revoked => Some(RemoteRefusal::Denied),
            Self::TooManyGroups => Some(RemoteRefusal::TooManyGroups),
            Self::TooManyTopics => Some(RemoteRefusal::TooManyTopics),
            Self::TooSlow { .. } => Some(RemoteRefusal::TooSlow),
            _ => None,
        }
    }

    /// Returns whether the remote ended the connection without an error, and neither this side nor
    /// the network.
    pub(crate) fn is_by_remote(&self) -> bool {
        match self {
            Self::ClosedByRemote => true,
            Self::Io(error) => matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::WriteZero
            ),
            Self::Closed
            | Self::HandedOver
            | Self::HeartbeatTimedOut
            | Self::MessageTooLarge { .. }
            | Self::Protocol(_)
            | Self::Refused { .. }
            | Self::Revoked
            | Self::TooManyGroups
            | Self::TooManyParts { .. }
            | Self::TooManyTopics
            | Self::TooSlow { .. } => false,
        }
    }
}

impl From<io::Error> for DisconnectReason {
    fn from(error: io::Error) -> Self {
        // Of a stream with heartbeats of its own.
        if error.get_ref().is_some_and(|error| error.is::<HeartbeatTimeout>()) {
            return Self::HeartbeatTimedOut;
        }
        Self::Io(Arc::new(error))
    }
}

impl From<TrafficError> for DisconnectReason {
    fn from(error: TrafficError) -> Self {
        match error {
            TrafficError::MessageTooLarge { size, limit } => Self::MessageTooLarge { size, limit },
            TrafficError::TooManyParts { limit } => Self::TooManyParts { limit },
            error => Self::Protocol(ProtocolError::new(error)),
        }
    }
}

fn in_brackets(claimant: Option<&Claimant>) -> String {
    claimant.map(|claimant| format!(" ({claimant})")).unwrap_or_default()
}

/// Describes data that cannot be decrypted. The first command is sealed for the key of the server.
fn about_key(error: &ProtocolError) -> &'static str {
    match error.downcast_ref() {
        Some(MechanismError::Unopened { name: "HELLO" }) => {
            "cannot decrypt: the remote probably has another public key of this socket"
        }
        _ => "the remote does not hold the key it claims",
    }
}

/// Adds the meaning of a status code to a reason that consists of its number.
fn in_words(reason: &str) -> String {
    StatusCode::from_reason(reason).map_or_else(|| reason.into(), |code| code.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_a_status_code_is_displayed_with_its_meaning() {
        for (reason, shown) in [
            ("400", "the remote refuses this socket: 400 denied"),
            ("500", "the remote refuses this socket: 500 internal error"),
            ("404", "the remote refuses this socket: 404"),
            ("occupied", "the remote refuses this socket: occupied"),
        ] {
            let reason = reason.to_owned();
            assert_eq!(HandshakeFailure::Refused { reason: reason.clone() }.to_string(), shown);
            assert_eq!(DisconnectReason::Refused { reason }.to_string(), shown);
        }
    }
}
