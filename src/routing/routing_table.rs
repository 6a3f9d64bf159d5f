//! Routing by routing id: SERVER, PEER.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, Strategy};
use crate::routing_id::RoutingId;

/// Sends each message to the remote with its routing id (RFC 41, The SERVER Socket Type, For
/// processing outgoing messages).
#[derive(Debug)]
pub(crate) struct RoutingTable {
    /// The pipes of the remotes that accept messages.
    keys: Keys,
    /// The last number that was tried as a routing id.
    last_number: u32,
}

type Keys = HashMap<RoutingId, PipeKey, BuildHasherDefault<IdHasher>>;

/// Hashes ids of remotes. They are assigned here, one after another, so no remote can cause
/// collisions. Every message of a server looks one up, so the hash must be cheap.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

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
        self.write_u64(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // The golden ratio (Knuth, The Art of Computer Programming, 6.4).
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Routing ids begin at random, so that an id of an earlier socket is unlikely to identify a remote
/// of this one.
impl Default for RoutingTable {
    fn default() -> Self {
        Self::with_seed(fastrand::u32(..))
    }
}

impl RoutingTable {
    /// Creates a table whose routing ids begin after `seed`.
    pub(crate) fn with_seed(seed: u32) -> Self {
        Self { keys: Keys::default(), last_number: seed }
    }

    /// Finds a routing id that no live remote has.
    fn allot(&mut self) -> RoutingId {
        loop {
            self.last_number = self.last_number.wrapping_add(1);
            let id = RoutingId::new(self.last_number);
            if let Some(id) = id.filter(|id| !self.keys.contains_key(id)) {
                return id;
            }
        }
    }
}

impl Strategy for RoutingTable {
    type Target = RoutingId;

    #[inline]
    fn choose(&mut self, to: &RoutingId) -> Choice<'_> {
        self.keys.get(to).map_or(Choice::Unreachable, |key| Choice::One(*key))
    }

    fn attach(&mut self, key: PipeKey) -> Option<RoutingId> {
        let id = self.allot();
        self.keys.insert(id, key);
        Some(id)
    }

    fn retire(&mut self, _key: PipeKey, pipe: &OutgoingPipe) {
        if let Some(id) = pipe.routing_id {
            self.keys.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::message::Message;
    use crate::pipe::HighWaterMark;
    use crate::pipe::Want;
    use crate::routing::{EndpointId, Outgoing, OutgoingPipes, Refusal};
    use crate::sync::Wakes;

    #[test]
    fn routing_ids_are_never_zero_and_never_shared() {
        let mut routing =
            OutgoingPipes::new(RoutingTable::with_seed(u32::MAX - 1), HighWaterMark::new(1, 0));
        let ids: Vec<_> = (0..3).map(|_| u32::from(attach(&mut routing, 1).1)).collect();
        assert_eq!(ids, [u32::MAX, 1, 2]);
        // The counter wraps around to ids that are still in use.
        routing.strategy.last_number = u32::MAX - 1;
        assert_eq!(u32::from(attach(&mut routing, 1).1), 3);
    }

    #[test]
    fn an_unknown_or_dead_remote_is_unreachable_immediately() {
        let mut routing = OutgoingPipes::new(RoutingTable::with_seed(0), HighWaterMark::new(1, 0));
        let unknown = RoutingId::new(77).unwrap();
        assert_eq!(send(&mut routing, unknown), Err(Refusal::HostUnreachable));
        let (key, id) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, id), Ok(()));
        assert_eq!(routing.detach(key, &mut Wakes::None).unwrap().len(), 1);
        assert_eq!(send(&mut routing, id), Err(Refusal::HostUnreachable));
    }

    #[test]
    fn a_full_remote_does_not_block_another() {
        let mut routing = OutgoingPipes::new(RoutingTable::with_seed(0), HighWaterMark::new(1, 0));
        let (_, a) = attach(&mut routing, 1);
        let (_, b) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, a), Ok(()));
        assert_eq!(send(&mut routing, a), Err(Refusal::Full));
        assert_eq!(send(&mut routing, b), Ok(()));
    }

    #[test]
    fn a_removed_remote_wakes_the_senders_that_wait_for_it() {
        let mut routing = OutgoingPipes::new(RoutingTable::with_seed(0), HighWaterMark::new(1, 0));
        let (key, id) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, id), Ok(()));
        let mut ticket = None;
        assert!(routing.poll_reserve(&id, &mut ticket, Waker::noop()).is_pending());
        let mut wakes = Wakes::None;
        routing.detach(key, &mut wakes);
        assert_eq!(wakes.len(), 1);
        let polled = routing.poll_reserve(&id, &mut ticket, Waker::noop());
        assert_eq!(polled, Poll::Ready(Err(Refusal::HostUnreachable)));
    }

    #[test]
    fn a_dropped_sender_passes_its_slot_to_the_next() {
        let mut routing = OutgoingPipes::new(RoutingTable::with_seed(0), HighWaterMark::new(1, 0));
        let (key, id) = attach(&mut routing, 1);
        assert_eq!(send(&mut routing, id), Ok(()));
        let (mut first, mut second) = (None, None);
        assert!(routing.poll_reserve(&id, &mut first, Waker::noop()).is_pending());
        assert!(routing.poll_reserve(&id, &mut second, Waker::noop()).is_pending());
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        assert_eq!(send(&mut routing, id), Err(Refusal::Full));
        routing.cancel(&id, first.unwrap(), &mut Wakes::None);
        let polled = routing.poll_reserve(&id, &mut second, Waker::noop());
        assert_eq!(polled, Poll::Ready(Ok(key)));
    }

    fn attach(routing: &mut OutgoingPipes<RoutingTable>, hwm: usize) -> (PipeKey, RoutingId) {
        routing.hwm = HighWaterMark::new(hwm, 0);
        let attached = routing.attach(EndpointId(0), &mut Wakes::None).unwrap();
        (attached.key, attached.routing_id.unwrap())
    }

    fn send(routing: &mut OutgoingPipes<RoutingTable>, id: RoutingId) -> Result<(), Refusal> {
        routing.try_send(&id, &mut Some(Message::from("x")), &mut Wakes::None)
    }
}
