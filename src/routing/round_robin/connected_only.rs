//! Offers pipes only while their remotes are connected, for requesters.
//!
//! By RFC 41, a CLIENT queues messages for a remote from `connect` on, whether or not the remote is
//! connected. A request would then wait for a remote that may be dead while another one is
//! connected and idle. After [`select`](OutgoingPipes::select) a pipe is therefore offered to
//! senders only while its remote is connected and does not drain. Messages that a connection leaves
//! unwritten are taken out of the pipe, to be routed again. A CLIENT without a requester never uses
//! this module.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use super::RoundRobin;
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::remote::Remote;
use crate::routing::{OutgoingPipes, Refusal};
use crate::sync::Wakes;

impl OutgoingPipes<RoundRobin> {
    /// Offers only open pipes from now on. Returns a live counter of the open pipes.
    pub(crate) fn select(&mut self) -> Arc<AtomicUsize> {
        self.strategy.is_selective = true;
        let closed = self.pipes.iter().filter(|(_, pipe)| !pipe.is_open());
        let keys: Vec<_> = closed.map(|(key, _)| key).collect();
        for key in keys {
            self.withdraw(key);
        }
        Arc::clone(&self.strategy.open)
    }

    /// Offers all pipes again from now on.
    pub(crate) fn select_all(&mut self, wakes: &mut Wakes) {
        self.strategy.is_selective = false;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.refill(key, wakes);
        }
    }

    /// Waits until a pipe is open, or the socket is closed.
    pub(crate) fn poll_open(
        &mut self,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<(), Refusal>> {
        let is_open = self.strategy.open.load(Ordering::Relaxed) > 0;
        if !self.closed && !is_open {
            self.strategy.unconnected_waiters.register(ticket, waker);
            return Poll::Pending;
        }
        self.cancel_open(ticket);
        Poll::Ready(if self.closed { Err(Refusal::Closed) } else { Ok(()) })
    }

    /// Stops waiting for a pipe to be open.
    pub(crate) fn cancel_open(&mut self, ticket: &mut Option<Ticket>) {
        if let Some(ticket) = ticket.take() {
            self.strategy.unconnected_waiters.remove(ticket);
        }
    }

    /// Stops offering a pipe whose remote drains, if it still has this connection. Queues the
    /// acknowledgement behind all requests, regardless of the high-water mark: there is at most one
    /// for each connection. Returns the remote when it does so.
    pub(crate) fn drain(
        &mut self,
        key: PipeKey,
        connection: ConnectionId,
        acknowledgement: Message,
        wakes: &mut Wakes,
    ) -> Option<Remote> {
        let pipe = self.pipes.get_mut(key).filter(|pipe| pipe.connection == Some(connection));
        let pipe = pipe.filter(|pipe| pipe.is_open())?;
        pipe.draining = true;
        self.strategy.count_closed();
        pipe.outbound.push_beyond(acknowledgement, wakes);
        let remote = pipe.remote.clone();
        self.withdraw(key);
        remote
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::pipe::{HighWaterMark, Want};
    use crate::remote::tests::remote_with_id;
    use crate::routing::{EndpointId, Outgoing};

    #[test]
    fn only_pipes_whose_remotes_are_connected_are_offered() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        let open = routing.select();
        assert_eq!(send(&mut routing), Err(Refusal::Full));
        connect(&mut routing, b, FIRST);
        assert_eq!([(); 2].map(|()| send(&mut routing)), [Ok(()); 2]);
        assert_eq!([routing.queued(Some(a)), routing.queued(Some(b))], [0, 2]);
        assert_eq!(open.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn messages_that_a_connection_leaves_are_taken_out_in_order() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let a = attach(&mut routing);
        routing.select();
        connect(&mut routing, a, FIRST);
        for _ in 0..3 {
            send(&mut routing).unwrap();
        }
        let mut unwritten = VecDeque::from([Message::from("first")]);
        let elsewhere = routing.disconnect(a, false, &mut unwritten);
        assert_eq!((elsewhere.len(), unwritten.len()), (4, 0));
        assert_eq!(elsewhere[0], "first");
        // Their slots are not granted to other senders.
        assert_eq!(routing.taken(a), 3);
        assert_eq!(send(&mut routing), Err(Refusal::Full));
        connect(&mut routing, a, FIRST.next());
        assert_eq!(send(&mut routing), Ok(()));
    }

    #[test]
    fn undelivered_messages_are_lost_if_there_is_no_other_remote() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        routing.select();
        connect(&mut routing, a, FIRST);
        send(&mut routing).unwrap();
        assert!(routing.disconnect(a, true, &mut VecDeque::new()).is_empty());
        assert_eq!(routing.detach(a, &mut Wakes::None).unwrap().len(), 1);
        let a = attach(&mut routing);
        for key in [a, b] {
            connect(&mut routing, key, FIRST);
        }
        for _ in 0..2 {
            send(&mut routing).unwrap();
        }
        assert_eq!(routing.disconnect(a, true, &mut VecDeque::new()).len(), 1);
    }

    #[test]
    fn a_slot_granted_for_a_lost_connection_is_void_and_its_sender_is_next() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(1, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        routing.select();
        connect(&mut routing, a, FIRST);
        send(&mut routing).unwrap();
        let [mut first, mut second] = [None; 2];
        assert!(routing.poll_reserve(&(), &mut first, Waker::noop()).is_pending());
        assert!(routing.poll_reserve(&(), &mut second, Waker::noop()).is_pending());
        let (mut taken, mut wakes) = (VecDeque::new(), Wakes::None);
        let _ = routing.poll_take(a, Want::Write, &mut taken, Waker::noop(), &mut wakes);
        assert_eq!(wakes.len(), 1, "the first is granted a slot");
        routing.disconnect(a, false, &mut taken);
        assert!(routing.poll_reserve(&(), &mut first, Waker::noop()).is_pending());
        connect(&mut routing, b, FIRST);
        assert!(routing.poll_reserve(&(), &mut second, Waker::noop()).is_pending());
        assert_eq!(routing.poll_reserve(&(), &mut first, Waker::noop()), Poll::Ready(Ok(b)));
        connect(&mut routing, a, FIRST.next());
        assert_eq!(routing.poll_reserve(&(), &mut second, Waker::noop()), Poll::Ready(Ok(a)));
    }

    #[test]
    fn a_remote_that_drains_is_offered_again_after_it_has_reconnected() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(1, 0));
        let a = attach(&mut routing);
        let open = routing.select();
        connect(&mut routing, a, FIRST);
        send(&mut routing).unwrap();
        routing.drain(a, FIRST.next(), Message::new(), &mut Wakes::None);
        assert_eq!(open.load(Ordering::Relaxed), 1, "the notice belongs to another connection");
        for _ in 0..2 {
            routing.drain(a, FIRST, Message::from("ack"), &mut Wakes::None);
        }
        assert_eq!(open.load(Ordering::Relaxed), 0);
        let (mut taken, mut wakes) = (VecDeque::new(), Wakes::None);
        let _ = routing.poll_take(a, Want::Write, &mut taken, Waker::noop(), &mut wakes);
        assert_eq!(taken.len(), 2, "one acknowledgement, above the high-water mark");
        assert_eq!(taken[1], "ack");
        assert_eq!(send(&mut routing), Err(Refusal::Full));
        routing.disconnect(a, false, &mut VecDeque::new());
        connect(&mut routing, a, FIRST.next());
        assert_eq!(send(&mut routing), Ok(()));
        assert_eq!(open.load(Ordering::Relaxed), 1);
        routing.retire_pipe(a, &mut Wakes::None);
        routing.detach(a, &mut Wakes::None);
        assert_eq!(open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn tasks_that_wait_for_an_open_pipe_are_woken_by_a_connection_and_by_close() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(1, 0));
        let a = attach(&mut routing);
        routing.select();
        let [mut first, mut second] = [None; 2];
        for ticket in [&mut first, &mut second] {
            assert!(routing.poll_open(ticket, Waker::noop()).is_pending());
        }
        routing.cancel_open(&mut second);
        assert_eq!(connect(&mut routing, a, FIRST), 1);
        assert_eq!(routing.poll_open(&mut first, Waker::noop()), Poll::Ready(Ok(())));
        routing.disconnect(a, false, &mut VecDeque::new());
        assert!(routing.poll_open(&mut first, Waker::noop()).is_pending());
        let mut wakes = Wakes::None;
        routing.close(&mut wakes);
        assert_eq!(wakes.len(), 1);
        let closed = Poll::Ready(Err(Refusal::Closed));
        assert_eq!(routing.poll_open(&mut first, Waker::noop()), closed);
    }

    const FIRST: ConnectionId = ConnectionId::FIRST;

    fn attach(routing: &mut OutgoingPipes<RoundRobin>) -> PipeKey {
        routing.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    fn connect(routing: &mut OutgoingPipes<RoundRobin>, key: PipeKey, id: ConnectionId) -> usize {
        let mut wakes = Wakes::None;
        routing.connect(key, &remote_with_id(id), &mut wakes);
        wakes.len()
    }

    fn send(routing: &mut OutgoingPipes<RoundRobin>) -> Result<(), Refusal> {
        routing.try_send(&(), &mut Some(Message::new()), &mut Wakes::None)
    }
}
