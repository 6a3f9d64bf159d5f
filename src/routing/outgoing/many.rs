//! Queuing a message in many pipes.

use std::mem;
use std::task::{Poll, Waker};

use slotmap::SlotMap;

use super::OutgoingPipes;
use crate::message::Message;
use crate::pipe::{PACKED_MAX, PipeKey, Ticket};
use crate::remote::Remote;
use crate::routing::fan_out::HeldSenders;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, MissedMessages, Refusal, Strategy};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Queues a message in all pipes of a choice, unless it has to wait for one of them.
    pub(super) fn send_to_many(
        &mut self,
        to: &S::Target,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if message.as_ref().is_some_and(|message| self.is_too_long(message)) {
            return Err(Refusal::TooLong);
        }
        // The choice is made once: for a group, it is a hash.
        let Self { strategy, pipes, fan_out, .. } = self;
        let keys = match strategy.choose(to) {
            Choice::Many(keys) => keys,
            Choice::All(keys) if full_pipe(pipes, &fan_out.held, keys, None).is_some() => {
                return Err(Refusal::Full);
            }
            Choice::All(keys) => keys,
            _ => return Ok(()),
        };
        if let Some(message) = message.take() {
            push_to_many(pipes, &mut fan_out.missed, keys, message, wakes);
        }
        Ok(())
    }

    /// Queues a message in all pipes of a choice when all have room; until then, waits in line.
    pub(crate) fn poll_send_to_all(
        &mut self,
        to: &S::Target,
        ticket: &mut Option<Ticket>,
        message: &mut Option<Message>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        if message.as_ref().is_some_and(|message| self.is_too_long(message)) {
            if let Some(ticket) = ticket.take() {
                self.cancel_held(ticket, wakes);
            }
            return Poll::Ready(Err(Refusal::TooLong));
        }
        self.poll_send_taken_to_all(to, ticket, |_| message.take(), sender, wakes)
    }

    /// Queues the message that `take` returns in all pipes of a choice when all have room; until
    /// then, waits in line. The message is not [too long](Self::is_too_long).
    pub(super) fn poll_send_taken_to_all(
        &mut self,
        to: &S::Target,
        ticket: &mut Option<Ticket>,
        take: impl FnOnce(&mut Wakes) -> Option<Message>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        let full = if self.closed { None } else { self.full_pipe(to, *ticket) };
        if let Some(full) = full {
            let before = self.fan_out.held.register(ticket, full, sender);
            if let Some(before) = before.filter(|before| *before != full) {
                self.wake_held(before, wakes);
            }
            return Poll::Pending;
        }
        if !self.closed {
            let message = take(wakes);
            let Self { strategy, pipes, fan_out, .. } = self;
            if let (Some(message), Choice::Many(keys) | Choice::All(keys)) =
                (message, strategy.choose(to))
            {
                push_to_many(pipes, &mut fan_out.missed, keys, message, wakes);
            }
        }
        if let Some(ticket) = ticket.take() {
            self.cancel_held(ticket, wakes);
        }
        Poll::Ready(if self.closed { Err(Refusal::Closed) } else { Ok(()) })
    }

    /// Returns whether a pipe cannot send a message, however long it waits.
    #[inline]
    pub(crate) fn is_too_long(&self, message: &[u8]) -> bool {
        !self.closed && !self.strategy.fits(message)
    }

    /// Returns a pipe of a choice that has no room, or that an earlier sender waits for.
    pub(super) fn full_pipe(&mut self, to: &S::Target, ticket: Option<Ticket>) -> Option<PipeKey> {
        let Choice::All(keys) = self.strategy.choose(to) else { return None };
        full_pipe(&self.pipes, &self.fan_out.held, keys, ticket)
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

    fn chosen(&mut self, to: &S::Target) -> impl Iterator<Item = &OutgoingPipe> {
        let keys = match self.strategy.choose(to) {
            Choice::Many(keys) | Choice::All(keys) => keys,
            _ => &[],
        };
        keys.iter().filter_map(|key| self.pipes.get(*key))
    }

    /// Wakes the sender that has waited longest for a pipe, if that has room.
    pub(super) fn wake_held(&mut self, key: PipeKey, wakes: &mut Wakes) {
        if self.pipes.get(key).is_some_and(|pipe| pipe.outbound.has_room()) {
            self.fan_out.held.wake_next(key, wakes);
        }
    }

    /// Wakes all senders that wait for a pipe, or for any: it no longer belongs to their choice.
    pub(super) fn release_held(&mut self, key: Option<PipeKey>, wakes: &mut Wakes) {
        self.fan_out.held.wake_all(key, wakes);
    }

    /// Removes a sender that no longer waits.
    pub(super) fn cancel_held(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        if let Some(pipe) = self.fan_out.held.remove(ticket) {
            self.wake_held(pipe, wakes);
        }
    }

    /// Returns what full pipes have missed since the last call.
    pub(crate) fn take_missed(&mut self) -> MissedMessages {
        mem::take(&mut self.fan_out.missed)
    }
}

fn full_pipe(
    pipes: &SlotMap<PipeKey, OutgoingPipe>,
    held: &HeldSenders,
    keys: &[PipeKey],
    ticket: Option<Ticket>,
) -> Option<PipeKey> {
    keys.iter().copied().find(|key| {
        let pipe = pipes.get(*key);
        pipe.is_some_and(|pipe| !pipe.outbound.has_room() || held.is_awaited(*key, ticket))
    })
}

/// Queues a message in all of these pipes that have room. The others miss it, which is counted.
fn push_to_many(
    pipes: &mut SlotMap<PipeKey, OutgoingPipe>,
    missed: &mut MissedMessages,
    keys: &[PipeKey],
    message: Message,
    wakes: &mut Wakes,
) {
    let mut message = Some(message);
    for (behind, key) in (0..keys.len()).rev().zip(keys) {
        let Some(pipe) = pipes.get_mut(*key) else { continue };
        if pipe.outbound.has_room() {
            pipe.is_missing = false;
            push_copy(pipe, &mut message, behind == 0, wakes);
        } else {
            count_missed(pipe, missed);
        }
    }
}

/// Queues a copy of a message, or the message itself if it is for no other pipe: without a clone, its
/// body is not shared.
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

fn count_missed(pipe: &mut OutgoingPipe, missed: &mut MissedMessages) {
    missed.messages += 1;
    let Some(remote) = &pipe.remote else { return };
    remote.counters().count_missed();
    if !mem::replace(&mut pipe.is_missing, true) {
        missed.remotes.push(remote.clone());
    }
}
