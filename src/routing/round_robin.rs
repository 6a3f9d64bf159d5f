//! Round-robin over the remotes that have room (libzmq `lb`): CLIENT, SCATTER.

#[cfg(feature = "rpc")]
mod connected_only;
#[cfg(feature = "rpc")]
mod queue_position;

use std::collections::{BTreeMap, VecDeque};
use std::task::{Poll, Waker};

use slotmap::SlotMap;

#[cfg(feature = "rpc")]
use self::connected_only::{OpenPipes, Reachability};
#[cfg(feature = "rpc")]
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{HighWaterMark, Outbound, PipeKey, Take, Ticket, Waiters, Want};
use crate::routing::{Attached, EndpointId, Outgoing, Refusal, Strategy};
use crate::sync::Wakes;

/// Sends each message to the next remote whose queue is not full (RFC 41, The CLIENT Socket Type,
/// For processing outgoing messages).
///
/// Invariants: `ready` holds exactly the pipes that are offered, have room and are not retired, once each;
/// when a sender waits, `ready` is empty, because free slots are granted to waiting senders first. All
/// pipes are offered, except under a requester: see the module `connected`.
#[derive(Debug)]
pub(crate) struct RoundRobin {
    pipes: SlotMap<PipeKey, PipeSlot>,
    /// Of each pipe.
    hwm: HighWaterMark,
    /// Who gets the next message stands in front.
    ready: VecDeque<PipeKey>,
    waiters: Waiters,
    /// Slots reserved for senders that have been woken and have not come for them yet.
    grants: BTreeMap<Ticket, PipeKey>,
    closed: bool,
    #[cfg(feature = "rpc")]
    openings: OpenPipes,
}

#[derive(Debug)]
struct PipeSlot {
    outbound: Outbound,
    endpoint: EndpointId,
    listed: bool,
    #[cfg(feature = "rpc")]
    reach: Reachability,
}

impl RoundRobin {
    pub(crate) fn new(hwm: HighWaterMark) -> Self {
        Self {
            pipes: SlotMap::with_key(),
            hwm,
            ready: VecDeque::new(),
            waiters: Waiters::default(),
            grants: BTreeMap::new(),
            closed: false,
            #[cfg(feature = "rpc")]
            openings: OpenPipes::default(),
        }
    }

    /// Grants free slots to those who wait, and lists the pipe if there are more.
    fn refill(&mut self, key: PipeKey, wakes: &mut Wakes) {
        #[cfg(feature = "rpc")]
        if !self.is_offered(key) {
            return;
        }
        let Some(slot) = self.pipes.get_mut(key) else { return };
        if slot.listed {
            return;
        }
        while slot.outbound.has_room() {
            let Some((ticket, waker)) = self.waiters.pop() else {
                slot.listed = true;
                self.ready.push_back(key);
                return;
            };
            slot.outbound.reserve();
            self.grants.insert(ticket, key);
            wakes.add(waker);
        }
    }

    /// Stops offering a pipe that has no room any more.
    fn unlist_if_full(&mut self, key: PipeKey) {
        let Some(slot) = self.pipes.get_mut(key) else { return };
        if slot.listed && !slot.outbound.has_room() {
            slot.listed = false;
            self.ready.retain(|listed| *listed != key);
        }
    }

    /// Moves on to the next pipe after the first one in `ready` has given away a slot.
    #[inline]
    fn advance(&mut self, has_room: bool) {
        if has_room {
            if self.ready.len() > 1 {
                self.ready.rotate_left(1);
            }
        } else if let Some(key) = self.ready.pop_front() {
            self.pipes[key].listed = false;
        }
    }
}

impl Outgoing for RoundRobin {
    fn attach(&mut self, endpoint: EndpointId, wakes: &mut Wakes) -> Option<Attached> {
        if self.closed {
            return None;
        }
        let outbound = Outbound::new(self.hwm);
        let key = self.pipes.insert(PipeSlot {
            outbound,
            endpoint,
            listed: false,
            #[cfg(feature = "rpc")]
            reach: Reachability::default(),
        });
        self.refill(key, wakes);
        Some(Attached { key, routing_id: None })
    }

