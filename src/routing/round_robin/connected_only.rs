//! Pipes that are offered only while their remotes are connected, as a requester needs.
//!
//! RFC 41 has a CLIENT queue messages for a remote from `connect` on, whether or not it is there. For a
//! request this is wrong if another remote is connected: it would wait for a remote that may be dead
//! while the other is idle. After [`RoundRobin::select`] a pipe is therefore offered to senders only
//! while its remote is connected and does not drain. Messages that a connection leaves unwritten are
//! taken out of the pipe, to be sent elsewhere. A CLIENT without a requester never uses this module.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use super::{PipeSlot, RoundRobin};
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket, Waiters};
use crate::routing::Refusal;
use crate::sync::Wakes;

/// The state of a pipe's remote.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reachability {
    connection: Option<ConnectionId>,
    /// The remote of this connection accepts no more requests.
    draining: bool,
}

/// Which pipes are offered.
#[derive(Debug, Default)]
pub(super) struct OpenPipes {
    /// Only pipes that are open are offered.
    selective: bool,
    /// How many pipes are open. It changes under the lock of the queues only, and is read without.
    open: Arc<AtomicUsize>,
    /// The tasks that wait for a pipe to be open.
    unconnected_waiters: Waiters,
}

impl PipeSlot {
    /// Whether its remote is connected and takes requests.
    pub(super) fn is_open(&self) -> bool {
        self.reach.connection.is_some() && !self.reach.draining && !self.outbound.is_retired()
    }
}

impl RoundRobin {
    /// Offers only open pipes from now on. Returns a live counter of these.
    pub(crate) fn select(&mut self) -> Arc<AtomicUsize> {
        self.openings.selective = true;
        let shut: Vec<_> =
            self.pipes.iter().filter(|(_, slot)| !slot.is_open()).map(|(key, _)| key).collect();
        for key in shut {
            self.withdraw_offer(key);
        }
        Arc::clone(&self.openings.open)
    }

