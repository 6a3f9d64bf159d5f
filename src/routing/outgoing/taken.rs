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
        let Self { strategy, pipes, fan_out, closed, .. } = self;
        let can_send = match strategy.choose(to) {
            Choice::Many(_) if *closed => {
                fan_out.leave_line(ticket, pipes, wakes);
                return Poll::Ready(Err(Refusal::Closed));
            }
            // It never waits.
            Choice::Many(_) if S::SUBSCRIBES => true,
            Choice::Many(chosen) => {
                return fan_out.poll_send(chosen, pipes, ticket, take, sender, wakes).map(Ok);
            }
            Choice::Offered(_) => true,
            Choice::One(key) => pipes[key].outbound.has_room(),
            Choice::Full | Choice::Unreachable => false,
        };
        let slot = if ticket.is_none() && can_send {
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
}
