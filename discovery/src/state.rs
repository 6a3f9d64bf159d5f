//! What a program can observe of a socket that follows a set.

use std::error::Error;
use std::sync::Arc;

use tokio_zmtp::Endpoint;

/// The state of a [`Discovery`](crate::Discovery).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct State {
    /// The endpoints of the last set. The socket is connected to them, or connects when their
    /// remotes listen. They include endpoints that the socket has abandoned, for example because
    /// the remote does not admit its key. Such an endpoint is connected again when it returns to
    /// the set after it was removed.
    pub endpoints: Vec<Endpoint>,
    /// The endpoints that were removed but are not disconnected yet.
    pub leaving: Vec<Endpoint>,
    /// The number of sets that were received. DNS yields one with each successful lookup.
    pub updates: u64,
    /// The reason why the set is currently unknown, or why the socket cannot connect to an endpoint
    /// of the last set.
    pub failure: Option<Arc<dyn Error + Send + Sync>>,
}
