//! The attachment of accepted remotes to their socket, and the refusal of others.

use zmtp_proto::handshake::Negotiated;
use zmtp_proto::identity::Identity;

use super::ListenerState;
use crate::auth::AuthenticatorCall;
use crate::connection::{AnnouncedHandshake, Deadline, Established};
use crate::driver::SocketState;
use crate::monitor::{EventSource, HandshakeFailure};
use crate::routing::{Attachment, AttachmentError};
use crate::transport::Stream;

impl ListenerState {
    /// Performs the handshake with a remote of a socket that may refuse it because of its other
    /// remotes. This is decided before the socket announces itself, when the remote has.
    pub(super) async fn establish_admitted(
        &self,
        stream: Stream,
        deadline: Deadline,
        authenticator_call: Option<&AuthenticatorCall>,
        subject: &EventSource,
    ) -> Result<(Established<Stream>, Option<Box<Attachment>>), HandshakeFailure> {
        let SocketState { options, handshake, .. } = &*self.shared;
        let mechanism = self.mechanism_for_handshake();
        let request =
            AnnouncedHandshake::hear(stream, mechanism, deadline, authenticator_call).await?;
        let limits = options.message_limits();
        let admit = |negotiated: Option<&Negotiated>| self.admit(subject, negotiated);
        request.introduce(handshake, deadline, limits, admit).await
    }

    /// Attaches a remote to the socket, unless its endpoint has ended.
    pub(super) fn attach(&self, subject: &EventSource) -> Result<Attachment, AttachmentError> {
        self.shared.attach(self.id, subject.clone(), &self.ended, &self.quotas)
    }

    /// Attaches a remote in its handshake, if the socket may refuse it because of its other
    /// remotes, and if the socket knows enough of the remote. Boxed, because the futures that it
    /// passes through would otherwise reserve space for it.
    pub(super) fn admit(
        &self,
        subject: &EventSource,
        negotiated: Option<&Negotiated>,
    ) -> Result<Option<Box<Attachment>>, HandshakeFailure> {
        let SocketState { routing, .. } = &*self.shared;
        let attached = if routing.is_exclusive() {
            let attached = routing.attach_arriving(self.id, subject.clone());
            self.admitted(attached.and_then(|attachment| self.unless_ended(attachment)))?
        } else {
            match negotiated {
                Some(negotiated) if routing.identifies() => {
                    self.admit_identified(subject, negotiated)?
                }
                _ => None,
            }
        };
        Ok(attached.map(Box::new))
    }

    /// Attaches the socket that dials over `inproc`. Returns `None` if the endpoint has ended.
    pub(super) fn admit_dial(
        &self,
        subject: &EventSource,
        negotiated: &Negotiated,
    ) -> Result<Option<Attachment>, HandshakeFailure> {
        if self.shared.routing.identifies() {
            return self.admit_identified(subject, negotiated);
        }
        self.admitted(self.attach(subject))
    }

    /// Attaches a remote with the identity that it announced. Returns `None` if the endpoint has
    /// ended.
    fn admit_identified(
        &self,
        subject: &EventSource,
        negotiated: &Negotiated,
    ) -> Result<Option<Attachment>, HandshakeFailure> {
        let claim = self.shared.claim(negotiated, &Identity::default(), subject.connection_id)?;
        let attached = self.shared.admit_identified(self.id, subject.clone(), claim, true)?;
        Ok(attached.and_then(|attachment| self.unless_ended(attachment).ok()))
    }

    /// Converts the result of attaching a remote without an identity.
    fn admitted(
        &self,
        attached: Result<Attachment, AttachmentError>,
    ) -> Result<Option<Attachment>, HandshakeFailure> {
        match attached {
            Ok(attachment) => Ok(Some(attachment)),
            Err(AttachmentError::Occupied) => Err(HandshakeFailure::Occupied),
            // The connection ends with the endpoint.
            Err(AttachmentError::Closed | AttachmentError::DuplicateIdentity) => Ok(None),
        }
    }

    fn unless_ended(&self, attachment: Attachment) -> Result<Attachment, AttachmentError> {
        let attachment = attachment.within(&self.quotas);
        // An endpoint is cancelled before its remotes are retired: this one is either among them,
        // or detects the end here.
        if self.ended.is_cancelled() { Err(AttachmentError::Closed) } else { Ok(attachment) }
    }
}