    /// Offers all pipes again from now on.
    pub(crate) fn select_all(&mut self, wakes: &mut Wakes) {
        self.openings.selective = false;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.refill(key, wakes);
        }
    }

    /// Hands out all who wait for room in any pipe; they keep their places in the line.
    pub(crate) fn wake_waiting(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.waiters.drain());
    }

    /// Ready when a pipe is open.
    pub(crate) fn poll_open(
        &mut self,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<(), Refusal>> {
        let is_open = self.openings.open.load(Ordering::Relaxed) > 0;
        if !self.closed && !is_open {
            self.openings.unconnected_waiters.register(ticket, waker);
            return Poll::Pending;
        }
        self.cancel_open(ticket);
        Poll::Ready(if self.closed { Err(Refusal::Closed) } else { Ok(()) })
    }

    /// Stops waiting for a pipe to be open.
    pub(crate) fn cancel_open(&mut self, ticket: &mut Option<Ticket>) {
        if let Some(ticket) = ticket.take() {
            self.openings.unconnected_waiters.remove(ticket);
        }
    }

    /// Stops offering a pipe whose remote drains, if it still has this connection. Queues the
    /// acknowledgement behind all requests, whether or not there is room: there is one for each
    /// connection.
    pub(crate) fn drain(
        &mut self,
        key: PipeKey,
        connection: ConnectionId,
        acknowledgement: Message,
        wakes: &mut Wakes,
    ) {
        let slot = self.pipes.get_mut(key);
        let Some(slot) = slot.filter(|slot| slot.reach.connection == Some(connection)) else {
            return;
        };
        if !slot.is_open() {
            return;
        }
        slot.reach.draining = true;
        self.openings.open.fetch_sub(1, Ordering::Release);
        slot.outbound.push_beyond(acknowledgement, wakes);
        self.withdraw_offer(key);
    }

    /// Returns the tasks that wait for a pipe to be open.
    pub(crate) fn wake_hopeful(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.openings.unconnected_waiters.drain());
    }

    pub(super) fn is_offered(&self, key: PipeKey) -> bool {
        !self.openings.selective || self.pipes.get(key).is_some_and(PipeSlot::is_open)
    }

    /// Whether messages for a remote would wait for its next connection, which knows no call of this
    /// one.
    pub(super) fn is_unreachable(&self, slot: &PipeSlot) -> bool {
        self.openings.selective && slot.reach.connection.is_none()
    }

    pub(super) fn open(&mut self, key: PipeKey, connection: ConnectionId, wakes: &mut Wakes) {
        let Some(slot) = self.pipes.get_mut(key) else { return };
        let was_open = slot.is_open();
        slot.reach = Reachability { connection: Some(connection), draining: false };
        if slot.is_open() && !was_open {
            self.openings.open.fetch_add(1, Ordering::Release);
        }
        self.refill(key, wakes);
        self.wake_hopeful(wakes);
    }

    pub(super) fn shut(
        &mut self,
        key: PipeKey,
        gone: bool,
        unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message> {
        let Some(slot) = self.pipes.get_mut(key) else { return VecDeque::new() };
        let was_open = slot.is_open();
        slot.reach = Reachability::default();
        let gone = gone || slot.outbound.is_retired();
        if was_open {
            self.openings.open.fetch_sub(1, Ordering::Release);
        }
        if !self.openings.selective || self.closed {
            return VecDeque::new();
        }
        self.withdraw_offer(key);
        if gone && self.openings.open.load(Ordering::Relaxed) == 0 {
            // These are lost: no other remote is there to take them.
            return VecDeque::new();
        }
        let mut elsewhere = mem::take(unwritten);
        elsewhere.extend(self.pipes[key].outbound.take_back());
        elsewhere
    }

    /// A pipe that is retired is not open any more.
    pub(super) fn count_retired(&mut self, key: PipeKey) {
        if self.pipes.get(key).is_some_and(PipeSlot::is_open) {
            self.openings.open.fetch_sub(1, Ordering::Release);
        }
    }

    /// Stops offering a pipe. A sender that was granted a slot there has been woken already, and returns
    /// to its old place in the line.
    fn withdraw_offer(&mut self, key: PipeKey) {
        let granted = self.grants.len();
        self.grants.retain(|_, granted| *granted != key);
        let Some(slot) = self.pipes.get_mut(key) else { return };
        for _ in self.grants.len()..granted {
            slot.outbound.release();
        }
        if mem::take(&mut slot.listed) {
            self.ready.retain(|listed| *listed != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{HighWaterMark, Want};
    use crate::routing::{EndpointId, Outgoing, Strategy};

    #[test]
    fn only_pipes_whose_remotes_are_connected_are_offered() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        let open = routing.select();
        assert_eq!(send(&mut routing), Err(Refusal::Full));
        connect(&mut routing, b, FIRST);
        assert_eq!([(); 2].map(|()| send(&mut routing)), [Ok(()); 2]);
        assert_eq!([routing.queued(Some(a)), routing.queued(Some(b))], [0, 2]);
        assert_eq!(open.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_a_connection_leaves_is_taken_out_in_order() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
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
        // Their places are not given to other senders.
        assert_eq!(routing.taken(a), 3);
        assert_eq!(send(&mut routing), Err(Refusal::Full));
        connect(&mut routing, a, FIRST.next());
        assert_eq!(send(&mut routing), Ok(()));
    }

    #[test]
    fn undelivered_messages_are_lost_if_there_is_no_other_remote() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        routing.select();
        connect(&mut routing, a, FIRST);
        send(&mut routing).unwrap();
        assert!(routing.disconnect(a, true, &mut VecDeque::new()).is_empty());
        assert_eq!(routing.detach(a, &mut Wakes::None).len(), 1);
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
    fn a_slot_that_was_granted_at_a_lost_connection_is_void_and_its_sender_is_next() {
        let mut routing = RoundRobin::new(HighWaterMark::new(1, 0));
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        routing.select();
        connect(&mut routing, a, FIRST);
        send(&mut routing).unwrap();
        let [mut first, mut second] = [None; 2];
        assert!(routing.poll_reserve((), &mut first, Waker::noop()).is_pending());
        assert!(routing.poll_reserve((), &mut second, Waker::noop()).is_pending());
        let (mut taken, mut wakes) = (VecDeque::new(), Wakes::None);
        let _ = routing.poll_take(a, Want::Write, &mut taken, Waker::noop(), &mut wakes);
        assert_eq!(wakes.len(), 1, "the first is granted a slot");
        routing.disconnect(a, false, &mut taken);
        assert!(routing.poll_reserve((), &mut first, Waker::noop()).is_pending());
        connect(&mut routing, b, FIRST);
        assert!(routing.poll_reserve((), &mut second, Waker::noop()).is_pending());
        assert_eq!(routing.poll_reserve((), &mut first, Waker::noop()), Poll::Ready(Ok(b)));
        connect(&mut routing, a, FIRST.next());
        assert_eq!(routing.poll_reserve((), &mut second, Waker::noop()), Poll::Ready(Ok(a)));
    }

    #[test]
    fn a_remote_that_drains_is_offered_again_after_it_has_reconnected() {
        let mut routing = RoundRobin::new(HighWaterMark::new(1, 0));
        let a = attach(&mut routing);
        let open = routing.select();
        connect(&mut routing, a, FIRST);
        send(&mut routing).unwrap();
        routing.drain(a, FIRST.next(), Message::new(), &mut Wakes::None);
        assert_eq!(open.load(Ordering::Relaxed), 1, "that is of another connection");
        for _ in 0..2 {
            routing.drain(a, FIRST, Message::from("ack"), &mut Wakes::None);
        }
        assert_eq!(open.load(Ordering::Relaxed), 0);
        let (mut taken, mut wakes) = (VecDeque::new(), Wakes::None);
        let _ = routing.poll_take(a, Want::Write, &mut taken, Waker::noop(), &mut wakes);
        assert_eq!(taken.len(), 2, "one acknowledgement, above the mark");
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
    fn tasks_that_wait_for_an_open_pipe_are_woken_by_one_and_by_the_end() {
        let mut routing = RoundRobin::new(HighWaterMark::new(1, 0));
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

    fn attach(routing: &mut RoundRobin) -> PipeKey {
        routing.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    fn connect(routing: &mut RoundRobin, key: PipeKey, id: ConnectionId) -> usize {
        let mut wakes = Wakes::None;
        routing.connect(key, id, &mut wakes);
        wakes.len()
    }

    fn send(routing: &mut RoundRobin) -> Result<(), Refusal> {
        routing.try_send((), &mut Some(Message::new()), &mut Wakes::None)
    }
}
