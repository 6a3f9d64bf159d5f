//! Routing by routing id: SERVER, PEER.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::task::{Poll, Waker};

use slotmap::SlotMap;

use crate::message::Message;
use crate::pipe::{HighWaterMark, Outbound, PipeKey, Take, Ticket, Waiters, Want};
use crate::routing::{Attached, EndpointId, Outgoing, Refusal, Strategy};
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// Sends each message to the remote that it names (RFC 41, The SERVER Socket Type, For processing
/// outgoing messages).
///
/// Invariant: while a sender waits for a remote, that remote has no free slot, because free slots
/// are granted to waiting senders first.
#[derive(Debug)]
pub(crate) struct RoutingTable {
    pipes: SlotMap<PipeKey, PipeSlot>,
    /// Of each pipe.
    hwm: HighWaterMark,
    /// The remotes that can be sent to.
    keys: Keys,
    /// The number that was tried last for a routing id.
    last_number: u32,
    closed: bool,
}

type Keys = HashMap<RoutingId, PipeKey, BuildHasherDefault<IdHasher>>;

/// Spreads routing ids. They are assigned here, one after the other, so that no remote can cause
/// collisions. Each answer of a server looks one up, so that the hash has to be cheap.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        // The golden ratio (Knuth, The Art of Computer Programming, 6.4).
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[derive(Debug)]
struct PipeSlot {
    outbound: Outbound,
    endpoint: EndpointId,
    routing_id: RoutingId,
    /// The other half of the pipe.
    #[cfg(feature = "rpc")]
    inbound: PipeKey,
    waiters: Waiters,
    /// Senders that have been woken and have not come for their reserved slot yet.
    granted: BTreeSet<Ticket>,
}

impl RoutingTable {
    /// `seed` is where the routing ids begin: at random, so that an id of an earlier socket is
    /// unlikely to name a remote of this one.
    pub(crate) fn new(hwm: HighWaterMark, seed: u32) -> Self {
        Self {
            pipes: SlotMap::with_key(),
            hwm,
            keys: Keys::default(),
            last_number: seed,
            closed: false,
        }
    }

    /// Finds a routing id that no live remote has.
    fn allot(&mut self) -> RoutingId {
        loop {
            self.last_number = self.last_number.wrapping_add(1);
            match RoutingId::new(self.last_number) {
                Some(id) if !self.keys.contains_key(&id) => return id,
                _ => {}
            }
        }
    }

    /// The half of the pipe through which a remote's messages come.
    #[cfg(feature = "rpc")]
    pub(crate) fn inbound(&self, id: RoutingId) -> Option<PipeKey> {
        Some(self.pipes.get(*self.keys.get(&id)?)?.inbound)
    }

    fn slot(&mut self, id: RoutingId) -> Result<(PipeKey, &mut PipeSlot), Refusal> {
        let unknown = if self.closed { Refusal::Closed } else { Refusal::HostUnreachable };
        let key = *self.keys.get(&id).ok_or(unknown)?;
        self.pipes.get_mut(key).map(|slot| (key, slot)).ok_or(unknown)
    }
}

impl PipeSlot {
    /// Grants free slots to those who wait.
    fn refill(&mut self, wakes: &mut Wakes) {
        while self.outbound.has_room() {
            let Some((ticket, waker)) = self.waiters.pop() else { return };
            self.outbound.reserve();
            self.granted.insert(ticket);
            wakes.add(waker);
        }
    }

    fn retire(&mut self, keys: &mut Keys, wakes: &mut Wakes) {
        if self.outbound.is_retired() {
            return;
        }
        keys.remove(&self.routing_id);
        wakes.extend(self.waiters.drain());
        self.outbound.retire(wakes);
    }
}

impl Outgoing for RoutingTable {
    fn attach(&mut self, endpoint: EndpointId, _wakes: &mut Wakes) -> Option<Attached> {
        if self.closed {
            return None;
        }
        let routing_id = self.allot();
        let key = self.pipes.insert(PipeSlot {
            outbound: Outbound::new(self.hwm),
            endpoint,
            routing_id,
            #[cfg(feature = "rpc")]
            inbound: PipeKey::default(),
            waiters: Waiters::default(),
            granted: BTreeSet::new(),
        });
        self.keys.insert(routing_id, key);
        Some(Attached { key, routing_id: Some(routing_id) })
    }

    fn retire(&mut self, endpoint: EndpointId, wakes: &mut Wakes) {
        for slot in self.pipes.values_mut().filter(|slot| slot.endpoint == endpoint) {
            slot.retire(&mut self.keys, wakes);
        }
    }

    fn retire_pipe(&mut self, key: PipeKey, wakes: &mut Wakes) {
        if let Some(slot) = self.pipes.get_mut(key) {
            slot.retire(&mut self.keys, wakes);
        }
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
        slot.refill(wakes);
        took
    }

    fn hwm(&self) -> HighWaterMark {
        self.hwm
    }

    fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes) {
        self.hwm = hwm;
        for slot in self.pipes.values_mut() {
            slot.outbound.set_hwm(hwm);
            slot.refill(wakes);
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
    fn join(&mut self, key: PipeKey, inbound: PipeKey) {
        if let Some(slot) = self.pipes.get_mut(key) {
            slot.inbound = inbound;
        }
    }

    #[cfg(feature = "rpc")]
    fn taken(&self, key: PipeKey) -> u64 {
        self.pipes.get(key).map_or(0, |slot| slot.outbound.taken())
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        for slot in self.pipes.values_mut() {
            slot.retire(&mut self.keys, wakes);
        }
    }
}

impl Strategy for RoutingTable {
    type Target = RoutingId;

    #[inline]
    fn try_send(
        &mut self,
        to: RoutingId,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let (_, slot) = self.slot(to)?;
        if !slot.outbound.has_room() {
            return Err(Refusal::Full);
        }
        slot.outbound.push(message, wakes);
        Ok(())
    }

    fn try_reserve(&mut self, to: RoutingId) -> Result<PipeKey, Refusal> {
        let (key, slot) = self.slot(to)?;
        if !slot.outbound.has_room() {
            return Err(Refusal::Full);
        }
        slot.outbound.reserve();
        Ok(key)
    }

    fn poll_reserve(
        &mut self,
        to: RoutingId,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
    ) -> Poll<Result<PipeKey, Refusal>> {
        let (key, slot) = match self.slot(to) {
            Ok(found) => found,
            Err(refusal) => {
                *ticket = None;
                return Poll::Ready(Err(refusal));
            }
        };
        if ticket.is_some_and(|ticket| slot.granted.remove(&ticket)) {
            // The slot is reserved already.
        } else if slot.outbound.has_room() {
            slot.outbound.reserve();
        } else {
            slot.waiters.register(ticket, sender);
            return Poll::Pending;
        }
        *ticket = None;
        Poll::Ready(Ok(key))
    }

    fn send_reserved(
        &mut self,
        key: PipeKey,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        let slot = self.pipes.get_mut(key);
        let sent = slot.is_some_and(|slot| slot.outbound.push_reserved(message, wakes));
        if sent { Ok(()) } else { Err(Refusal::HostUnreachable) }
    }

    fn release(&mut self, key: PipeKey, wakes: &mut Wakes) {
        if let Some(slot) = self.pipes.get_mut(key) {
            slot.outbound.release();
            slot.refill(wakes);
        }
    }

    fn cancel(&mut self, to: RoutingId, ticket: Ticket, wakes: &mut Wakes) {
        let Ok((key, slot)) = self.slot(to) else { return };
        if slot.waiters.remove(ticket) {
            return;
        }
        if slot.granted.remove(&ticket) {
            self.release(key, wakes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_ids_are_never_zero_and_never_shared() {
        let mut routing = RoutingTable::new(HighWaterMark::new(1, 0), u32::MAX - 1);
        let ids: Vec<_> = (0..3).map(|_| u32::from(attach(&mut routing, 1).1)).collect();
        assert_eq!(ids, [u32::MAX, 1, 2]);
        // The counter comes round to ids that are still in use.
        routing.last_number = u32::MAX - 1;
        assert_eq!(u32::from(attach(&mut routing, 1).1), 3);
    }

    #[test]
    fn an_unknown_or_dead_remote_is_unreachable_immediately() {
        let mut routing = RoutingTable::new(HighWaterMark::new(1, 0), 0);
        let unknown = RoutingId::new(77).unwrap();
        assert_eq!(send(&mut routing, unknown), Err(Refusal::HostUnreachable));
        let (key, id) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, id), Ok(()));
        assert_eq!(routing.detach(key, &mut Wakes::None).len(), 1);
        assert_eq!(send(&mut routing, id), Err(Refusal::HostUnreachable));
    }

    #[test]
    fn one_full_remote_does_not_hold_up_another() {
        let mut routing = RoutingTable::new(HighWaterMark::new(1, 0), 0);
        let (_, a) = attach(&mut routing, 1);
        let (_, b) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, a), Ok(()));
        assert_eq!(send(&mut routing, a), Err(Refusal::Full));
        assert_eq!(send(&mut routing, b), Ok(()));
    }

    #[test]
    fn a_remote_that_dies_wakes_senders_waiting_for_it() {
        let mut routing = RoutingTable::new(HighWaterMark::new(1, 0), 0);
        let (key, id) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, id), Ok(()));
        let mut ticket = None;
        assert!(routing.poll_reserve(id, &mut ticket, Waker::noop()).is_pending());
        let mut wakes = Wakes::None;
        routing.detach(key, &mut wakes);
        assert_eq!(wakes.len(), 1);
        let polled = routing.poll_reserve(id, &mut ticket, Waker::noop());
        assert_eq!(polled, Poll::Ready(Err(Refusal::HostUnreachable)));
    }

    #[test]
    fn a_sender_that_is_dropped_passes_its_slot_on() {
        let mut routing = RoutingTable::new(HighWaterMark::new(1, 0), 0);
        let (key, id) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, id), Ok(()));
        let (mut first, mut second) = (None, None);
        assert!(routing.poll_reserve(id, &mut first, Waker::noop()).is_pending());
        assert!(routing.poll_reserve(id, &mut second, Waker::noop()).is_pending());
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        assert_eq!(send(&mut routing, id), Err(Refusal::Full));
        routing.cancel(id, first.unwrap(), &mut Wakes::None);
        let polled = routing.poll_reserve(id, &mut second, Waker::noop());
        assert_eq!(polled, Poll::Ready(Ok(key)));
    }

    fn attach(routing: &mut RoutingTable, hwm: usize) -> (PipeKey, RoutingId) {
        routing.hwm = HighWaterMark::new(hwm, 0);
        let attached = routing.attach(EndpointId(0), &mut Wakes::None).unwrap();
        (attached.key, attached.routing_id.unwrap())
    }

    fn send(routing: &mut RoutingTable, id: RoutingId) -> Result<(), Refusal> {
        routing.try_send(id, &mut Some(Message::from("x")), &mut Wakes::None)
    }
}
