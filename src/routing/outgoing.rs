//! The outgoing halves of a socket's pipes, from which its strategy chooses.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::task::{Poll, Waker};

use slotmap::SlotMap;

use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{Grants, HighWaterMark, Outbound, PipeKey, Take, Ticket, Want};
use crate::routing::{AttachError, Attached, EndpointId, Leftover, Outgoing, Refusal};
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// Chooses the pipes for a message. [`OutgoingPipes`] implements the rest for all strategies:
/// queues, high-water marks, and waiting senders.
///
/// A pipe is *offered* while it has capacity that is not reserved for a waiting sender.
pub(crate) trait Strategy: fmt::Debug + Send {
    /// The target that a sender names: nothing, or a routing id.
    type Target: Copy + fmt::Debug + Send;

    /// Whether the socket has one remote at most, so that others are refused during their
    /// handshake.
    const IS_EXCLUSIVE: bool = false;

    /// Chooses the pipes for a message.
    fn choose(&mut self, to: Self::Target) -> Choice<'_>;

    /// Decides whether the socket admits another remote, in addition to `remotes`.
    fn admit(&self, _remotes: usize) -> Result<(), AttachError> {
        Ok(())
    }

    /// Returns the routing id of a new pipe's remote, if the strategy assigns one.
    fn attach(&mut self, _key: PipeKey) -> Option<RoutingId> {
        None
    }

    /// Returns whether a pipe may be offered.
    fn may_offer(&self, _pipe: &OutgoingPipe) -> bool {
        true
    }

    /// Records that a pipe is offered from now on.
    fn offer(&mut self, _key: PipeKey) {}

    /// Records that an offered pipe was used and still has capacity.
    fn used(&mut self, _key: PipeKey) {}

    /// Records that a pipe is no longer offered.
    fn withdraw(&mut self, _key: PipeKey) {}

    /// Records that a pipe accepts no more messages.
    fn retire(&mut self, _pipe: &OutgoingPipe) {}

    /// Records that a pipe has a connection. `was_open` states whether its remote accepted messages before.
    fn connect(&mut self, _pipe: &OutgoingPipe, _was_open: bool, _wakes: &mut Wakes) {}

    /// Decides about the messages that a connection leaves when it ends. `gone` means that no other
    /// connection of the pipe follows.
    fn disconnect(&mut self, _was_open: bool, _gone: bool) -> Leftover {
        Leftover::Stay
    }

    /// Handles a command of a remote, such as a subscription.
    fn command(&mut self, _key: PipeKey, _command: &[u8]) {}

    /// Wakes the tasks that wait for events of the strategy: the socket is closed.
    fn close(&mut self, _wakes: &mut Wakes) {}
}

/// The choice of a strategy for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// An offered pipe.
    Offered(PipeKey),
    /// The one pipe that the sender specifies. If it is full, the sender waits for it.
    One(PipeKey),
    /// All of these pipes. The sender never waits: a full pipe misses the message, which is
    /// counted.
    #[cfg_attr(not(test), expect(dead_code, reason = "for socket types that fan out"))]
    Many(&'a [PipeKey]),
    /// No pipe is offered. The sender waits for any pipe.
    Full,
    /// No remote has this target.
    Unreachable,
}

/// The outgoing halves of all pipes of a socket, their strategy, and the waiting senders.
///
/// Invariants: a pipe is offered exactly if it has capacity, is not retired, and the strategy allows it; while a
/// sender waits for one pipe, that pipe is not offered, and while it waits for any, none is: capacity is granted to waiting
/// senders first.
#[derive(Debug)]
pub(crate) struct OutgoingPipes<S> {
    pub(super) pipes: SlotMap<PipeKey, OutgoingPipe>,
    pub(super) strategy: S,
    /// The high-water mark of each pipe.
    pub(super) hwm: HighWaterMark,
    /// The senders that wait for any pipe.
    pub(super) senders: Grants<PipeKey>,
    pub(super) closed: bool,
    /// The number of messages that full pipes have missed.
    missed: u64,
}

/// The outgoing half of one pipe.
#[derive(Debug)]
pub(crate) struct OutgoingPipe {
    pub(super) outbound: Outbound,
    endpoint: EndpointId,
    /// The other half of the pipe.
    pub(super) inbound: PipeKey,
    pub(super) routing_id: Option<RoutingId>,
    offered: bool,
    /// Its remote has not completed its handshake.
    is_arriving: bool,
    /// The senders that wait for this pipe.
    senders: Grants<()>,
    pub(super) connection: Option<ConnectionId>,
    /// Whether the remote of this connection accepts no more messages.
    pub(super) draining: bool,
}

impl OutgoingPipe {
    /// Returns whether its remote is connected and accepts messages.
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some() && !self.draining && !self.outbound.is_retired()
    }
}

