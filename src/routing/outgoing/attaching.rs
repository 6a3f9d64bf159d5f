//! Adding a pipe for a remote.

use super::OutgoingPipes;
use crate::pipe::{Grants, Outbound, PipeKey};
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Attached, AttachmentError, EndpointId, IdentityClaim, Outgoing, Strategy};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Adds a pipe, if the strategy admits its remote.
    pub(super) fn insert(
        &mut self,
        endpoint: EndpointId,
        claim: IdentityClaim,
        is_arriving: bool,
        wakes: &mut Wakes,
    ) -> Result<Attached, AttachmentError> {
        self.admit()?;
        let loser = self.strategy.claim(&claim)?;
        let replaced = loser.map(|(_, connection)| connection);
        if let Some((key, _)) = loser {
            self.pipes[key].is_replaced = true;
            self.retire_pipe(key, wakes);
        }
        let key = self.pipes.insert(OutgoingPipe {
            outbound: Outbound::new(self.hwm),
            endpoint,
            inbound: PipeKey::default(),
            routing_id: None,
            offered: false,
            is_arriving,
            senders: Grants::new(),
            connection: None,
            remote: None,
            missed: 0,
            replaces: false,
            packs: false,
            draining: false,
            is_replaced: false,
        });
        let routing_id = self.strategy.attach(key);
        self.pipes[key].routing_id = routing_id;
        // Senders that wait for the identity go on to wait for the new pipe.
        self.strategy.identify(key, claim, !is_arriving || loser.is_some());
        Ok(Attached { key, routing_id, replaced })
    }
}
