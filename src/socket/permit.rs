//! Permits: slots reserved before a message exists.

use super::reserving::Slot;
use super::send_errors::{try_route_error, try_send_error};
use crate::error::{TryRouteError, TrySendError};
use crate::message::Message;
use crate::routing::{Exclusive, RoundRobin, RoutingTable};

/// A reserved slot for one message, in the queue of a remote that the socket has picked.
///
/// The slot counts against the high-water mark until it is used. Dropping the permit releases it.
#[derive(Debug)]
#[must_use = "dropping a permit releases its slot"]
pub struct Permit<'a>(ReservedSlot<'a>);

/// A slot of a socket that picks the remote itself.
#[derive(Debug)]
enum ReservedSlot<'a> {
    Exclusive(Slot<'a, Exclusive>),
    RoundRobin(Slot<'a, RoundRobin>),
}

impl Permit<'_> {
    /// Sends a message through the slot, without waiting.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the message, if the remote has left and no other remote has room, or
    /// if the socket is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let permit = client.reserve().await?;
    /// let report = format!("created after the wait: {:?}", std::time::SystemTime::now());
    /// permit.send(report)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let sent = match self.0 {
            ReservedSlot::Exclusive(slot) => slot.send(message.into()),
            ReservedSlot::RoundRobin(slot) => slot.send(message.into()),
        };
        sent.map_err(try_send_error)
    }
}

impl<'a> From<Slot<'a, Exclusive>> for Permit<'a> {
    fn from(slot: Slot<'a, Exclusive>) -> Self {
        Self(ReservedSlot::Exclusive(slot))
    }
}

impl<'a> From<Slot<'a, RoundRobin>> for Permit<'a> {
    fn from(slot: Slot<'a, RoundRobin>) -> Self {
        Self(ReservedSlot::RoundRobin(slot))
    }
}

/// A reserved slot for one message in the queue of a named remote.
///
/// The slot counts against the high-water mark until it is used. Dropping the permit releases it.
#[derive(Debug)]
#[must_use = "dropping a permit releases its slot"]
pub struct RoutePermit<'a>(pub(super) Slot<'a, RoutingTable>);

impl RoutePermit<'_> {
    /// Sends a message to the remote through the slot, without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRouteError`] with the message, if the remote has left, or if the socket is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = server.recv().await?;
    /// let permit = server.reserve_route(request.routing_id().unwrap()).await?;
    /// permit.send("a reply that is created after the wait")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(self, message: impl Into<Message>) -> Result<(), TryRouteError> {
        self.0.send(message.into()).map_err(try_route_error)
    }
}
