//! Names one connection of a socket.

use std::fmt;
use std::num::NonZeroU64;

/// Names one connection of a socket, from the moment it is accepted or dialled.
///
/// No two connections of one socket share an id, and none is given twice: a remote that connects again
/// has another one. (A [`RoutingId`](crate::RoutingId) names the queue of a remote, which for a remote
/// that was dialled outlives its connections.)
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(NonZeroU64);

impl ConnectionId {
    /// The id of the first connection.
    pub(crate) const FIRST: Self = Self(NonZeroU64::MIN);

    /// The id of the connection after this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl From<ConnectionId> for u64 {
    fn from(id: ConnectionId) -> Self {
        id.0.get()
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({})", self.0)
    }
}
