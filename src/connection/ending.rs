//! The end of a connection that this side ends, and the status that its remote receives.

use std::future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time;
use zmtp_proto::handshake::HandshakeError;
use zmtp_proto::mechanism::StatusCode;
use zmtp_proto::traffic::TrafficError;

use super::Connection;
use crate::monitor::{DisconnectReason, HandshakeFailure};
use crate::transport::{CloseStatus, ClosingStream, shut_down};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// Ends our side of the stream, and reads until the remote ends its own. It may have written
    /// something before, and a stream that is closed with unread bytes is reset, which can destroy
    /// data that the remote has not read yet.
    pub(super) async fn close(&mut self) {
        let closing = async {
            future::poll_fn(|cx| Pin::new(self.framed.get_mut()).poll_shutdown(cx)).await?;
            future::poll_fn(|cx| self.poll_read(cx)).await;
            Ok::<_, io::Error>(())
        };
        // The connection has ended already. An error changes nothing.
        let _ = time::timeout(CLOSE_TIMEOUT, closing).await;
    }
}

impl<S: ClosingStream + Unpin> Connection<'_, S> {
    /// Sends the status of a connection that did not end gracefully, if its protocol has one. The
    /// time and the bytes for which this waits are limited.
    pub(crate) async fn refuse(&mut self, reason: &DisconnectReason) {
        if let Some(status) = status_after(reason) {
            end_with(self.framed.get_mut(), status).await;
        }
    }
}

/// Sends the status of a handshake that failed, if the protocol of the stream has one. Returns
/// false otherwise.
pub(super) async fn refuse(
    stream: &mut (impl ClosingStream + Unpin),
    failure: &HandshakeFailure,
) -> bool {
    match status_of(failure) {
        Some(status) => end_with(stream, status).await,
        None => false,
    }
}

async fn end_with(stream: &mut (impl ClosingStream + Unpin), status: CloseStatus) -> bool {
    let has_status = Pin::new(&mut *stream).set_status(status);
    if has_status {
        shut_down(stream).await;
    }
    has_status
}

/// Returns the status of a handshake that failed; `None` if nothing can be sent.
fn status_of(failure: &HandshakeFailure) -> Option<CloseStatus> {
    match failure {
        HandshakeFailure::ClosedByCurveServer
        | HandshakeFailure::ClosedByRemote
        | HandshakeFailure::Refused { .. } => Some(CloseStatus::Normal),
        HandshakeFailure::Rejected { status: StatusCode::TemporaryError, .. } => {
            Some(CloseStatus::TryAgainLater)
        }
        HandshakeFailure::Rejected { status: StatusCode::InternalError, .. } => {
            Some(CloseStatus::InternalError)
        }
        HandshakeFailure::AddressDenied
        | HandshakeFailure::BothClients { .. }
        | HandshakeFailure::BothServers { .. }
        | HandshakeFailure::DuplicateIdentity { .. }
        | HandshakeFailure::IncompatibleSocketType { .. }
        | HandshakeFailure::InvalidIdentity(_)
        | HandshakeFailure::MechanismMismatch { .. }
        | HandshakeFailure::Occupied
        | HandshakeFailure::Rejected { .. }
        | HandshakeFailure::TimedOut { .. }
        | HandshakeFailure::UnknownResource { .. }
        | HandshakeFailure::WrongKey(_) => Some(CloseStatus::PolicyViolation),
        HandshakeFailure::Protocol(error) => Some(match error.downcast_ref() {
            Some(HandshakeError::CommandTooLarge { .. }) => CloseStatus::TooLarge,
            _ => CloseStatus::ProtocolError,
        }),
        HandshakeFailure::ForeignProtocol { .. } => Some(CloseStatus::ProtocolError),
        HandshakeFailure::Io(error) => status_after_error(error),
        HandshakeFailure::ProxyHeader(_) | HandshakeFailure::TooManyHalfOpen => None,
        #[cfg(feature = "tls")]
        HandshakeFailure::Tls(_) => None,
        #[cfg(feature = "ws")]
        HandshakeFailure::Upgrade(_) => None,
    }
}

/// Returns the status of a connection that has ended; `None` if it was ended gracefully, or if
/// nothing can be sent.
fn status_after(reason: &DisconnectReason) -> Option<CloseStatus> {
    match reason {
        // The answer to a close frame.
        DisconnectReason::ClosedByRemote | DisconnectReason::Refused { .. } => {
            Some(CloseStatus::Normal)
        }
        DisconnectReason::MessageTooLarge { .. } | DisconnectReason::TooManyParts { .. } => {
            Some(CloseStatus::TooLarge)
        }
        DisconnectReason::Protocol(error) => Some(match error.downcast_ref() {
            Some(TrafficError::CommandTooLarge { .. }) => CloseStatus::TooLarge,
            _ => CloseStatus::ProtocolError,
        }),
        DisconnectReason::Revoked
        | DisconnectReason::TooManyGroups
        | DisconnectReason::TooManyTopics
        | DisconnectReason::TooSlow { .. } => Some(CloseStatus::PolicyViolation),
        DisconnectReason::Io(error) => status_after_error(error),
        DisconnectReason::Closed
        | DisconnectReason::HandedOver
        | DisconnectReason::HeartbeatTimedOut => None,
    }
}

/// Returns the status after an error of the stream: a violation of its own protocol, for which it has
/// set one already.
fn status_after_error(error: &io::Error) -> Option<CloseStatus> {
    (error.kind() == io::ErrorKind::InvalidData).then_some(CloseStatus::ProtocolError)
}

/// The time limit for a remote to end its side of the stream after this side has ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
