//! Remotes with identities.

use zmtp_proto::identity::Identity;

use super::{Attachment, Pipe, Routing};
use crate::connection_id::ConnectionId;
use crate::monitor::EventSource;
use crate::routing::{AttachmentError, EndpointId, IdentityClaim};
use crate::sync::Wakes;

impl Routing {
    /// Returns whether each remote has an identity of its own.
    pub(crate) fn identifies(&self) -> bool {
        self.outgoing.lock().identifies()
    }

    /// Adds a remote with an identity, unless another one has it. Returns the connection that loses
    /// the identity as well, which the caller ends.
    pub(crate) fn attach_identified(
        &self,
        endpoint: EndpointId,
        subject: EventSource,
        claim: IdentityClaim,
        is_arriving: bool,
    ) -> Result<(Attachment, Option<ConnectionId>), AttachmentError> {
        let mut wakes = Wakes::None;
        let (attached, identity) = {
            let mut outgoing = self.outgoing.lock();
            let attached = outgoing.attach_identified(endpoint, claim, is_arriving, &mut wakes)?;
            (attached, outgoing.identity(attached.key))
        };
        let subject = EventSource { identity: identity.map(Box::new), ..subject };
        Ok((self.add(attached, subject, wakes), attached.replaced))
    }

    /// Returns whether another remote has taken over the identity of one.
    pub(crate) fn is_replaced(&self, pipe: Pipe) -> bool {
        self.outgoing.lock().is_replaced(pipe.outbound)
    }
}

impl Attachment {
    /// Returns the identity that the strategy has assigned to the remote.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.routing.outgoing.lock().identity(self.pipe.outbound)
    }
}
