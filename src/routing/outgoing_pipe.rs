//! The outgoing half of one pipe.

use crate::connection_id::ConnectionId;
use crate::pipe::{Grants, Outbound, PipeKey};
use crate::remote::Remote;
use crate::routing::EndpointId;
use crate::routing_id::RoutingId;

/// The outgoing half of one pipe.
#[derive(Debug)]
pub(crate) struct OutgoingPipe {
    pub(super) outbound: Outbound,
    pub(super) endpoint: EndpointId,
    /// The other half of the pipe.
    pub(super) inbound: PipeKey,
    pub(super) routing_id: Option<RoutingId>,
    pub(super) offered: bool,
    /// Its remote has not completed its handshake.
    pub(super) is_arriving: bool,
    /// The senders that wait for this pipe.
    pub(super) senders: Grants<()>,
    pub(super) connection: Option<ConnectionId>,
    /// The remote of the present or the last connection.
    pub(super) remote: Option<Remote>,
    /// The number of messages for many pipes that its remote has missed since the last one that
    /// was queued without a loss.
    pub(super) missed: u32,
    /// Whether a queued message was replaced since its connection had taken all.
    pub(super) replaces: bool,
    /// Whether short messages for many pipes are packed.
    pub(super) packs: bool,
    /// Whether the remote of this connection accepts no more messages.
    pub(super) draining: bool,
    /// Whether another remote has taken over its identity.
    pub(super) is_replaced: bool,
}

impl OutgoingPipe {
    /// Returns whether its remote is connected and accepts messages.
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some() && !self.draining && !self.outbound.is_retired()
    }
}