impl<S: Strategy> OutgoingPipes<S> {
    pub(crate) fn new(strategy: S, hwm: HighWaterMark) -> Self {
        Self {
            pipes: SlotMap::with_key(),
            strategy,
            hwm,
            senders: Grants::new(),
            closed: false,
            missed: 0,
        }
    }

    /// Queues a message if there is capacity, and takes it out of `message` only then.
    #[inline]
    pub(crate) fn try_send(
        &mut self,
        to: S::Target,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        match self.strategy.choose(to) {
            Choice::Offered(key) => {
                self.push(key, message, wakes);
                Ok(())
            }
            Choice::One(key) if self.pipes[key].outbound.has_room() => {
                self.push(key, message, wakes);
                Ok(())
            }
            Choice::Many(keys) => {
                let Some(message) = message.take() else { return Ok(()) };
                for key in keys {
                    let Some(pipe) = self.pipes.get_mut(*key) else { continue };
                    if pipe.outbound.has_room() {
                        pipe.outbound.push(&mut Some(message.clone()), wakes);
                    } else {
                        self.missed += 1;
                    }
                }
                Ok(())
            }
            Choice::Unreachable if !self.closed => Err(Refusal::HostUnreachable),
            Choice::One(_) | Choice::Full | Choice::Unreachable => Err(self.full()),
        }
    }

    /// Returns whether [`try_send`](Self::try_send) would queue a message now.
    pub(crate) fn can_send(&mut self, to: S::Target) -> bool {
        match self.strategy.choose(to) {
            Choice::Offered(_) | Choice::Many(_) => true,
            Choice::One(key) => self.pipes[key].outbound.has_room(),
            Choice::Full | Choice::Unreachable => false,
        }
    }

    /// Reserves a slot if one is free.
    pub(crate) fn try_reserve(&mut self, to: S::Target) -> Result<PipeKey, Refusal> {
        match self.strategy.choose(to) {
            Choice::Offered(key) => Ok(self.reserve(key)),
            Choice::One(key) if self.pipes[key].outbound.has_room() => Ok(self.reserve(key)),
            // A message for many pipes takes no slot, and never waits.
            Choice::Many(_) => Ok(PipeKey::default()),
            Choice::Unreachable if !self.closed => Err(Refusal::HostUnreachable),
            Choice::One(_) | Choice::Full | Choice::Unreachable => Err(self.full()),
        }
    }

    /// Reserves a slot, or queues the sender for one. Slots are granted in the order of tickets.
    pub(crate) fn poll_reserve(
        &mut self,
        to: S::Target,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
    ) -> Poll<Result<PipeKey, Refusal>> {
        if !self.closed {
            if let Some(key) = self.claim(to, ticket) {
                return Poll::Ready(Ok(key));
            }
        }
        let reserved = self.try_reserve(to);
        if reserved == Err(Refusal::Full) {
            match self.strategy.choose(to) {
                Choice::One(key) => self.pipes[key].senders.register(ticket, sender),
                _ => self.senders.register(ticket, sender),
            }
            return Poll::Pending;
        }
        *ticket = None;
        Poll::Ready(reserved)
    }

    /// Queues a message in a reserved slot, like [`try_send`](Self::try_send). The slot is void if
    /// the remote is gone.
    pub(crate) fn send_reserved(
        &mut self,
        key: PipeKey,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let pipe = self.pipes.get_mut(key);
        let sent = pipe.is_some_and(|pipe| pipe.outbound.push_reserved(message, wakes));
        // A reserved slot takes no bytes until it is used.
        self.withdraw_if_full(key);
        if sent { Ok(()) } else { Err(Refusal::HostUnreachable) }
    }

    /// Releases a reserved slot.
    pub(crate) fn release(&mut self, key: PipeKey, wakes: &mut Wakes) {
        if let Some(pipe) = self.pipes.get_mut(key) {
            pipe.outbound.release();
            self.refill(key, wakes);
        }
    }

    /// Removes a sender that no longer waits. A slot that it was granted goes to the next sender.
    pub(crate) fn cancel(&mut self, to: S::Target, ticket: Ticket, wakes: &mut Wakes) {
        let granted = match self.strategy.choose(to) {
            Choice::One(key) => self.pipes[key].senders.cancel(ticket).map(|()| key),
            _ => self.senders.cancel(ticket),
        };
        if let Some(key) = granted {
            self.release(key, wakes);
        }
    }

    /// Passes a command of a remote to the strategy.
    #[cfg_attr(not(test), expect(dead_code, reason = "for socket types with subscriptions"))]
    pub(crate) fn command(&mut self, key: PipeKey, command: &[u8]) {
        self.strategy.command(key, command);
    }

