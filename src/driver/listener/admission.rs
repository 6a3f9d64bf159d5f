//! The attachment of accepted remotes to their socket, and the refusal of others.

use super::ListenerState;
use crate::auth::AuthenticatorCall;
use crate::connection::{AnnouncedHandshake, Deadline, Established};
use crate::driver::SocketState;
use crate::monitor::{EventSource, HandshakeFailure};
use crate::routing::{AttachError, Attachment};
use crate::transport::Stream;

impl ListenerState {
    /// Performs the handshake with a remote of a socket that has one at most. Whether this is the
    /// only one is decided before the socket announces itself, when the remote has.
    pub(super) async fn establish_only(
        &self,
        stream: Stream,
        deadline: Deadline,
        authenticator_call: Option<&AuthenticatorCall>,
        subject: &EventSource,
    ) -> Result<(Established<Stream>, Option<Box<Attachment>>), HandshakeFailure> {
        let SocketState { options, handshake, .. } = &*self.shared;
        let mechanism = options.mechanism.clone();
        let request =
            deadline.keep(AnnouncedHandshake::hear(stream, mechanism, authenticator_call)).await?;
        let limits = options.message_limits();
        request.introduce(handshake, deadline, limits, || self.admit(subject)).await
    }

    /// Attaches a remote to the socket, unless its endpoint has ended.
    pub(super) fn attach(&self, subject: &EventSource) -> Result<Attachment, AttachError> {
        self.unless_ended(self.shared.routing.attach(self.id, subject.clone())?)
    }

    /// Attaches a remote in its handshake, if the socket has one remote at most. Boxed, because the
    /// futures that it passes through would otherwise reserve space for it.
    pub(super) fn admit(
        &self,
        subject: &EventSource,
    ) -> Result<Option<Box<Attachment>>, HandshakeFailure> {
        let SocketState { routing, .. } = &*self.shared;
        if !routing.is_exclusive() {
            return Ok(None);
        }
        let attached = routing.attach_arriving(self.id, subject.clone());
        match attached.and_then(|attachment| self.unless_ended(attachment)) {
            Ok(attachment) => Ok(Some(Box::new(attachment))),
            Err(AttachError::Occupied) => Err(HandshakeFailure::Occupied),
            // The connection ends with the endpoint.
            Err(AttachError::Closed) => Ok(None),
        }
    }

    fn unless_ended(&self, attachment: Attachment) -> Result<Attachment, AttachError> {
        let attachment = attachment.within(&self.quotas);
        // An endpoint is cancelled before its remotes are retired: this one is either among them,
        // or detects the end here.
        if self.ended.is_cancelled() { Err(AttachError::Closed) } else { Ok(attachment) }
    }
}
