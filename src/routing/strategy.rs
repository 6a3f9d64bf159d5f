//! What distinguishes the outgoing pipes of socket types.

use std::fmt;

use zmtp_proto::command::Command;
use zmtp_proto::identity::Identity;

use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{DeliveredMessages, PipeKey};
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{
    AttachmentError, Choice, CommandEffect, DiscardedReplies, ExceededLimit, FairQueue,
    IdentityClaim, Leftover, RequestEnd,
};
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// Chooses the pipes for a message. `OutgoingPipes` implements the rest for all strategies:
/// queues, high-water marks, and waiting senders.
///
/// A pipe is *offered* while it has capacity that is not reserved for a waiting sender.
pub(crate) trait Strategy: fmt::Debug + Send {
    /// The target that a sender names: none, a routing id, an identity or a group. The content of a
    /// message can determine its remotes instead.
    type Target: Clone + fmt::Debug + Send;

    /// Whether a message can be for many pipes.
    const FANS_OUT: bool = false;

    /// Whether receivers take only messages of groups that the socket has joined, or that match its
    /// subscriptions.
    const FILTERS: bool = false;

    /// Whether the socket has one remote at most, so that others are refused during their
    /// handshake.
    const IS_EXCLUSIVE: bool = false;

    /// Whether each remote has an identity of its own, so that others with the same one are refused
    /// during their handshake.
    const IDENTIFIES: bool = false;

    /// Whether a message is for one connection. The next connection of its pipe does not send it.
    const IS_BY_CONNECTION: bool = false;

    /// Whether a sent message can be a subscription of the socket itself, which is not queued for its
    /// remotes. Such a strategy never lets a sender wait.
    const SUBSCRIBES: bool = false;

    /// Whether received messages are replies, which go to the requests that wait for them.
    const TAKES_REPLIES: bool = false;

    /// Whether the application receives the requests of remotes that subscribe, as notices.
    const NOTIFIES: bool = false;

    /// Looks up the pipes for the next message, if its content determines them.
    fn address(&mut self, _message: &[u8]) {}

    /// Chooses the pipes for a message.
    fn choose(&mut self, to: &Self::Target) -> Choice<'_>;

    /// Returns whether all messages go to the same pipe while it is offered.
    fn has_one_choice(&self) -> bool {
        false
    }

    /// Decides whether the socket admits another remote, in addition to `remotes`.
    fn admit(&self, _remotes: usize) -> Result<(), AttachmentError> {
        Ok(())
    }

    /// Returns the routing id of a new pipe's remote, if the strategy assigns one.
    fn attach(&mut self, _key: PipeKey) -> Option<RoutingId> {
        None
    }

    /// Decides whether a remote may have an identity. Returns the pipe and the connection that lose
    /// it.
    fn claim(
        &self,
        _claim: &IdentityClaim,
    ) -> Result<Option<(PipeKey, ConnectionId)>, AttachmentError> {
        Ok(None)
    }

    /// Assigns its identity to a new pipe. `is_open` states whether messages can be queued for it
    /// before it has a connection.
    fn identify(&mut self, _key: PipeKey, _claim: IdentityClaim, _is_open: bool) {}

    /// Returns the identity of a pipe's remote, if the strategy has assigned one.
    fn identity(&self, _key: PipeKey) -> Option<&Identity> {
        None
    }

    /// Returns whether a pipe may be offered.
    fn may_offer(&self, _key: PipeKey, _pipe: &OutgoingPipe) -> bool {
        true
    }

    /// Records that a pipe is offered from now on.
    fn offer(&mut self, _key: PipeKey, _pipe: &OutgoingPipe) {}

    /// Records that an offered pipe was used and still has capacity.
    fn used(&mut self, _key: PipeKey, _pipe: &OutgoingPipe) {}

    /// Records that a pipe has more free slots.
    fn freed(&mut self, _key: PipeKey, _pipe: &OutgoingPipe) {}

    /// Records that a pipe is no longer offered.
    fn withdraw(&mut self, _key: PipeKey) {}

    /// Records that a pipe accepts no more messages, or none for its connection, which has ended.
    fn retire(&mut self, _key: PipeKey, _pipe: &OutgoingPipe) {}

    /// Records that a pipe, which was retired, is removed.
    fn remove(&mut self, _key: PipeKey) {}

    /// Records that a pipe has a connection. `was_open` states whether its remote accepted messages
    /// before. If the strategy fans out, the senders that wait for the pipe then check their choice
    /// again.
    fn connect(
        &mut self,
        _key: PipeKey,
        _pipe: &OutgoingPipe,
        _was_open: bool,
        _wakes: &mut Wakes,
    ) {
    }

    /// Decides about the messages that a connection leaves when it ends. `gone` means that no other
    /// connection of the pipe follows.
    fn disconnect(&mut self, _key: PipeKey, _was_open: bool, _gone: bool) -> Leftover {
        Leftover::Stay
    }

    /// Handles a command of a remote that is for its strategy, such as a JOIN.
    fn command(
        &mut self,
        _key: PipeKey,
        _command: &Command,
        _wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        Ok(CommandEffect::Unchanged)
    }

    /// Handles such a command of a remote whose [requests](Self::NOTIFIES) are received, and queues
    /// a notice if it has an effect.
    fn request(
        &mut self,
        key: PipeKey,
        command: &Command,
        _notices: &mut FairQueue,
        wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        self.command(key, command, wakes)
    }

    /// Queues notices of the subscriptions that ended with their connections, a bounded number at a
    /// time, while the queue has room. Returns whether it has room for more.
    fn announce_departures(&mut self, _notices: &mut FairQueue, _wakes: &mut Wakes) -> bool {
        false
    }

    /// Reclaims a part of the memory of remotes that have left, which may take too long for one
    /// critical section. Returns whether there is more.
    fn reclaim(&mut self) -> bool {
        false
    }

    /// Takes commands to be written to a remote before its next messages.
    fn take_commands(&mut self, _key: PipeKey) -> Option<Vec<Command>> {
        None
    }

    /// Subscribes to a topic, or cancels a subscription, for a message that was sent. Returns
    /// whether there is a change to announce.
    fn subscribe(&mut self, _command: &Command) -> bool {
        false
    }

    /// Makes a pipe a member of every group. Its messages are sent as datagrams.
    fn join_all(&mut self, _key: PipeKey) {}

    /// Returns whether all pipes can send a message.
    fn fits(&self, _message: &[u8]) -> bool {
        true
    }

    /// Passes messages of a remote to the requests that wait for them, a bounded number at a time.
    /// `taken` messages of its queue were taken. The pipe may be offered again afterwards.
    fn match_replies(
        &mut self,
        _key: PipeKey,
        _taken: u64,
        _arrived: &mut DeliveredMessages,
        _wakes: &mut Wakes,
    ) -> DiscardedReplies {
        DiscardedReplies::default()
    }

    /// Ends the requests that the connection of a remote has written, and returns the others to
    /// their callers. Returns the messages that no caller waits for.
    fn end_requests(&mut self, end: RequestEnd, _wakes: &mut Wakes) -> Vec<Message> {
        end.unwritten.into()
    }

    /// Wakes the tasks that wait for a remote to connect or to subscribe: none can be expected
    /// anymore.
    fn wake_unconnected(&mut self, _wakes: &mut Wakes) {}

    /// Wakes the tasks that wait for events of the strategy: the socket is closed.
    fn close(&mut self, _wakes: &mut Wakes) {}
}