    fn retire(&mut self, endpoint: EndpointId, wakes: &mut Wakes) {
        let keys: Vec<_> = self
            .pipes
            .iter()
            .filter(|(_, slot)| slot.endpoint == endpoint)
            .map(|(key, _)| key)
            .collect();
        for key in keys {
            self.retire_pipe(key, wakes);
        }
    }

    fn retire_pipe(&mut self, key: PipeKey, wakes: &mut Wakes) {
        #[cfg(feature = "rpc")]
        self.count_retired(key);
        let Some(slot) = self.pipes.get_mut(key) else { return };
        // Whoever was granted a slot here has been woken already, and will look for another one.
        self.grants.retain(|_, granted| *granted != key);
        slot.outbound.retire(wakes);
        self.unlist_if_full(key);
    }

    fn detach(&mut self, key: PipeKey, wakes: &mut Wakes) -> VecDeque<Message> {
        self.retire_pipe(key, wakes);
        self.pipes.remove(key).map(|slot| slot.outbound.into_queue()).unwrap_or_default()
    }

    fn poll_take(
        &mut self,
        key: PipeKey,
        want: Want,
        taken: &mut VecDeque<Message>,
        connection: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Take> {
        let Some(slot) = self.pipes.get_mut(key) else { return Poll::Ready(Take::End) };
        let took = slot.outbound.poll_take(want, taken, connection);
        self.refill(key, wakes);
        took
    }

    fn hwm(&self) -> HighWaterMark {
        self.hwm
    }

    fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes) {
        self.hwm = hwm;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.pipes[key].outbound.set_hwm(hwm);
            self.unlist_if_full(key);
            self.refill(key, wakes);
        }
    }

    fn give_back(&mut self, key: PipeKey) {
        if let Some(slot) = self.pipes.get_mut(key) {
            slot.outbound.give_back();
        }
    }

    fn queued(&self, key: Option<PipeKey>) -> usize {
        match key {
            Some(key) => self.pipes.get(key).map_or(0, |slot| slot.outbound.len()),
            None => self.pipes.values().map(|slot| slot.outbound.len()).sum(),
        }
    }

    #[cfg(feature = "rpc")]
    fn taken(&self, key: PipeKey) -> u64 {
        self.pipes.get(key).map_or(0, |slot| slot.outbound.taken())
    }

    #[cfg(feature = "rpc")]
    fn connect(&mut self, key: PipeKey, connection: ConnectionId, wakes: &mut Wakes) {
        self.open(key, connection, wakes);
    }

    #[cfg(feature = "rpc")]
    fn disconnect(
        &mut self,
        key: PipeKey,
        gone: bool,
        unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message> {
        self.shut(key, gone, unwritten)
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        let keys: Vec<_> = self.pipes.keys().collect();
        for key in keys {
            self.retire_pipe(key, wakes);
        }
        wakes.extend(self.waiters.drain());
        #[cfg(feature = "rpc")]
        self.wake_hopeful(wakes);
    }
}

impl Strategy for RoundRobin {
    type Target = ();

    #[inline]
    fn try_send(
        &mut self,
        (): (),
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let Some(key) = self.ready.front() else {
            return Err(if self.closed { Refusal::Closed } else { Refusal::Full });
        };
        let outbound = &mut self.pipes[*key].outbound;
        outbound.push(message, wakes);
        let has_room = outbound.has_room();
        self.advance(has_room);
        Ok(())
    }

    fn try_reserve(&mut self, (): ()) -> Result<PipeKey, Refusal> {
        let Some(&key) = self.ready.front() else {
            return Err(if self.closed { Refusal::Closed } else { Refusal::Full });
        };
        let outbound = &mut self.pipes[key].outbound;
        outbound.reserve();
        let has_room = outbound.has_room();
        self.advance(has_room);
        Ok(key)
    }

    fn poll_reserve(
        &mut self,
        (): (),
        ticket: &mut Option<Ticket>,
        sender: &Waker,
    ) -> Poll<Result<PipeKey, Refusal>> {
        if self.closed {
            *ticket = None;
            return Poll::Ready(Err(Refusal::Closed));
        }
        let grant = ticket.and_then(|ticket| self.grants.remove(&ticket));
        if let Some(key) = grant {
            *ticket = None;
            return Poll::Ready(Ok(key));
        }
        match self.try_reserve(()) {
            Ok(key) => {
                *ticket = None;
                Poll::Ready(Ok(key))
            }
            Err(_) => {
                self.waiters.register(ticket, sender);
                Poll::Pending
            }
        }
    }

