//! Slots that are reserved for senders, and the senders that wait for one.

use std::task::{Poll, Waker};

use super::OutgoingPipes;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::routing::{Choice, Refusal, Strategy};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Reserves a slot if one is free.
    pub(crate) fn try_reserve(&mut self, to: &S::Target) -> Result<PipeKey, Refusal> {
        match self.strategy.choose(to) {
            Choice::Offered(key) => Ok(self.reserve(key)),
            Choice::One(key) if self.pipes[key].outbound.has_room() => Ok(self.reserve(key)),
            // A message for many pipes takes no slot.
            Choice::Many(_) => Ok(PipeKey::default()),
            Choice::Unreachable if !self.closed => Err(Refusal::HostUnreachable),
            Choice::One(_) | Choice::Full | Choice::Unreachable => Err(self.full()),
        }
    }

    /// Returns whether there is capacity for a message, which takes one slot.
    #[inline]
    pub(crate) fn has_capacity(&mut self, to: &S::Target) -> bool {
        match self.strategy.choose(to) {
            Choice::Offered(_) => true,
            Choice::One(key) => self.pipes[key].outbound.has_room(),
            Choice::Many(_) | Choice::Full | Choice::Unreachable => false,
        }
    }

    /// Reserves a slot, or queues the sender for one. Slots are granted in the order of tickets.
    pub(crate) fn poll_reserve(
        &mut self,
        to: &S::Target,
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
            match self.strategy.choose(to).specified() {
                Some(key) => {
                    // The order of one line: the target may get another pipe while senders wait.
                    ticket.get_or_insert_with(|| self.senders.issue());
                    self.pipes[key].senders.register(ticket, sender);
                }
                None => self.senders.register(ticket, sender),
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
            self.strategy.freed(key, pipe);
            self.refill(key, wakes);
        }
    }

    /// Removes a sender that no longer waits. A slot that it was granted goes to the next sender.
    pub(crate) fn cancel(&mut self, to: &S::Target, ticket: Ticket, wakes: &mut Wakes) {
        if S::FANS_OUT {
            return self.fan_out.leave_line(&mut Some(ticket), &self.pipes, wakes);
        }
        let granted = match self.strategy.choose(to).specified() {
            Some(key) => self.pipes[key].senders.cancel(ticket).map(|()| key),
            None => self.senders.cancel(ticket),
        };
        if let Some(key) = granted {
            self.release(key, wakes);
        }
    }

    fn claim(&mut self, to: &S::Target, ticket: &mut Option<Ticket>) -> Option<PipeKey> {
        (*ticket)?;
        match self.strategy.choose(to).specified() {
            Some(key) => self.pipes[key].senders.claim(ticket).map(|()| key),
            None => self.senders.claim(ticket),
        }
    }

    fn reserve(&mut self, key: PipeKey) -> PipeKey {
        let pipe = &mut self.pipes[key];
        pipe.outbound.reserve();
        if pipe.outbound.has_room() {
            self.strategy.used(key, pipe);
        } else {
            self.withdraw_if_full(key);
        }
        key
    }
}
