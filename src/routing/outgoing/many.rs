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
        self.push(chosen, pipes, message, wakes);
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
        self.push(chosen, pipes, &mut take(wakes), wakes);
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

    /// Takes `message`, which must be present, and queues it in all of these pipes, by the policy
    /// for slow remotes.
    ///
    /// Messages are dropped under the lock. Unlike those of one body, they own their memory: it
    /// never belongs to the application, whose destructor could do anything.
    #[inline]
    fn push(
        &mut self,
        ManyPipes { keys, slow }: ManyPipes<'_>,
        pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) {
        if slow == SlowSubscriber::KeepLast {
            return self.push_latest(keys, pipes, message, wakes);
        }
        let drops_newest = matches!(slow, SlowSubscriber::DropNewest | SlowSubscriber::Wait);
        for (behind, key) in (0..keys.len()).rev().zip(keys) {
            let Some(pipe) = pipes.get_mut(*key) else { continue };
            if pipe.outbound.has_room() {
                pipe.missed = 0;
            } else if drops_newest {
                self.count_missed(pipe, 1);
                continue;
            } else if !self.make_room(pipe, slow) {
                continue;
            }
            self.copies.queued += 1;
            push_copy(pipe, message, behind == 0, wakes);
        }
        *message = None;
    }

    /// Does the same in place of the queued message with the same first part.
    #[inline(never)]
    fn push_latest(
        &mut self,
        keys: &[PipeKey],
        pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) {
        let Some(message) = message.take() else { return };
        let hash = FirstPartHash::of(&message);
        for key in keys {
            let Some(pipe) = pipes.get_mut(*key) else { continue };
            if pipe.outbound.is_retired() {
                self.count_missed(pipe, 1);
                continue;
            }
            self.copies.queued += 1;
            pipe.replaces &= pipe.outbound.len() > 0;
            let displaced = pipe.outbound.push_latest(message.clone(), hash, wakes);
            match displaced.missed {
                0 => pipe.missed = 0,
                missed => self.count_missed(pipe, missed),
            }
            if displaced.replaced > 0 {
                self.count_replaced(pipe, displaced.replaced);
            }
        }
    }

    /// Applies one of the other policies to a full pipe. Returns whether the pipe has room now.
    #[cold]
    fn make_room(&mut self, pipe: &mut OutgoingPipe, slow: SlowSubscriber) -> bool {
        if slow == SlowSubscriber::DropOldest {
            let removed = pipe.outbound.remove_oldest();
            self.count_missed(pipe, removed.unwrap_or(1));
            return removed.is_some();
        }
        self.count_missed(pipe, 1);
        if let SlowSubscriber::Disconnect { after } = slow {
            // Once for each connection.
            if pipe.missed == after.max(1) {
                self.report(pipe, SlowReport::TooSlow(pipe.missed));
            }
        }
        false
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

    /// Counts a message that a full pipe misses. Returns false if the target has no pipe.
    pub(crate) fn miss(&mut self, to: &S::Target) -> bool {
        let key = self.strategy.choose(to).specified();
        let pipe = key.and_then(|key| self.pipes.get_mut(key));
        pipe.map(|pipe| self.fan_out.count_missed(pipe, 1)).is_some()
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
    #[inline]
    pub(crate) fn take_copies(&mut self) -> Copies {
        mem::take(&mut self.fan_out.copies)
    }

    /// Returns the events of slow remotes since the last call.
    pub(crate) fn take_slow_reports(&mut self) -> Vec<(Remote, SlowReport)> {
        mem::take(&mut self.fan_out.reports)
    }
}

/// Counts the free slots of each pipe. One that does not exist holds up no sender.
fn free_slots(pipes: &SlotMap<PipeKey, OutgoingPipe>) -> impl Fn(PipeKey) -> usize {
    |key| pipes.get(key).map_or(usize::MAX, |pipe| pipe.outbound.free_slots())
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
            let copy = if is_last { message } else { &mut message.clone() };
            pipe.outbound.push(copy, wakes);
        }
    }
}
