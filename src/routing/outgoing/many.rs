//! Queuing a message in many pipes.

use std::mem;
use std::task::{Poll, Waker, ready};

use slotmap::SlotMap;

use super::OutgoingPipes;
use crate::message::Message;
use crate::options::SlowSubscriber;
use crate::pipe::{FirstPartHash, PACKED_MAX, PipeKey, Ticket};
use crate::remote::Remote;
use crate::routing::fan_out::FanOut;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, Copies, ManyPipes, Refusal, SlowReport, Strategy};
use crate::sync::Wakes;

impl FanOut {
    /// Queues a message in all of these pipes, unless it has to wait for one of them.
    pub(super) fn try_send(
        &mut self,
        chosen: ManyPipes<'_>,
        pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        if chosen.slow == SlowSubscriber::Wait
            && !self.held.has_turn(chosen.keys, free_slots(pipes))
        {
            return Err(Refusal::Full);
        }
        if let Some(message) = message.take() {
            push_to_many(pipes, &mut self.copies, chosen, message, wakes);
        }
        Ok(())
    }

    /// Queues the message that `take` returns in all of these pipes. If it has to wait for one of
    /// them, waits in line.
    pub(super) fn poll_send(
        &mut self,
        chosen: ManyPipes<'_>,
        pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
        ticket: &mut Option<Ticket>,
        take: impl FnOnce(&mut Wakes) -> Option<Message>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<()> {
        if chosen.slow == SlowSubscriber::Wait {
            let free = free_slots(pipes);
            ready!(self.held.poll_turn(ticket, chosen.keys, sender, free, wakes));
        }
        if let Some(message) = take(wakes) {
            push_to_many(pipes, &mut self.copies, chosen, message, wakes);
        }
        self.leave_line(ticket, pipes, wakes);
        Poll::Ready(())
    }

    /// Removes a sender that no longer waits.
    pub(super) fn leave_line(
        &mut self,
        ticket: &mut Option<Ticket>,
        pipes: &SlotMap<PipeKey, OutgoingPipe>,
        wakes: &mut Wakes,
    ) {
        if let Some(ticket) = ticket.take() {
            self.held.remove(ticket, free_slots(pipes), wakes);
        }
    }
}

impl<S: Strategy> OutgoingPipes<S> {
    /// Queues a message in all pipes of a choice when all have room; until then, waits in line.
    pub(crate) fn poll_send_to_all(
        &mut self,
        to: &S::Target,
        ticket: &mut Option<Ticket>,
        message: &mut Option<Message>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        if let Some(Err(refusal)) = message.as_ref().map(|it| self.address_if_it_fits(it)) {
            self.fan_out.leave_line(ticket, &self.pipes, wakes);
            return Poll::Ready(Err(refusal));
        }
        self.poll_send_taken(to, ticket, |_| message.take(), sender, wakes)
    }

    /// Looks up the pipes for the next message, if its content determines them.
    #[inline]
    pub(crate) fn address(&mut self, message: &[u8]) {
        self.strategy.address(message);
    }

    /// Does the same for a message that all pipes can send.
    #[inline]
    pub(super) fn address_if_it_fits(&mut self, message: &[u8]) -> Result<(), Refusal> {
        if self.is_too_long(message) {
            return Err(Refusal::TooLong);
        }
        self.address(message);
        Ok(())
    }

