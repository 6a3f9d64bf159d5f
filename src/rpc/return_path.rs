//! The path from a request back to its requester.

use std::fmt;

use super::framing::Framing;
use crate::routing_id::RoutingId;
use crate::socket::tracked::RemoteKey;

/// The path from a request back to its requester.
pub(crate) trait ReturnPath: Clone + fmt::Debug + Send + Sync + Unpin + 'static {
    /// The remote, by the id that the socket sends to.
    type Key: RemoteKey;

    /// Returns the remote.
    fn key(&self) -> Self::Key;

    /// Returns the form of replies.
    fn framing(&self) -> Framing<'_>;

    /// Returns a number that distinguishes the requesters that share a connection.
    fn tag(&self) -> u64;

    /// Returns the bytes that it takes.
    fn len(&self) -> usize;
}

impl ReturnPath for RoutingId {
    type Key = Self;

    #[inline]
    fn key(&self) -> Self {
        *self
    }

    #[inline]
    fn framing(&self) -> Framing<'_> {
        Framing::Body
    }

    #[inline]
    fn tag(&self) -> u64 {
        0
    }

    #[inline]
    fn len(&self) -> usize {
        0
    }
}
