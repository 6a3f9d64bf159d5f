//! How a socket spreads what it sends and collects what it receives (RFC 41).
//!
//! A strategy owns one half of all the socket's pipes, so that choosing a pipe and using it are one
//! step under one lock: [`RoundRobin`] and [`RoutingTable`] for sending, [`FairQueue`] for receiving.
//! A connection sees its two halves as an [`Attachment`]. No IO, no time, no tasks.
//!
//! Methods of strategies add the tasks to be woken to [`Wakes`], which the lock wakes after it is released.
//! Messages go in and out by reference or alone, not wrapped up with
//! other things: moving one from wrapper to wrapper costs as much as the lock.

mod attachment;
#[cfg(feature = "rpc")]
mod connection_ends;
mod ended_limit;
mod ended_pipes;
mod fair_queue;
mod losses;
mod round_robin;
mod routing_table;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::task::{Poll, Waker};

pub(crate) use self::attachment::{Attachment, Pipe, Remainder, Routing};
#[cfg(feature = "rpc")]
pub(crate) use self::connection_ends::{
    ConnectionEnd, ConnectionEnds, ReportedEnds, ReturnedMessage,
};
pub(crate) use self::fair_queue::{Closed, FairQueue};
pub(crate) use self::losses::Losses;
pub(crate) use self::round_robin::RoundRobin;
pub(crate) use self::routing_table::RoutingTable;
#[cfg(feature = "rpc")]
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{HighWaterMark, PipeKey, Take, Ticket, Want};
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// What a connection and its owner need of an outgoing strategy.
pub(crate) trait Outgoing: fmt::Debug + Send {
    /// Adds a remote. Returns nothing once the socket is closed.
    fn attach(&mut self, endpoint: EndpointId, wakes: &mut Wakes) -> Option<Attached>;

    /// Stops offering an endpoint's remotes to senders; what is queued for them can still be taken.
    fn retire(&mut self, endpoint: EndpointId, wakes: &mut Wakes);

    /// Does the same with one remote.
    fn retire_pipe(&mut self, key: PipeKey, wakes: &mut Wakes);

    /// Removes the remote, and hands out what was queued for it.
    fn detach(&mut self, key: PipeKey, wakes: &mut Wakes) -> VecDeque<Message>;

    /// Moves queued messages into `taken`, which is empty, or parks the connection until there are
    /// some.
    fn poll_take(
        &mut self,
        key: PipeKey,
        want: Want,
        taken: &mut VecDeque<Message>,
        connection: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Take>;

    /// The mark of the queue of each remote.
    fn hwm(&self) -> HighWaterMark;

    /// Sets another mark for the queues of all remotes, those to come included.
    fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes);

    /// Frees the memory of a queue that is empty.
    fn give_back(&mut self, key: PipeKey);

    /// How many messages are queued, for one remote or for all.
    fn queued(&self, key: Option<PipeKey>) -> usize;

    /// Notes the other half of a pipe, if the implementation needs it.
    #[cfg(feature = "rpc")]
    fn join(&mut self, _key: PipeKey, _inbound: PipeKey) {}

    /// How many messages have been taken out of the queue of a remote, ever.
    #[cfg(feature = "rpc")]
    fn taken(&self, key: PipeKey) -> u64;

    /// Notes that a remote has a connection.
    #[cfg(feature = "rpc")]
    fn connect(&mut self, _key: PipeKey, _connection: ConnectionId, _wakes: &mut Wakes) {}

    /// Notes that the connection of a remote has ended and has left messages `unwritten` that it had
    /// taken; `gone` if there will be no other. Returns the messages to be sent elsewhere, including
    /// these. By default it returns none, and they stay where they are.
    #[cfg(feature = "rpc")]
    fn disconnect(
        &mut self,
        _key: PipeKey,
        _gone: bool,
        _unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message> {
        VecDeque::new()
    }

    /// Retires all remotes and refuses everything from here on.
    fn close(&mut self, wakes: &mut Wakes);
}

/// What a handle needs of an outgoing strategy.
pub(crate) trait Strategy: Outgoing {
    /// What a sender has to name: nothing, or a routing id.
    type Target: Copy + fmt::Debug + Send;

    /// Queues a message if there is room; takes it out of `message` only then. Sets `idle` to the
    /// connection, if it was.
    fn try_send(
        &mut self,
        to: Self::Target,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal>;

    /// Reserves a slot if there is one.
    fn try_reserve(&mut self, to: Self::Target) -> Result<PipeKey, Refusal>;

    /// Reserves a slot, or queues the sender for one. Slots are handed out in the order of tickets.
    fn poll_reserve(
        &mut self,
        to: Self::Target,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
    ) -> Poll<Result<PipeKey, Refusal>>;

    /// Uses a reserved slot, like [`try_send`](Self::try_send). It is void if the remote has gone.
    fn send_reserved(
        &mut self,
        key: PipeKey,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal>;

    /// Gives a reserved slot back.
    fn release(&mut self, key: PipeKey, wakes: &mut Wakes);

    /// Forgets a sender that no longer waits, and passes on the slot that it may have been given.
    fn cancel(&mut self, to: Self::Target, ticket: Ticket, wakes: &mut Wakes);
}

/// Where a message was queued.
#[cfg(feature = "rpc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueuePosition {
    pub(crate) pipe: PipeKey,
    /// How many messages were queued in that pipe before it.
    pub(crate) number: u64,
}

/// Which of its socket's endpoints a remote belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndpointId(pub(crate) u64);

/// A remote as its strategy knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attached {
    pub(crate) key: PipeKey,
    pub(crate) routing_id: Option<RoutingId>,
}

/// Why a message could not be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    Full,
    HostUnreachable,
}