    /// Does the same, unless the message is a subscription of the socket itself. In that case,
    /// takes the message and returns true.
    #[inline]
    pub(super) fn address_or_take(
        &mut self,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<bool, Refusal> {
        if let Some(message) = message {
            self.address_if_it_fits(message)?;
        }
        Ok(S::SUBSCRIBES && self.take_subscription(message, wakes))
    }

    /// Queues a message in one pipe only, if the pipe has room and no sender waits for it, or if
    /// the policy for slow remotes lets the message replace a queued one.
    pub(crate) fn try_send_only(
        &mut self,
        key: PipeKey,
        slow: SlowSubscriber,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let keeps_last = slow == SlowSubscriber::KeepLast;
        let slow = if keeps_last { slow } else { SlowSubscriber::Wait };
        let only = ManyPipes { keys: &[key], slow };
        self.fan_out.try_send(only, &mut self.pipes, message, wakes)
    }

    /// Returns whether a pipe cannot send a message, however long it waits.
    #[inline]
    pub(crate) fn is_too_long(&self, message: &[u8]) -> bool {
        !self.closed && !self.strategy.fits(message)
    }

    /// Returns the remotes of a choice.
    pub(crate) fn members(&mut self, to: &S::Target) -> Vec<Remote> {
        self.chosen(to).filter_map(|pipe| pipe.remote.clone()).collect()
    }

    /// Returns the remotes of a choice whose queue is full.
    pub(crate) fn full_members(&mut self, to: &S::Target) -> Vec<Remote> {
        let full = self.chosen(to).filter(|pipe| !pipe.outbound.has_room());
        full.filter_map(|pipe| pipe.remote.clone()).collect()
    }

    /// Returns whether the pipe that the sender specifies has room.
    pub(crate) fn has_room_for(&mut self, to: &S::Target) -> bool {
        let key = self.strategy.choose(to).specified();
        key.is_some_and(|key| self.pipes[key].outbound.has_room())
    }

    /// Counts a message that a full pipe misses. Returns `None` if the target has no pipe.
    pub(crate) fn miss(&mut self, to: &S::Target) -> Option<Copies> {
        let key = self.strategy.choose(to).specified()?;
        let mut copies = Copies::default();
        count_missed(self.pipes.get_mut(key)?, 1, &mut copies);
        Some(copies)
    }

    fn chosen(&mut self, to: &S::Target) -> impl Iterator<Item = &OutgoingPipe> {
        let (one, many): (_, &[PipeKey]) = match self.strategy.choose(to) {
            Choice::Many(chosen) => (None, chosen.keys),
            Choice::Offered(key) | Choice::One(key) => (Some(key), &[]),
            Choice::Full | Choice::Unreachable => (None, &[]),
        };
        one.into_iter().chain(many.iter().copied()).filter_map(|key| self.pipes.get(key))
    }

    /// Admits waiting senders to the free slots of a pipe.
    pub(super) fn admit_held(&mut self, key: PipeKey, wakes: &mut Wakes) {
        let free = free_slots(&self.pipes)(key);
        self.fan_out.held.admit(key, free, wakes);
    }

    /// Returns the copies since the last call.
    pub(crate) fn take_copies(&mut self) -> Copies {
        mem::take(&mut self.fan_out.copies)
    }
}

/// Counts the free slots of each pipe. One that does not exist holds up no sender.
fn free_slots(pipes: &SlotMap<PipeKey, OutgoingPipe>) -> impl Fn(PipeKey) -> usize {
    |key| pipes.get(key).map_or(usize::MAX, |pipe| pipe.outbound.free_slots())
}

/// Queues a message in all of these pipes that have room. The policy for slow remotes applies to
/// the others.
///
/// Messages are dropped under the lock. Unlike those of one body, they own their memory: it never
/// belongs to the application, whose destructor could do anything.
fn push_to_many(
    pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
    copies: &mut Copies,
    ManyPipes { keys, slow }: ManyPipes<'_>,
    message: Message,
    wakes: &mut Wakes,
) {
    if slow == SlowSubscriber::KeepLast {
        return push_latest_to_many(pipes, copies, keys, message, wakes);
    }
    let mut message = Some(message);
    for (behind, key) in (0..keys.len()).rev().zip(keys) {
        let Some(pipe) = pipes.get_mut(*key) else { continue };
        if pipe.outbound.has_room() {
            pipe.missed = 0;
        } else if !make_room(pipe, slow, copies) {
            continue;
        }
        copies.queued += 1;
        push_copy(pipe, &mut message, behind == 0, wakes);
    }
}

/// Queues a message in all of these pipes, in place of the one with the same first part.
#[inline(never)]
fn push_latest_to_many(
    pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
    copies: &mut Copies,
    keys: &[PipeKey],
    message: Message,
    wakes: &mut Wakes,
) {
    let hash = FirstPartHash::of(&message);
    for key in keys {
        let Some(pipe) = pipes.get_mut(*key) else { continue };
        if pipe.outbound.is_retired() {
            count_missed(pipe, 1, copies);
            continue;
        }
        copies.queued += 1;
        pipe.replaces &= pipe.outbound.len() > 0;
        let displaced = pipe.outbound.push_latest(message.clone(), hash, wakes);
        match displaced.missed {
            0 => pipe.missed = 0,
            missed => count_missed(pipe, missed, copies),
        }
        if displaced.replaced > 0 {
            count_replaced(pipe, displaced.replaced, copies);
        }
    }
}

/// Queues a copy of a message, or the message itself if it is for no other pipe: without a clone,
/// its body is not shared.
#[inline]
fn push_copy(
    pipe: &mut OutgoingPipe,
    message: &mut Option<Message>,
    is_last: bool,
    wakes: &mut Wakes,
) {
    match message {
        Some(short) if pipe.packs && short.len() <= PACKED_MAX => pipe.outbound.pack(short, wakes),
        _ => {
            pipe.outbound.seal();
            let copy = if is_last { message.take() } else { message.clone() };
            pipe.outbound.push(&mut { copy }, wakes);
        }
    }
}

/// Applies the policy for slow remotes to a full pipe. Returns whether it has room now.
#[inline]
fn make_room(pipe: &mut OutgoingPipe, slow: SlowSubscriber, copies: &mut Copies) -> bool {
    let removed = match slow {
        SlowSubscriber::DropOldest => pipe.outbound.remove_oldest(),
        _ => None,
    };
    count_missed(pipe, removed.unwrap_or(1), copies);
    if let SlowSubscriber::Disconnect { after } = slow {
        // Once for each connection.
        let remote = pipe.remote.as_ref().filter(|_| pipe.missed == after.max(1));
        copies.reports.extend(remote.map(|it| (it.clone(), SlowReport::TooSlow(pipe.missed))));
    }
    removed.is_some()
}

#[inline]
fn count_missed(pipe: &mut OutgoingPipe, messages: u64, copies: &mut Copies) {
    copies.missed += messages;
    let Some(remote) = &pipe.remote else { return };
    remote.counters().count_missed(messages);
    if pipe.missed == 0 {
        copies.reports.push((remote.clone(), SlowReport::Misses));
    }
    pipe.missed += messages;
}

fn count_replaced(pipe: &mut OutgoingPipe, messages: u64, copies: &mut Copies) {
    copies.replaced += messages;
    let Some(remote) = &pipe.remote else { return };
    remote.counters().count_replaced(messages);
    if !mem::replace(&mut pipe.replaces, true) {
        copies.reports.push((remote.clone(), SlowReport::Replaces));
    }
}
