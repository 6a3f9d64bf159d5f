//! Queuing a message in many pipes.

use std::mem;
use std::task::{Poll, Waker};

use super::OutgoingPipes;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::remote::Remote;
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
        if message.as_ref().is_some_and(|message| !self.strategy.fits(message)) {
            return Err(Refusal::TooLong);
        }
        if self.full_pipe(to, None).is_some() {
            return Err(Refusal::Full);
        }
        self.push_to_many(to, message, wakes);
        Ok(())
    }

    /// Queues a message in all of these pipes that have room. The others miss it, which is counted.
    fn push_to_many(&mut self, to: &S::Target, message: &mut Option<Message>, wakes: &mut Wakes) {
        let (Choice::Many(keys) | Choice::All(keys)) = self.strategy.choose(to) else { return };
        let Some(message) = message.take() else { return };
        for key in keys {
            let Some(pipe) = self.pipes.get_mut(*key) else { continue };
            if pipe.outbound.has_room() {
                pipe.is_missing = false;
                pipe.outbound.push(&mut Some(message.clone()), wakes);
                continue;
            }
            self.fan_out.missed.messages += 1;
            let Some(remote) = &pipe.remote else { continue };
            remote.counters().count_missed();
            if !mem::replace(&mut pipe.is_missing, true) {
                self.fan_out.missed.remotes.push(remote.clone());
            }
        }
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
        let fits = message.as_ref().is_none_or(|message| self.strategy.fits(message));
        let full = if self.closed || !fits { None } else { self.full_pipe(to, *ticket) };
        if let Some(full) = full {
            let before = self.fan_out.held.register(ticket, full, sender);
            if let Some(before) = before.filter(|before| *before != full) {
                self.wake_held(before, wakes);
            }
            return Poll::Pending;
        }
        if !self.closed && fits {
            self.push_to_many(to, message, wakes);
        }
        if let Some(ticket) = ticket.take() {
            self.cancel_held(ticket, wakes);
        }
        Poll::Ready(match (self.closed, fits) {
            (true, _) => Err(Refusal::Closed),
            (false, false) => Err(Refusal::TooLong),
            (false, true) => Ok(()),
        })
    }

    /// Returns a pipe of a choice that has no room, or that an earlier sender waits for.
    pub(super) fn full_pipe(&mut self, to: &S::Target, ticket: Option<Ticket>) -> Option<PipeKey> {
        let Choice::All(keys) = self.strategy.choose(to) else { return None };
        let Self { pipes, fan_out, .. } = self;
        let mut keys = keys.iter().copied().filter(|key| pipes.contains_key(*key));
        keys.find(|key| !pipes[*key].outbound.has_room() || fan_out.held.is_awaited(*key, ticket))
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