    fn send_reserved(
        &mut self,
        key: PipeKey,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let slot = self.pipes.get_mut(key);
        let sent = slot.is_some_and(|slot| slot.outbound.push_reserved(message, wakes));
        // A reserved slot takes no bytes until it is used.
        self.unlist_if_full(key);
        if sent { Ok(()) } else { Err(Refusal::HostUnreachable) }
    }

    fn release(&mut self, key: PipeKey, wakes: &mut Wakes) {
        if let Some(slot) = self.pipes.get_mut(key) {
            slot.outbound.release();
            self.refill(key, wakes);
        }
    }

    fn cancel(&mut self, (): (), ticket: Ticket, wakes: &mut Wakes) {
        if self.waiters.remove(ticket) {
            return;
        }
        if let Some(key) = self.grants.remove(&ticket) {
            self.release(key, wakes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_round_the_remotes_in_turn() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let [a, b, c] = [(); 3].map(|()| attach(&mut routing, 10));
        for number in 0..6 {
            send(&mut routing, number).unwrap();
        }
        assert_eq!(take(&mut routing, a), [0, 3]);
        assert_eq!(take(&mut routing, b), [1, 4]);
        assert_eq!(take(&mut routing, c), [2, 5]);
    }

    #[test]
    fn a_full_remote_is_passed_over_until_it_has_room() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let (a, b) = (attach(&mut routing, 1), attach(&mut routing, 10));
        for number in 0..4 {
            send(&mut routing, number).unwrap();
        }
        assert_eq!(take(&mut routing, a), [0]);
        send(&mut routing, 4).unwrap();
        send(&mut routing, 5).unwrap();
        assert_eq!(take(&mut routing, b), [1, 2, 3, 4]);
        assert_eq!(take(&mut routing, a), [5]);
    }

    #[test]
    fn accepts_nothing_without_remotes_or_when_all_are_full() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        assert_eq!(send(&mut routing, 0), Err(Refusal::Full));
        attach(&mut routing, 2);
        attach(&mut routing, 1);
        for number in 0..3 {
            send(&mut routing, number).unwrap();
        }
        assert_eq!(send(&mut routing, 3), Err(Refusal::Full));
    }

