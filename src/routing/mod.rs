//! The routing of sent and received messages (RFC 41).
//!
//! One lock guards the outgoing halves of all pipes, and another the incoming halves, so that
//! choosing a pipe and using it are one step. The outgoing halves are [`OutgoingPipes`] with a
//! [`Strategy`], such as [`RoundRobin`] or [`RoutingTable`]. The incoming halves are a
//! [`FairQueue`]. A connection sees its two halves as an [`Attachment`]. This module does no IO,
//! reads no clock and spawns no tasks.
//!
//! Methods add the tasks to wake to [`Wakes`]; they are woken after the lock is released. Messages
//! are passed by reference or unwrapped: moving one between wrappers costs as much as the lock.

mod announcing;
mod attachment;
mod awaited_topics;
mod choice;
#[cfg_attr(
    not(feature = "rpc"),
    expect(dead_code, reason = "only requesters and responders handle ends")
)]
mod connection_ends;
mod connection_table;
mod ended_limit;
mod ended_pipes;
mod exclusive;
mod fair_queue;
mod fan_out;
mod group_table;
mod held_senders;
mod identity_table;
mod interests;
mod losses;
mod no_route;
mod notice_table;
mod outgoing;
mod outgoing_pipe;
mod publishers;
mod remainder;
mod replies;
mod requests;
mod returned;
mod round_robin;
mod routing_table;
mod strategy;
mod subscription_table;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::task::{Poll, Waker};

use thiserror::Error;
use zmtp_proto::command::Command;
use zmtp_proto::identity::Identity;

pub(crate) use self::announcing::Announcing;
pub(crate) use self::attachment::{Attachment, Pipe, Routing};
pub(crate) use self::choice::{Choice, ManyPipes};
pub(crate) use self::connection_ends::ReportedEnds;
pub(crate) use self::connection_ends::{ConnectionEnd, ConnectionEnds};
pub(crate) use self::connection_table::ConnectionTable;
pub(crate) use self::exclusive::Exclusive;
pub(crate) use self::fair_queue::{Closed, FairQueue};
pub(crate) use self::fan_out::{Copies, SlowReport};
pub(crate) use self::group_table::GroupTable;
pub(crate) use self::identity_table::IdentityTable;
pub(crate) use self::interests::{Interest, Interests, Removed};
pub(crate) use self::losses::{KeptMessage, Losses};
pub(crate) use self::no_route::NoRoute;
pub(crate) use self::notice_table::{AnswerRefusal, NoticeTable};
pub(crate) use self::outgoing::OutgoingPipes;
pub(crate) use self::publishers::Publishers;
pub(crate) use self::remainder::Remainder;
pub(crate) use self::replies::{DiscardedReplies, RequestEnd};
pub(crate) use self::requests::{Abandoned, RequestKey, RequestOutcome, Requests};
pub(crate) use self::returned::{ReturnedMessage, ReturnedMessages};
pub(crate) use self::round_robin::RoundRobin;
pub(crate) use self::routing_table::RoutingTable;
pub(crate) use self::strategy::Strategy;
pub(crate) use self::subscription_table::{ByFirstPart, FirstPart, SubscriptionTable};
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::monitor::DisconnectReason;
use crate::pipe::{DeliveredMessages, HighWaterMark, Outbound, PipeKey, Take, Want};
use crate::remote::Remote;
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// The outgoing pipes, without their strategy, for a connection and its owner.
pub(crate) trait Outgoing: fmt::Debug + Send {
    /// Returns whether the socket has one remote at most, so that others are refused during their
    /// handshake.
    fn is_exclusive(&self) -> bool;

    /// Returns whether each remote has an identity of its own, so that others with the same one are
    /// refused during their handshake.
    fn identifies(&self) -> bool;

    /// Returns whether another remote can be attached.
    fn admit(&self) -> Result<(), AttachmentError>;

    /// Adds a remote, and offers it to senders.
    fn attach(
        &mut self,
        endpoint: EndpointId,
        wakes: &mut Wakes,
    ) -> Result<Attached, AttachmentError>;

    /// Adds a remote that has not completed its handshake. It is offered to senders once it has a
    /// [connection](Self::connect).
    fn attach_arriving(&mut self, endpoint: EndpointId) -> Result<Attached, AttachmentError>;

    /// Adds a remote with an identity, unless another one has it. A remote that has not completed
    /// its handshake, which `is_arriving` states, is offered to senders once it has a
    /// [connection](Self::connect).
    fn attach_identified(
        &mut self,
        endpoint: EndpointId,
        claim: IdentityClaim,
        is_arriving: bool,
        wakes: &mut Wakes,
    ) -> Result<Attached, AttachmentError>;

    /// Returns the identity of a remote, if the strategy has assigned one.
    fn identity(&self, key: PipeKey) -> Option<Identity>;

    /// Returns whether another remote has taken over the identity of one.
    fn is_replaced(&self, key: PipeKey) -> bool;

    /// Stops offering an endpoint's remotes to senders; messages queued for them can still be
    /// taken.
    fn retire(&mut self, endpoint: EndpointId, wakes: &mut Wakes);

    /// Stops offering one remote to senders. Messages queued for it can still be taken.
    fn retire_pipe(&mut self, key: PipeKey, wakes: &mut Wakes);

    /// Removes the remote, and returns its queue. Its messages are removed from the queue after the
    /// lock is released: packed messages have to be copied.
    fn detach(&mut self, key: PipeKey, wakes: &mut Wakes) -> Option<Outbound>;

