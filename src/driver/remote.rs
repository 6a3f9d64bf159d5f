//! What all remotes of a socket have in common.

use crate::options::Options;
use crate::pipe::HighWaterMark;
use crate::proto::handshake::HandshakeConfig;
use crate::routing::{Attachment, EndpointId, Routing};

/// How a socket treats its remotes.
#[derive(Debug)]
pub(crate) struct RemoteConfig {
    pub(crate) routing: Routing,
    pub(crate) options: Options,
    pub(crate) handshake: HandshakeConfig,
}

impl RemoteConfig {
    /// Makes the double queue of a new remote. Returns nothing once the socket is closed.
    pub(super) fn attach(&self, endpoint: EndpointId) -> Option<Attachment> {
        let send = HighWaterMark::new(self.options.send_hwm);
        let recv = HighWaterMark::new(self.options.recv_hwm);
        self.routing.attach(endpoint, send, recv)
    }
}
