//! Sends with a known queue position, and to a given remote, for requests and related messages.

use std::task::{Poll, Waker, ready};

use super::RoundRobin;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::routing::{OutgoingPipes, QueuePosition, Refusal};
use crate::sync::Wakes;

impl OutgoingPipes<RoundRobin> {
    /// Queues the message that `make` creates for its position, if there is capacity.
    pub(crate) fn try_send_with(
        &mut self,
        make: impl FnOnce(QueuePosition) -> Message,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let Some(&pipe) = self.strategy.ready.front() else {
            return Err(if self.closed { Refusal::Closed } else { Refusal::Full });
        };
        let number = self.pipes[pipe].outbound.next_position();
        self.push(pipe, &mut Some(make(QueuePosition { pipe, number })), wakes);
        Ok(())
    }

    /// Queues the message that `make` creates for its position, as soon as the sender gets a slot.
    pub(crate) fn poll_send_with(
        &mut self,
        make: impl FnOnce(QueuePosition) -> Message,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        if ticket.is_none() && (self.closed || !self.strategy.ready.is_empty()) {
            return Poll::Ready(self.try_send_with(make, wakes));
        }
        let pipe = match ready!(self.poll_reserve(&(), ticket, sender)) {
            Ok(pipe) => pipe,
            Err(refusal) => return Poll::Ready(Err(refusal)),
        };
        // The slot cannot be void: it was claimed in this critical section.
        let number = self.pipes[pipe].outbound.next_position();
        Poll::Ready(self.send_reserved(
            pipe,
            &mut Some(make(QueuePosition { pipe, number })),
            wakes,
        ))
    }

    /// Queues a message for one remote, if there is a free slot that is not granted to a waiting
    /// sender.
    pub(crate) fn try_send_to(
        &mut self,
        pipe: PipeKey,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let Some(found) = self.pipes.get_mut(pipe) else { return Err(Refusal::HostUnreachable) };
        // The message would wait for the next connection, which does not know the calls of this
        // one.
        let is_unreachable = self.strategy.is_selective && found.connection.is_none();
        if found.outbound.is_retired() || is_unreachable {
            return Err(Refusal::HostUnreachable);
        }
        if !found.outbound.has_room() {
            return Err(Refusal::Full);
        }
        found.outbound.push(message, wakes);
        self.withdraw_if_full(pipe);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::pipe::{HighWaterMark, Want};
    use crate::routing::{EndpointId, Outgoing};

    #[test]
    fn a_position_is_the_pipe_and_the_number_of_earlier_messages() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        let mut place = || send(&mut routing).unwrap();
        assert_eq!([place(), place(), place()], [at(a, 0), at(b, 0), at(a, 1)]);
        take(&mut routing, a);
        assert_eq!(routing.taken(a), 2);
        assert_eq!(routing.try_send_to(a, &mut Some(Message::new()), &mut Wakes::None), Ok(()));
        assert_eq!(send(&mut routing), Ok(at(b, 1)));
        assert_eq!(send(&mut routing), Ok(at(a, 3)));
    }

    #[test]
    fn a_sender_that_waited_learns_the_queue_position_as_well() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(1, 0));
        let a = attach(&mut routing);
        assert_eq!(send(&mut routing), Ok(at(a, 0)));
        let mut ticket = None;
        assert!(poll(&mut routing, &mut ticket).is_pending());
        take(&mut routing, a);
        assert_eq!(poll(&mut routing, &mut ticket), Poll::Ready(Ok(at(a, 1))));
        assert_eq!(ticket, None);
    }

    #[test]
    fn a_message_for_one_remote_takes_no_granted_slot() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(1, 0));
        let a = attach(&mut routing);
        assert_eq!(send(&mut routing), Ok(at(a, 0)));
        let mut ticket = None;
        assert!(poll(&mut routing, &mut ticket).is_pending());
        take(&mut routing, a);
        let mut message = Some(Message::new());
        let sent = routing.try_send_to(a, &mut message, &mut Wakes::None);
        assert_eq!(sent, Err(Refusal::Full));
        assert!(message.is_some());
        routing.detach(a, &mut Wakes::None);
        let sent = routing.try_send_to(a, &mut message, &mut Wakes::None);
        assert_eq!(sent, Err(Refusal::HostUnreachable));
    }

    fn attach(routing: &mut OutgoingPipes<RoundRobin>) -> PipeKey {
        routing.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    const fn at(pipe: PipeKey, number: u64) -> QueuePosition {
        QueuePosition { pipe, number }
    }

    fn send(routing: &mut OutgoingPipes<RoundRobin>) -> Result<QueuePosition, Refusal> {
        let mut placed = None;
        let make = |place| {
            placed = Some(place);
            Message::new()
        };
        routing.try_send_with(make, &mut Wakes::None)?;
        Ok(placed.unwrap())
    }

    fn poll(
        routing: &mut OutgoingPipes<RoundRobin>,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<QueuePosition, Refusal>> {
        let mut placed = None;
        let make = |place| {
            placed = Some(place);
            Message::new()
        };
        let sent = routing.poll_send_with(make, ticket, Waker::noop(), &mut Wakes::None);
        sent.map(|sent| sent.map(|()| placed.unwrap()))
    }

    fn take(routing: &mut OutgoingPipes<RoundRobin>, key: PipeKey) {
        let (mut taken, mut wakes) = (VecDeque::new(), Wakes::None);
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut wakes);
    }
}