    /// Moves queued messages into `taken`, which must be empty, or parks the connection until there
    /// are some.
    fn poll_take(
        &mut self,
        key: PipeKey,
        want: Want,
        taken: &mut VecDeque<Message>,
        connection: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Take>;

    /// Ready when a remote is retired. Until then, parks its connection, which takes nothing.
    fn poll_retired(&mut self, key: PipeKey, connection: &Waker) -> Poll<()>;

    /// Returns the high-water mark of each remote's queue.
    fn hwm(&self) -> HighWaterMark;

    /// Sets the high-water mark for the queues of all current and future remotes.
    fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes);

    /// Frees the memory of an empty queue.
    fn free_memory(&mut self, key: PipeKey);

    /// Returns the number of queued messages, for one remote or for all.
    fn queued(&self, key: Option<PipeKey>) -> usize;

    /// Records the other half of a pipe.
    fn join(&mut self, key: PipeKey, inbound: PipeKey);

    /// Returns the number of messages taken from the queue of a remote so far.
    fn taken(&self, key: PipeKey) -> u64;

    /// Passes a command of a remote to the strategy, which queues `notices` of requests if the
    /// application receives them.
    fn command(
        &mut self,
        key: PipeKey,
        command: &Command,
        notices: Option<&mut FairQueue>,
        wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit>;

    /// Queues notices of the subscriptions that ended with their connections, a bounded number at a
    /// time, while the queue has room. Returns whether it has room for more.
    fn announce_departures(&mut self, notices: &mut FairQueue, wakes: &mut Wakes) -> bool;

    /// Reclaims a part of the memory of remotes that have left. Returns whether there is more.
    fn reclaim(&mut self) -> bool;

    /// Makes a remote a member of every group, including later ones: a `udp` endpoint, whose
    /// remotes do not announce their groups.
    fn join_all(&mut self, key: PipeKey);

    /// Records that a remote has a connection.
    fn connect(&mut self, key: PipeKey, remote: &Remote, wakes: &mut Wakes);

    /// Records that the connection of a remote has ended and left `unwritten` messages that it had
    /// taken. `gone` means that no other connection follows. Returns the messages to be routed
    /// again, including these. Unless the strategy redirects messages, returns none and leaves them
    /// in place.
    fn disconnect(
        &mut self,
        key: PipeKey,
        gone: bool,
        unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message>;

    /// Returns the messages that a connection has not written when it ends, if they are for this
    /// connection alone, and wakes the tasks that wait to send it others. Some can be packed: they
    /// are unpacked after the lock is released. Called before [`disconnect`](Self::disconnect).
    fn discard(
        &mut self,
        key: PipeKey,
        unwritten: &mut VecDeque<Message>,
        wakes: &mut Wakes,
    ) -> VecDeque<Message>;

    /// Passes messages of a remote to the requests that wait for them, if the strategy takes
    /// replies, a bounded number at a time.
    fn match_replies(
        &mut self,
        key: PipeKey,
        arrived: &mut DeliveredMessages,
        wakes: &mut Wakes,
    ) -> DiscardedReplies;

    /// Ends the requests of a connection that has ended, if the strategy takes replies. Returns the
    /// messages that will not be sent.
    fn end_requests(&mut self, end: RequestEnd, wakes: &mut Wakes) -> Vec<Message>;

    /// Wakes all senders that wait for capacity of any remote, and the tasks that wait for a remote
    /// to connect or to subscribe. They keep their positions in the line.
    fn wake_senders(&mut self, wakes: &mut Wakes);

    /// Retires all remotes, and refuses all later messages.
    fn close(&mut self, wakes: &mut Wakes);
}

/// The position at which a message was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueuePosition {
    pub(crate) pipe: PipeKey,
    /// The number of messages queued in this pipe before it.
    pub(crate) number: u64,
}

/// The treatment of messages that an ended connection leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// They wait in the pipe for its next connection.
    Stay,
    /// They are lost with the pipe.
    Lose,
    /// They are returned, to be sent through other pipes.
    Redirect,
}

/// Identifies an endpoint of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndpointId(pub(crate) u64);

/// The identity that a remote is to have.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityClaim {
    /// If it is empty, an identity is generated.
    pub(crate) identity: Identity,
    /// The connection that the remote was accepted with, which ends if another remote takes over
    /// the identity. A dialed remote keeps its identity between connections.
    pub(crate) accepted: Option<ConnectionId>,
}

/// A new remote, with the routing id that its strategy has assigned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attached {
    pub(crate) key: PipeKey,
    pub(crate) routing_id: Option<RoutingId>,
    /// The connection whose identity the remote has taken over.
    pub(crate) replaced: Option<ConnectionId>,
}

/// The reason why a remote could not be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachmentError {
    /// The socket is closed.
    Closed,
    /// Another remote has the identity.
    DuplicateIdentity,
    /// The socket has as many remotes as its type permits.
    Occupied,
}

/// The effect of a command of a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandEffect {
    /// Fewer messages are for the remote.
    Narrowed,
    Unchanged,
    /// More messages are for the remote.
    Widened,
}

/// The limit that a command of a remote exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ExceededLimit {
    #[error("the remote joins more groups than it may")]
    Groups,
    #[error("the remote subscribes to more topics than it may")]
    Topics,
}

impl From<ExceededLimit> for DisconnectReason {
    fn from(exceeded: ExceededLimit) -> Self {
        match exceeded {
            ExceededLimit::Groups => Self::TooManyGroups,
            ExceededLimit::Topics => Self::TooManyTopics,
        }
    }
}

/// The reason why a message could not be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    Full,
    HostUnreachable,
    /// The message does not fit a datagram, and a pipe sends datagrams.
    TooLong,
}
