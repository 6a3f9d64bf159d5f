//! Slots that were reserved before there was a message for them.

use crate::error::{TryRouteError, TrySendError};
use crate::message::Message;
use crate::routing::{Refusal, RoundRobin, RoutingTable};
use crate::socket::reserving::Slot;

/// Room for one message in the queue of a [`Client`](crate::Client)'s next remote in turn.
///
/// The slot counts against the high-water mark until it is used. Dropping the permit gives it back.
#[derive(Debug)]
#[must_use = "dropping a permit gives its slot back"]
pub struct Permit<'a>(pub(super) Slot<'a, RoundRobin>);

impl Permit<'_> {
    /// Sends a message, at once.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the message, if the remote has gone meanwhile and no other has room, or
    /// if the socket is closed.
    pub fn send(self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.0.send(message.into()).map_err(|(refusal, message)| match refusal {
            Refusal::Closed => TrySendError::Closed(message),
            Refusal::Full | Refusal::HostUnreachable => TrySendError::Full(message),
        })
    }
}

/// Room for one message in the queue of one of a [`Server`](crate::Server)'s remotes.
///
/// The slot counts against the high-water mark until it is used. Dropping the permit gives it back.
#[derive(Debug)]
#[must_use = "dropping a permit gives its slot back"]
pub struct RoutePermit<'a>(pub(super) Slot<'a, RoutingTable>);

impl RoutePermit<'_> {
    /// Sends a message to the remote, at once.
    ///
    /// # Errors
    ///
    /// [`TryRouteError`] with the message, if the remote has gone meanwhile, or if the socket is
    /// closed.
    pub fn send(self, message: impl Into<Message>) -> Result<(), TryRouteError> {
        self.0.send(message.into()).map_err(|(refusal, message)| match refusal {
            Refusal::Closed => TryRouteError::Closed(message),
            Refusal::Full => TryRouteError::Full(message),
            Refusal::HostUnreachable => TryRouteError::HostUnreachable(message),
        })
    }
}
