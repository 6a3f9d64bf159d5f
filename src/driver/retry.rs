//! Whether and when an endpoint is dialed again.

use std::io;

use zmtp_proto::error_reason::ErrorReason;

use crate::monitor::{DialFailure, DisconnectReason, HandshakeFailure};
use crate::options::{Options, ReconnectStop};

/// The next step after the end of an attempt or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// The condition may be temporary.
    BackOff,
    /// The remote, or a proxy, refuses this socket permanently (RFC 37, Error Handling: "not
    /// re-connecting using the same security credentials"), or the options forbid a retry.
    Never,
    /// The two ends are not compatible: only another program at that address can succeed, so a long
    /// delay suffices.
    Rarely,
}

impl Retry {
    pub(super) fn after_failure(failure: &DialFailure, options: &Options) -> Self {
        let (stop, retry) = match failure {
            DialFailure::Handshake(reason) => {
                let retry = match reason {
                    HandshakeFailure::Refused { reason } if ErrorReason::is_temporary(reason) => {
                        Self::BackOff
                    }
                    HandshakeFailure::Refused { .. } => Self::Never,
                    HandshakeFailure::Rejected { status, .. } if status.is_temporary() => {
                        Self::BackOff
                    }
                    HandshakeFailure::AddressDenied
                    | HandshakeFailure::BothClients { .. }
                    | HandshakeFailure::BothServers { .. }
                    | HandshakeFailure::ForeignProtocol { .. }
                    | HandshakeFailure::IncompatibleSocketType { .. }
                    | HandshakeFailure::InvalidIdentity(_)
                    | HandshakeFailure::MechanismMismatch { .. }
                    | HandshakeFailure::Protocol(_)
                    | HandshakeFailure::ProxyHeader(_)
                    | HandshakeFailure::Rejected { .. }
                    | HandshakeFailure::WrongKey(_) => Self::Rarely,
                    #[cfg(feature = "tls")]
                    HandshakeFailure::Tls(_) => Self::Rarely,
                    #[cfg(feature = "ws")]
                    HandshakeFailure::Upgrade(_) => Self::Rarely,
                    HandshakeFailure::ClosedByCurveServer
                    | HandshakeFailure::ClosedByRemote
                    | HandshakeFailure::DuplicateIdentity { .. }
                    | HandshakeFailure::Occupied
                    | HandshakeFailure::TooManyHalfOpen
                    | HandshakeFailure::Io(_)
                    | HandshakeFailure::TimedOut { .. }
                    | HandshakeFailure::UnknownResource { .. } => Self::BackOff,
                };
                (Some(ReconnectStop::HandshakeFailed), retry)
            }
            DialFailure::Transport(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                (Some(ReconnectStop::ConnectionRefused), Self::BackOff)
            }
            DialFailure::Disconnected(reason) => return Self::after_disconnect(reason, options),
            #[cfg(feature = "socks")]
            DialFailure::ProxyRefused => (None, Self::Never),
            #[cfg(feature = "tls")]
            DialFailure::Tls(_) => (Some(ReconnectStop::HandshakeFailed), Self::Rarely),
            #[cfg(feature = "ws")]
            DialFailure::Upgrade(error) => {
                let retry = if error.is_temporary() { Self::BackOff } else { Self::Rarely };
                (Some(ReconnectStop::HandshakeFailed), retry)
            }
            DialFailure::TimedOut { .. } | DialFailure::Transport(_) => (None, Self::BackOff),
        };
        retry.unless_stopped(stop, options)
    }

    pub(super) fn after_disconnect(reason: &DisconnectReason, options: &Options) -> Self {
        let retry = match reason {
            DisconnectReason::MessageTooLarge { .. }
            | DisconnectReason::Protocol(_)
            | DisconnectReason::Revoked
            | DisconnectReason::TooManyGroups
            | DisconnectReason::TooManyParts { .. }
            | DisconnectReason::TooManyTopics => Self::Rarely,
            DisconnectReason::Refused { reason } if ErrorReason::is_temporary(reason) => {
                Self::BackOff
            }
            DisconnectReason::Refused { .. } => Self::Never,
            DisconnectReason::Closed
            | DisconnectReason::ClosedByRemote
            | DisconnectReason::HandedOver
            | DisconnectReason::HeartbeatTimedOut
            | DisconnectReason::Io(_)
            | DisconnectReason::TooSlow { .. } => Self::BackOff,
        };
        retry.unless_stopped(Some(ReconnectStop::AfterDisconnect), options)
    }

    fn unless_stopped(self, stop: Option<ReconnectStop>, options: &Options) -> Self {
        let stops = stop.is_some_and(|stop| options.reconnect_stop.contains(&stop));
        if stops || options.reconnect_interval.is_none() { Self::Never } else { self }
    }
}
