//! Queuing a message that is taken from another socket.

use std::task::{Poll, Waker, ready};

use super::{OutgoingPipes, Strategy};
use crate::message::Message;
use crate::pipe::Ticket;
use crate::routing::{Choice, Refusal};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Queues the message that `take` returns as soon as there is capacity for it. Until then,
    /// queues the sender. `take` is called only when the message can be queued, which is not
    /// [too long](Self::is_too_long).
    #[inline]
    pub(crate) fn poll_send_taken(
        &mut self,
        to: &S::Target,
        ticket: &mut Option<Ticket>,
        take: impl FnOnce(&mut Wakes) -> Option<Message>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        if S::FANS_OUT {
            return self.poll_send_taken_to_all(to, ticket, take, sender, wakes);
        }
        let slot = if ticket.is_none() && self.can_send(to) {
            None
        } else {
            Some(ready!(self.poll_reserve(to, ticket, sender))?)
        };
        let mut message = take(wakes);
        let sent = match slot {
            Some(key) => self.send_reserved(key, &mut message, wakes),
            None => self.try_send(to, &mut message, wakes),
        };
        debug_assert!(sent.is_ok() && message.is_none(), "there was capacity under this lock");
        Poll::Ready(Ok(()))
    }

    /// Returns whether [`try_send`](Self::try_send) would queue a message now.
    fn can_send(&mut self, to: &S::Target) -> bool {
        match self.strategy.choose(to) {
            Choice::Offered(_) | Choice::Many(_) => true,
            Choice::One(key) => self.pipes[key].outbound.has_room(),
            Choice::All(_) | Choice::Full | Choice::Unreachable => false,
        }
    }
}
