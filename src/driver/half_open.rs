//! The connections of a listener that are in their handshake.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::sync::Lock;

/// Limits the number of handshakes in progress, in total and from one address.
///
/// The oldest handshake is dropped, not the newest: honest remotes
/// finish quickly, and those that only hold connections open do not.
#[derive(Debug)]
pub(super) struct HalfOpen {
    max: usize,
    max_per_address: usize,
    slots: Lock<HalfOpenSlots>,
}

#[derive(Debug, Default)]
struct HalfOpenSlots {
    next: u64,
    /// The slots in the order in which they were taken.
    taken: BTreeMap<u64, (Option<IpAddr>, CancellationToken)>,
    by_address: HashMap<IpAddr, BTreeSet<u64>>,
}

/// The slot of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct HalfOpenSlot {
    number: u64,
    evicted: CancellationToken,
    half_open: Arc<HalfOpen>,
}

impl HalfOpen {
    /// Creates the slots. A limit of zero means no limit.
    pub(super) fn new(max: usize, max_per_address: usize) -> Self {
        Self { max, max_per_address, slots: Lock::default() }
    }

    /// Adds a handshake, and evicts the oldest if there are too many.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> HalfOpenSlot {
        let evicted = CancellationToken::new();
        let mut out = Vec::new();
        let number = {
            let mut slots = self.slots.lock();
            let number = slots.next;
            slots.next += 1;
            slots.taken.insert(number, (address, evicted.clone()));
            if let Some(address) = address {
                let same = slots.by_address.entry(address).or_default();
                same.insert(number);
                if self.max_per_address > 0 && same.len() > self.max_per_address {
                    let oldest = same.first().copied();
                    out.extend(oldest.and_then(|oldest| slots.leave(oldest)));
                }
            }
            if self.max > 0 && slots.taken.len() > self.max {
                let oldest = slots.taken.keys().next().copied();
                out.extend(oldest.and_then(|oldest| slots.leave(oldest)));
            }
            number
        };
        for one in out {
            one.cancel();
        }
        HalfOpenSlot { number, evicted, half_open: Arc::clone(self) }
    }
}

impl HalfOpenSlots {
    fn leave(&mut self, number: u64) -> Option<CancellationToken> {
        let (address, evicted) = self.taken.remove(&number)?;
        if let Some(address) = address {
            if let Some(same) = self.by_address.get_mut(&address) {
                same.remove(&number);
                if same.is_empty() {
                    self.by_address.remove(&address);
                }
            }
        }
        Some(evicted)
    }
}

impl HalfOpenSlot {
    /// Waits until this handshake is evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for HalfOpenSlot {
    fn drop(&mut self) {
        self.half_open.slots.lock().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const OTHER: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    #[test]
    fn the_oldest_handshake_is_evicted_first() {
        let half_open = Arc::new(HalfOpen::new(2, 0));
        let slots = [half_open.enter(ONE), half_open.enter(None), half_open.enter(OTHER)];
        assert_eq!(slots.each_ref().map(is_evicted), [true, false, false]);
        let last = half_open.enter(ONE);
        assert_eq!(slots.each_ref().map(is_evicted), [true, true, false]);
        assert!(!is_evicted(&last));
    }

    #[test]
    fn too_many_of_one_address_evict_its_own() {
        let half_open = Arc::new(HalfOpen::new(0, 1));
        let slots = [half_open.enter(OTHER), half_open.enter(ONE), half_open.enter(ONE)];
        assert_eq!(slots.each_ref().map(is_evicted), [false, true, false]);
    }

    #[test]
    fn a_finished_handshake_releases_its_slot() {
        let half_open = Arc::new(HalfOpen::new(1, 1));
        for _ in 0..3 {
            let slot = half_open.enter(ONE);
            assert!(!is_evicted(&slot));
        }
        let slots = half_open.slots.lock();
        assert!(slots.taken.is_empty() && slots.by_address.is_empty());
    }

    fn is_evicted(slot: &HalfOpenSlot) -> bool {
        slot.evicted.is_cancelled()
    }
}