    /// Returns the number of messages that full pipes have missed.
    #[cfg_attr(not(test), expect(dead_code, reason = "for socket types that fan out"))]
    pub(crate) const fn missed(&self) -> u64 {
        self.missed
    }

    /// Adds a pipe, if the strategy admits its remote.
    fn insert(&mut self, endpoint: EndpointId, is_arriving: bool) -> Result<Attached, AttachError> {
        self.admit()?;
        let key = self.pipes.insert(OutgoingPipe {
            outbound: Outbound::new(self.hwm),
            endpoint,
            inbound: PipeKey::default(),
            routing_id: None,
            offered: false,
            is_arriving,
            senders: Grants::new(),
            connection: None,
            draining: false,
        });
        let routing_id = self.strategy.attach(key);
        self.pipes[key].routing_id = routing_id;
        Ok(Attached { key, routing_id })
    }

    fn claim(&mut self, to: S::Target, ticket: &mut Option<Ticket>) -> Option<PipeKey> {
        (*ticket)?;
        match self.strategy.choose(to) {
            Choice::One(key) => self.pipes[key].senders.claim(ticket).map(|()| key),
            _ => self.senders.claim(ticket),
        }
    }

    /// Queues a message in a chosen pipe, which has capacity.
    #[inline]
    pub(super) fn push(&mut self, key: PipeKey, message: &mut Option<Message>, wakes: &mut Wakes) {
        let pipe = &mut self.pipes[key];
        pipe.outbound.push(message, wakes);
        if pipe.outbound.has_room() {
            self.strategy.used(key);
        } else {
            self.withdraw_if_full(key);
        }
    }

    fn reserve(&mut self, key: PipeKey) -> PipeKey {
        let pipe = &mut self.pipes[key];
        pipe.outbound.reserve();
        if pipe.outbound.has_room() {
            self.strategy.used(key);
        } else {
            self.withdraw_if_full(key);
        }
        key
    }

    const fn full(&self) -> Refusal {
        if self.closed { Refusal::Closed } else { Refusal::Full }
    }

    /// Grants free slots to waiting senders, and offers the pipe if slots remain.
    pub(super) fn refill(&mut self, key: PipeKey, wakes: &mut Wakes) {
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        if pipe.offered || pipe.is_arriving || !self.strategy.may_offer(pipe) {
            return;
        }
        while pipe.outbound.has_room() {
            if !pipe.senders.grant((), wakes) && !self.senders.grant(key, wakes) {
                pipe.offered = true;
                return self.strategy.offer(key);
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

    fn admit(&self) -> Result<(), AttachError> {
        if self.closed { Err(AttachError::Closed) } else { self.strategy.admit(self.pipes.len()) }
    }

    fn attach(&mut self, endpoint: EndpointId, wakes: &mut Wakes) -> Result<Attached, AttachError> {
        let attached = self.insert(endpoint, false)?;
        self.refill(attached.key, wakes);
        Ok(attached)
    }

    fn attach_arriving(&mut self, endpoint: EndpointId) -> Result<Attached, AttachError> {
        self.insert(endpoint, true)
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
        self.strategy.retire(pipe);
        pipe.outbound.retire(wakes);
        pipe.senders.wake_all(wakes);
        self.withdraw(key);
    }

    fn detach(&mut self, key: PipeKey, wakes: &mut Wakes) -> VecDeque<Message> {
        self.retire_pipe(key, wakes);
        self.pipes.remove(key).map(|pipe| pipe.outbound.into_queue()).unwrap_or_default()
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
        let took = pipe.outbound.poll_take(want, taken, connection);
        self.refill(key, wakes);
        took
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

    fn connect(&mut self, key: PipeKey, connection: ConnectionId, wakes: &mut Wakes) {
        let Some(pipe) = self.pipes.get_mut(key) else { return };
        let was_open = pipe.is_open();
        (pipe.connection, pipe.draining) = (Some(connection), false);
        pipe.is_arriving = false;
        self.strategy.connect(pipe, was_open, wakes);
        self.refill(key, wakes);
    }

    fn disconnect(
        &mut self,
        key: PipeKey,
        gone: bool,
        unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message> {
        let Some(pipe) = self.pipes.get_mut(key) else { return VecDeque::new() };
        let was_open = pipe.is_open();
        (pipe.connection, pipe.draining) = (None, false);
        let leftover = self.strategy.disconnect(was_open, gone || pipe.outbound.is_retired());
        if leftover == Leftover::Stay || self.closed {
            return VecDeque::new();
        }
        self.withdraw(key);
        if leftover == Leftover::Lose {
            return VecDeque::new();
        }
        let mut elsewhere = mem::take(unwritten);
        elsewhere.extend(self.pipes[key].outbound.drain());
        elsewhere
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.retire_pipe(key, wakes);
        }
        self.senders.wake_all(wakes);
        self.strategy.close(wakes);
    }
}
