//! The outgoing halves of a socket's pipes, from which its strategy chooses.

mod attaching;
mod batch;
mod commands;
mod ended;
mod many;
mod reserving;
mod taken;

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use slotmap::SlotMap;
use zmtp_proto::command::Command;
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::identity::Identity;

use crate::message::Message;
use crate::pipe::{DeliveredMessages, Grants, HighWaterMark, Outbound, PipeKey, Take, Want};
use crate::remote::Remote;
use crate::routing::fan_out::FanOut;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{
    Attached, AttachmentError, Choice, CommandEffect, DiscardedReplies, EndpointId, ExceededLimit,
    FairQueue, IdentityClaim, Outgoing, Refusal, RequestEnd, Strategy,
};
use crate::sync::Wakes;

/// The outgoing halves of all pipes of a socket, their strategy, and the waiting senders.
///
/// Invariants: a pipe is offered exactly if it has capacity, is not retired, and the strategy
/// allows it; while a sender waits for one pipe, that pipe is not offered, and while it waits for
/// any, none is: capacity is granted to waiting senders first.
#[derive(Debug)]
pub(crate) struct OutgoingPipes<S> {
    pub(super) pipes: SlotMap<PipeKey, OutgoingPipe>,
    pub(super) strategy: S,
    /// The high-water mark of each pipe.
    pub(super) hwm: HighWaterMark,
    /// The senders that wait for any pipe.
    pub(super) senders: Grants<PipeKey>,
    pub(super) closed: bool,
    fan_out: FanOut,
}

impl<S: Strategy> OutgoingPipes<S> {
    pub(crate) fn new(strategy: S, hwm: HighWaterMark) -> Self {
        Self {
            pipes: SlotMap::with_key(),
            strategy,
            hwm,
            senders: Grants::new(),
            closed: false,
            fan_out: FanOut::default(),
        }
    }

    /// Queues a message if there is capacity, and takes it out of `message` only then.
    #[inline]
    pub(crate) fn try_send(
        &mut self,
        to: &S::Target,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        if S::FANS_OUT && self.address_or_take(message, wakes)? {
            return Ok(());
        }
        match self.strategy.choose(to) {
            Choice::Offered(key) => {
                self.push(key, message, wakes);
                Ok(())
            }
            Choice::One(key) if self.pipes[key].outbound.has_room() => {
                self.push(key, message, wakes);
                Ok(())
            }
            Choice::Many(chosen) if !self.closed => {
                self.fan_out.try_send(chosen, &mut self.pipes, message, wakes)
            }
            Choice::Unreachable if !self.closed => Err(Refusal::HostUnreachable),
            Choice::One(_) | Choice::Many(_) | Choice::Full | Choice::Unreachable => {
                Err(self.full())
            }
        }
    }

    /// Returns the inbound half of the pipe that a sender specifies.
    pub(crate) fn inbound(&mut self, to: &S::Target) -> Option<PipeKey> {
        let key = self.strategy.choose(to).specified()?;
        self.pipes.get(key).map(|pipe| pipe.inbound)
    }

    /// Returns the last remote of a pipe.
    pub(crate) fn last_remote(&self, key: PipeKey) -> Option<Remote> {
        self.pipes.get(key)?.remote.clone()
    }

    /// Queues a message in a chosen pipe, which has capacity.
    #[inline]
    pub(super) fn push(&mut self, key: PipeKey, message: &mut Option<Message>, wakes: &mut Wakes) {
        let pipe = &mut self.pipes[key];
        if S::IDENTIFIES {
            pipe.missed = 0;
        }
        pipe.outbound.push(message, wakes);
        if pipe.outbound.has_room() {
            self.strategy.used(key, pipe);
        } else {
            self.withdraw_if_full(key);
        }
    }

    const fn full(&self) -> Refusal {
        if self.closed { Refusal::Closed } else { Refusal::Full }
    }

