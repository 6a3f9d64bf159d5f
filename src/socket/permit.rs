//! Permits: slots reserved before a message exists.

use std::marker::PhantomData;

use super::reserving::Slot;
use super::target::Target;
use crate::error::{TryRouteError, TrySendError};
use crate::message::{AnyMessage, Message};
use crate::routing::{Exclusive, IdentityTable, RoundRobin, RoutingTable, Strategy};

/// A reserved slot for one message, in the queue of a remote that the socket has picked.
///
/// The slot counts against the high-water mark until it is used. Dropping the permit releases it.
#[derive(Debug)]
#[must_use = "dropping a permit releases its slot"]
pub struct Permit<'a, M = Message> {
    slot: PickedSlot<'a>,
    message: PhantomData<fn(M)>,
}

/// A slot of a socket that picks the remote itself.
#[derive(Debug)]
enum PickedSlot<'a> {
    Exclusive(Slot<'a, Exclusive>),
    RoundRobin(Slot<'a, RoundRobin>),
}

#[expect(private_bounds, reason = "sockets choose the type of their messages")]
impl<M: AnyMessage> Permit<'_, M> {
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
    pub fn send(self, message: impl Into<M>) -> Result<(), TrySendError<M>> {
        self.slot.send(message.into())
    }
}

impl PickedSlot<'_> {
    fn send<M: AnyMessage>(self, message: M) -> Result<(), TrySendError<M>> {
        match self {
            Self::Exclusive(slot) => send(slot, message),
            Self::RoundRobin(slot) => send(slot, message),
        }
    }
}

impl<'a, M> From<Slot<'a, Exclusive>> for Permit<'a, M> {
    fn from(slot: Slot<'a, Exclusive>) -> Self {
        Self { slot: PickedSlot::Exclusive(slot), message: PhantomData }
    }
}

impl<'a, M> From<Slot<'a, RoundRobin>> for Permit<'a, M> {
    fn from(slot: Slot<'a, RoundRobin>) -> Self {
        Self { slot: PickedSlot::RoundRobin(slot), message: PhantomData }
    }
}

/// A reserved slot for one message in the queue of a named remote.
///
/// The slot counts against the high-water mark until it is used. Dropping the permit releases it.
#[derive(Debug)]
#[must_use = "dropping a permit releases its slot"]
pub struct RoutePermit<'a, M = Message> {
    slot: NamedSlot<'a>,
    message: PhantomData<fn(M)>,
}

/// A slot of a socket whose senders name the remote.
#[derive(Debug)]
enum NamedSlot<'a> {
    Identity(Slot<'a, IdentityTable>),
    RoutingId(Slot<'a, RoutingTable>),
}

#[expect(private_bounds, reason = "sockets choose the type of their messages")]
impl<M: AnyMessage> RoutePermit<'_, M> {
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
    pub fn send(self, message: impl Into<M>) -> Result<(), TryRouteError<M>> {
        match self.slot {
            NamedSlot::Identity(slot) => send(slot, message.into()),
            NamedSlot::RoutingId(slot) => send(slot, message.into()),
        }
    }
}

impl<'a, M> From<Slot<'a, IdentityTable>> for RoutePermit<'a, M> {
    fn from(slot: Slot<'a, IdentityTable>) -> Self {
        Self { slot: NamedSlot::Identity(slot), message: PhantomData }
    }
}

impl<'a, M> From<Slot<'a, RoutingTable>> for RoutePermit<'a, M> {
    fn from(slot: Slot<'a, RoutingTable>) -> Self {
        Self { slot: NamedSlot::RoutingId(slot), message: PhantomData }
    }
}

/// Sends a message through a slot.
fn send<R: Strategy<Target = T>, T: Target, M: AnyMessage>(
    slot: Slot<'_, R>,
    message: M,
) -> Result<(), T::TryError<M>> {
    let sent = slot.send(message.into_queue());
    sent.map_err(|(refusal, message)| T::try_error(refusal, M::from_queue(message)))
}