    #[test]
    fn a_freed_slot_goes_to_the_sender_that_waited_longest() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let a = attach(&mut routing, 1);
        send(&mut routing, 0).unwrap();
        let (mut first, mut second) = (None, None);
        assert!(reserve(&mut routing, &mut first).is_pending());
        assert!(reserve(&mut routing, &mut second).is_pending());
        take(&mut routing, a);
        assert_eq!(send(&mut routing, 1), Err(Refusal::Full));
        assert!(reserve(&mut routing, &mut second).is_pending());
        assert_eq!(reserve(&mut routing, &mut first), Poll::Ready(Ok(a)));
        let sent = routing.send_reserved(a, &mut Some(Message::from([2])), &mut Wakes::None);
        assert_eq!(sent, Ok(()));
        assert_eq!(take(&mut routing, a), [2]);
        assert_eq!(reserve(&mut routing, &mut second), Poll::Ready(Ok(a)));
    }

    #[test]
    fn a_sender_that_is_dropped_passes_its_slot_on() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let a = attach(&mut routing, 1);
        send(&mut routing, 0).unwrap();
        let (mut first, mut second) = (None, None);
        assert!(reserve(&mut routing, &mut first).is_pending());
        assert!(reserve(&mut routing, &mut second).is_pending());
        take(&mut routing, a);
        let mut wakes = Wakes::None;
        routing.cancel((), first.unwrap(), &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(reserve(&mut routing, &mut second), Poll::Ready(Ok(a)));
    }

    #[test]
    fn a_slot_of_a_remote_that_has_gone_is_void_and_its_sender_keeps_its_place() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let a = attach(&mut routing, 1);
        send(&mut routing, 0).unwrap();
        let (mut first, mut second) = (None, None);
        assert!(reserve(&mut routing, &mut first).is_pending());
        assert!(reserve(&mut routing, &mut second).is_pending());
        take(&mut routing, a);
        routing.detach(a, &mut Wakes::None);
        assert!(reserve(&mut routing, &mut first).is_pending());
        let b = attach(&mut routing, 1);
        assert_eq!(reserve(&mut routing, &mut first), Poll::Ready(Ok(b)));
        assert!(reserve(&mut routing, &mut second).is_pending());
        routing.detach(b, &mut Wakes::None);
        let mut message = Some(Message::new());
        let sent = routing.send_reserved(b, &mut message, &mut Wakes::None);
        assert_eq!(sent, Err(Refusal::HostUnreachable));
        assert!(message.is_some());
    }

    #[test]
    fn a_retired_remote_gets_what_was_queued_and_nothing_new() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let a = attach(&mut routing, 10);
        send(&mut routing, 0).unwrap();
        routing.retire(ENDPOINT, &mut Wakes::None);
        assert_eq!(send(&mut routing, 1), Err(Refusal::Full));
        assert_eq!(take(&mut routing, a), [0]);
        let end = routing.poll_take(
            a,
            Want::Write,
            &mut VecDeque::new(),
            Waker::noop(),
            &mut Wakes::None,
        );
        assert_eq!(end, Poll::Ready(Take::End));
    }

    #[test]
    fn closing_wakes_all_waiting_tasks() {
        let mut routing = RoundRobin::new(HighWaterMark::new(10, 0));
        let mut ticket = None;
        assert!(reserve(&mut routing, &mut ticket).is_pending());
        let mut wakes = Wakes::None;
        routing.close(&mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(reserve(&mut routing, &mut ticket), Poll::Ready(Err(Refusal::Closed)));
        assert_eq!(send(&mut routing, 0), Err(Refusal::Closed));
    }

    #[test]
    fn a_higher_mark_serves_waiting_senders_and_a_lower_one_stops_the_next() {
        let mut routing = RoundRobin::new(HighWaterMark::new(1, 0));
        let a = attach(&mut routing, 1);
        send(&mut routing, 0).unwrap();
        let mut ticket = None;
        assert!(reserve(&mut routing, &mut ticket).is_pending());
        let mut wakes = Wakes::None;
        routing.set_hwm(HighWaterMark::new(3, 0), &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(reserve(&mut routing, &mut ticket), Poll::Ready(Ok(a)));
        routing.set_hwm(HighWaterMark::new(2, 0), &mut wakes);
        assert_eq!(send(&mut routing, 1), Err(Refusal::Full));
    }

    #[test]
    fn a_reserved_slot_that_takes_the_last_bytes_fills_the_queue() {
        let mut routing = RoundRobin::new(HighWaterMark::new(0, 20));
        let a = routing.attach(ENDPOINT, &mut Wakes::None).unwrap().key;
        assert_eq!(routing.try_reserve(()), Ok(a));
        let sent = routing.send_reserved(a, &mut Some(Message::from([7; 30])), &mut Wakes::None);
        assert_eq!(sent, Ok(()));
        assert_eq!(send(&mut routing, 1), Err(Refusal::Full));
        take(&mut routing, a);
        assert_eq!(send(&mut routing, 1), Ok(()));
    }

    const ENDPOINT: EndpointId = EndpointId(0);

    fn attach(routing: &mut RoundRobin, hwm: usize) -> PipeKey {
        routing.hwm = HighWaterMark::new(hwm, 0);
        routing.attach(ENDPOINT, &mut Wakes::None).unwrap().key
    }

    fn send(routing: &mut RoundRobin, number: u8) -> Result<(), Refusal> {
        routing.try_send((), &mut Some(Message::from([number])), &mut Wakes::None)
    }

    fn reserve(
        routing: &mut RoundRobin,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<PipeKey, Refusal>> {
        routing.poll_reserve((), ticket, Waker::noop())
    }

    fn take(routing: &mut RoundRobin, key: PipeKey) -> Vec<u8> {
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        taken.iter().map(|message| message[0]).collect()
    }
}