    /// Grants free slots to waiting senders, and offers the pipe if slots remain.
    pub(super) fn refill(&mut self, key: PipeKey, wakes: &mut Wakes) {
        if S::FANS_OUT {
            return self.admit_held(key, wakes);
        }
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        if pipe.offered || pipe.is_arriving {
            return;
        }
        while pipe.outbound.has_room() && self.strategy.may_offer(key, pipe) {
            if !pipe.senders.grant((), wakes) && !self.senders.grant(key, wakes) {
                pipe.offered = true;
                return self.strategy.offer(key, pipe);
            }
            pipe.outbound.reserve();
        }
    }

    /// Stops offering a full pipe. It is not inlined, to stay out of the path of a message that
    /// finds capacity.
    #[inline(never)]
    pub(super) fn withdraw_if_full(&mut self, key: PipeKey) {
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        if pipe.offered && !pipe.outbound.has_room() {
            pipe.offered = false;
            self.strategy.withdraw(key);
        }
    }

    /// Stops offering a pipe, whether or not it is full. A sender that was granted a slot there has
    /// already been woken, and returns to its position in the line.
    pub(super) fn withdraw(&mut self, key: PipeKey) {
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        for _ in 0..self.senders.revoke(key) + pipe.senders.revoke(()) {
            pipe.outbound.release();
        }
        if pipe.offered {
            pipe.offered = false;
            self.strategy.withdraw(key);
        }
    }
}

impl<S: Strategy> Outgoing for OutgoingPipes<S> {
    fn is_exclusive(&self) -> bool {
        S::IS_EXCLUSIVE
    }

    fn identifies(&self) -> bool {
        S::IDENTIFIES
    }

    fn admit(&self) -> Result<(), AttachmentError> {
        if self.closed {
            Err(AttachmentError::Closed)
        } else {
            self.strategy.admit(self.pipes.len())
        }
    }

    fn attach(
        &mut self,
        endpoint: EndpointId,
        wakes: &mut Wakes,
    ) -> Result<Attached, AttachmentError> {
        self.attach_identified(endpoint, IdentityClaim::default(), false, wakes)
    }

    fn attach_arriving(&mut self, endpoint: EndpointId) -> Result<Attached, AttachmentError> {
        self.insert(endpoint, IdentityClaim::default(), true, &mut Wakes::None)
    }

    fn attach_identified(
        &mut self,
        endpoint: EndpointId,
        claim: IdentityClaim,
        is_arriving: bool,
        wakes: &mut Wakes,
    ) -> Result<Attached, AttachmentError> {
        let attached = self.insert(endpoint, claim, is_arriving, wakes)?;
        self.refill(attached.key, wakes);
        Ok(attached)
    }

    fn identity(&self, key: PipeKey) -> Option<Identity> {
        self.strategy.identity(key).cloned()
    }

    fn is_replaced(&self, key: PipeKey) -> bool {
        self.pipes.get(key).is_some_and(|pipe| pipe.is_replaced)
    }

    fn retire(&mut self, endpoint: EndpointId, wakes: &mut Wakes) {
        let pipes = self.pipes.iter().filter(|(_, pipe)| pipe.endpoint == endpoint);
        let keys: Vec<_> = pipes.map(|(key, _)| key).collect();
        for key in keys {
            self.retire_pipe(key, wakes);
        }
    }

    fn retire_pipe(&mut self, key: PipeKey, wakes: &mut Wakes) {
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        if pipe.outbound.is_retired() {
            return;
        }
        self.strategy.retire(key, pipe);
        pipe.outbound.retire(wakes);
        pipe.senders.wake_all(wakes);
        self.withdraw(key);
        if S::FANS_OUT {
            self.fan_out.held.remove_line(key, wakes);
        }
    }

    fn detach(&mut self, key: PipeKey, wakes: &mut Wakes) -> Option<Outbound> {
        self.retire_pipe(key, wakes);
        self.strategy.remove(key);
        self.pipes.remove(key).map(|pipe| pipe.outbound)
    }

