//! The id of a connection.

use std::fmt;
use std::num::NonZeroU64;

/// Identifies one connection of a socket, from the moment it is accepted or dialed.
///
/// Ids of one socket are never reused: a remote that reconnects
/// has a new one. (A [`RoutingId`](crate::RoutingId) identifies the queue of a remote, which for a
/// dialed remote outlives its connections.)
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
