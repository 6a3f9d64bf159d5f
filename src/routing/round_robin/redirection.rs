//! Returns the messages of remotes that leave, and sends them to other remotes.

use std::task::{Poll, Waker, ready};

use super::RoundRobin;
use crate::message::Message;
use crate::pipe::Ticket;
use crate::routing::{OutgoingPipes, QueuePosition, Refusal};
use crate::sync::Wakes;

impl OutgoingPipes<RoundRobin> {
    /// Prefers the remote with the shortest queue from now on. There must be no remote yet.
    pub(crate) fn prefer_shortest_queue(&mut self) {
        debug_assert!(self.pipes.is_empty());
        self.strategy.shortest = Some(Box::default());
    }

    /// Returns the messages of remotes that leave from now on.
    pub(crate) fn return_undelivered(&mut self) {
        self.strategy.returns = true;
    }

    /// Queues the message that `take` returns for its position, as soon as the sender gets a slot.
    /// If `take` returns none, releases the slot.
    pub(crate) fn poll_send_some_with(
        &mut self,
        take: impl FnOnce(QueuePosition) -> Option<Message>,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        let pipe = ready!(self.poll_reserve(&(), ticket, sender))?;
        let number = self.pipes[pipe].outbound.next_position();
        let mut message = take(QueuePosition { pipe, number });
        if message.is_none() {
            self.release(pipe, wakes);
            return Poll::Ready(Ok(()));
        }
        // The slot cannot be void: it was claimed in this critical section.
        Poll::Ready(self.send_reserved(pipe, &mut message, wakes))
    }
}