    fn poll_take(
        &mut self,
        key: PipeKey,
        want: Want,
        taken: &mut VecDeque<Message>,
        connection: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Take> {
        let Some(pipe) = self.pipes.get_mut(key) else { return Poll::Ready(Take::End) };
        if let Some(commands) = self.strategy.take_commands(key) {
            return Poll::Ready(Take::Commands(commands));
        }
        if S::FANS_OUT {
            pipe.outbound.seal();
        }
        let took = pipe.outbound.poll_take(want, taken, connection);
        self.strategy.freed(key, pipe);
        self.refill(key, wakes);
        took
    }

    fn poll_retired(&mut self, key: PipeKey, connection: &Waker) -> Poll<()> {
        self.pipes.get_mut(key).map_or(Poll::Ready(()), |it| it.outbound.poll_retired(connection))
    }

    fn hwm(&self) -> HighWaterMark {
        self.hwm
    }

    fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes) {
        self.hwm = hwm;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.pipes[key].outbound.set_hwm(hwm);
            self.withdraw_if_full(key);
            self.refill(key, wakes);
        }
    }

    fn free_memory(&mut self, key: PipeKey) {
        if let Some(pipe) = self.pipes.get_mut(key) {
            pipe.outbound.free_memory();
        }
    }

    fn queued(&self, key: Option<PipeKey>) -> usize {
        match key {
            Some(key) => self.pipes.get(key).map_or(0, |pipe| pipe.outbound.len()),
            None => self.pipes.values().map(|pipe| pipe.outbound.len()).sum(),
        }
    }

    fn join(&mut self, key: PipeKey, inbound: PipeKey) {
        if let Some(pipe) = self.pipes.get_mut(key) {
            pipe.inbound = inbound;
        }
    }

    fn taken(&self, key: PipeKey) -> u64 {
        self.pipes.get(key).map_or(0, |pipe| pipe.outbound.taken())
    }

    fn command(
        &mut self,
        key: PipeKey,
        command: &Command,
        notices: Option<&mut FairQueue>,
        wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        self.handle_command(key, command, notices, wakes)
    }

    fn announce_departures(&mut self, notices: &mut FairQueue, wakes: &mut Wakes) -> bool {
        self.strategy.announce_departures(notices, wakes)
    }

    fn reclaim(&mut self) -> bool {
        self.strategy.reclaim()
    }

    fn join_all(&mut self, key: PipeKey) {
        self.strategy.join_all(key);
    }

    fn connect(&mut self, key: PipeKey, remote: &Remote, wakes: &mut Wakes) {
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        let was_open = pipe.is_open();
        (pipe.connection, pipe.draining) = (Some(remote.connection_id()), false);
        pipe.is_arriving = false;
        pipe.remote = Some(remote.clone());
        // Only a connection takes packed messages.
        let is_stream = !matches!(remote.endpoint(), Endpoint::Inproc(_) | Endpoint::Udp(_));
        pipe.packs = S::FANS_OUT && is_stream;
        self.strategy.connect(key, pipe, was_open, wakes);
        if S::FANS_OUT {
            pipe.missed = 0;
            // A sender may have waited for the remote because of an earlier connection.
            self.fan_out.held.wake_line(key, wakes);
        }
        self.refill(key, wakes);
    }

    fn disconnect(
        &mut self,
        key: PipeKey,
        gone: bool,
        unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message> {
        self.end_connection(key, gone, unwritten)
    }

    fn discard(
        &mut self,
        key: PipeKey,
        unwritten: &mut VecDeque<Message>,
        wakes: &mut Wakes,
    ) -> VecDeque<Message> {
        self.discard_messages(key, unwritten, wakes)
    }

    fn match_replies(
        &mut self,
        key: PipeKey,
        arrived: &mut DeliveredMessages,
        wakes: &mut Wakes,
    ) -> DiscardedReplies {
        let taken = self.taken(key);
        let discarded = self.strategy.match_replies(key, taken, arrived, wakes);
        self.refill(key, wakes);
        discarded
    }

    fn end_requests(&mut self, end: RequestEnd, wakes: &mut Wakes) -> Vec<Message> {
        self.strategy.end_requests(end, wakes)
    }

    fn wake_senders(&mut self, wakes: &mut Wakes) {
        self.senders.wake_all(wakes);
        self.strategy.wake_unconnected(wakes);
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.retire_pipe(key, wakes);
        }
        self.senders.wake_all(wakes);
        self.fan_out.held.wake_all(wakes);
        self.strategy.close(wakes);
    }
}
