//! The slots of handshakes, and the order of their turns.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::address_block::AddressBlock;

/// The limits of a listener. A limit of zero means no limit, except for turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfOpenLimits {
    /// The number of slots.
    pub(super) slots: usize,
    /// The number of slots of one address block.
    pub(super) slots_per_address: usize,
    /// The number of concurrent turns.
    pub(super) turns: usize,
}

/// The slots of a listener, each with a signal to its handshake.
///
/// Limits are fair to address blocks. Above the limit of slots, the block with the most slots loses
/// its oldest one. Every other turn goes to the waiting block with the fewest slots, and the others
/// to all waiting blocks in round-robin order. An attacker with many connections therefore competes
/// with itself: a remote with a single connection waits for two turns, or for one of each address
/// that also has a single connection.
///
/// Within a block, the handshake with the most turns has the next turn, and among those the one
/// that has waited for the shortest time. If more handshakes arrive than are completed, the newest
/// are completed, and the oldest lose their slots. In the order of arrival, all would wait until
/// they lose them.
#[derive(Debug)]
pub(super) struct Slots<T> {
    limits: HalfOpenLimits,
    /// The number of the next slot, request for a turn, or position in line.
    next: u64,
    slots: HashMap<u64, Slot<T>>,
    blocks: HashMap<AddressBlock, Block>,
    /// The blocks, ordered by the number of their slots, and then by the age of the oldest.
    fullest: BTreeSet<(usize, Reverse<u64>, AddressBlock)>,
    /// The blocks whose handshakes wait for a turn, by their position.
    line: BTreeMap<u64, AddressBlock>,
    /// The same blocks, ordered by the number of their slots, and then by their position.
    emptiest: BTreeSet<(usize, u64, AddressBlock)>,
    /// The number of handshakes that wait for a turn.
    waiting: usize,
    /// The number of turns that have not ended.
    turns: usize,
    /// Whether the next turn is one of the line.
    is_turn_of_line: bool,
}

#[derive(Debug)]
struct Slot<T> {
    block: AddressBlock,
    signal: T,
    turn: Turn,
    /// The number of turns so far, up to [`STAGES`].
    stage: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    None,
    /// The number of the request.
    Requested(u64),
    Granted,
}

/// The handshakes of an address block.
#[derive(Debug, Default)]
struct Block {
    /// The numbers of its slots, the oldest first.
    slots: BTreeSet<u64>,
    /// The slots that wait for a turn, by their stage and the number of the request.
    requests: BTreeMap<(u8, u64), u64>,
    /// The position in line, if handshakes wait.
    position: Option<u64>,
}

/// The signals of handshakes whose state has changed.
#[derive(Debug)]
pub(super) struct Changes<T> {
    /// Those that have lost their slot.
    pub(super) evicted: Vec<T>,
    /// Those that have a turn now.
    pub(super) granted: Vec<T>,
}

impl<T: Clone> Slots<T> {
    pub(super) fn new(limits: HalfOpenLimits) -> Self {
        Self {
            limits,
            next: 0,
            slots: HashMap::new(),
            blocks: HashMap::new(),
            fullest: BTreeSet::new(),
            line: BTreeMap::new(),
            emptiest: BTreeSet::new(),
            waiting: 0,
            turns: 0,
            is_turn_of_line: false,
        }
    }

    /// Returns whether a handshake from an address should begin.
    ///
    /// If all slots are taken and many handshakes wait for turns, another one of the block with the
    /// most slots would only replace one of this block that has not begun either. Refusing it
    /// takes less time. If most handshakes of the block wait for their remotes instead, it replaces
    /// the oldest of those.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let HalfOpenLimits { slots: max, slots_per_address: max_per_address, .. } = self.limits;
        if self.waiting < OVERLOAD {
            return true;
        }
        let Some(block) = self.blocks.get(&AddressBlock::of(Some(address))) else { return true };
        let count = block.slots.len();
        let is_fullest = self.fullest.last().is_some_and(|&(most, ..)| count >= most);
        let replaces = max > 0 && self.slots.len() >= max && is_fullest
            || max_per_address > 0 && count >= max_per_address;
        !(replaces && block.requests.len() * 2 >= count)
    }

    /// Adds a handshake, and returns the number of its slot.
    pub(super) fn enter(
        &mut self,
        address: Option<IpAddr>,
        signal: T,
        changes: &mut Changes<T>,
    ) -> u64 {
        let number = self.number();
        let name = AddressBlock::of(address);
        self.slots.insert(number, Slot { block: name, signal, turn: Turn::None, stage: 0 });
        self.change_block(name, |block| block.slots.insert(number));
        let HalfOpenLimits { slots: max, slots_per_address: max_per_address, .. } = self.limits;
        let same = &self.blocks[&name].slots;
        if address.is_some() && max_per_address > 0 && same.len() > max_per_address {
            let oldest = same.first().copied();
            self.evict(oldest, changes);
        }
        if max > 0 && self.slots.len() > max {
            self.evict_from_fullest(changes);
        }
        number
    }

    /// Evicts the oldest handshake of the block with the most slots. Returns false if there is none.
    pub(super) fn evict_from_fullest(&mut self, changes: &mut Changes<T>) -> bool {
        let oldest = self.fullest.last().map(|&(_, Reverse(oldest), _)| oldest);
        self.evict(oldest, changes);
        oldest.is_some()
    }

    /// Removes a handshake that has ended, if it still has its slot.
    pub(super) fn leave(&mut self, number: u64, changes: &mut Changes<T>) -> Option<T> {
        if self.stop(number) {
            self.end_turn(changes);
        }
        let Slot { block, signal, turn, stage } = self.slots.remove(&number)?;
        if let Turn::Requested(_) = turn {
            self.waiting -= 1;
        }
        self.change_block(block, |block| {
            block.slots.remove(&number);
            if let Turn::Requested(request) = turn {
                block.requests.remove(&(stage, request));
            }
        });
        Some(signal)
    }

    /// Requests a turn. Returns whether the handshake has one.
    pub(super) fn take_turn(&mut self, number: u64) -> bool {
        let request = self.number();
        let Some(slot) = self.slots.get_mut(&number) else { return false };
        match slot.turn {
            Turn::Granted => return true,
            Turn::Requested(_) => return false,
            Turn::None => {}
        }
        if self.turns < self.limits.turns.max(1) {
            self.turns += 1;
            slot.grant();
            return true;
        }
        slot.turn = Turn::Requested(request);
        let (block, stage) = (slot.block, slot.stage);
        self.waiting += 1;
        self.change_block(block, |block| {
            block.requests.insert((stage, request), number);
            block.position.get_or_insert(request);
        });
        false
    }

    /// Takes the turn away from a handshake. Returns whether it had one, which then has to be ended.
    pub(super) fn stop(&mut self, number: u64) -> bool {
        let slot = self.slots.get_mut(&number).filter(|slot| slot.turn == Turn::Granted);
        slot.map(|slot| slot.turn = Turn::None).is_some()
    }

    /// Ends a turn, and grants the next one.
    pub(super) fn end_turn(&mut self, changes: &mut Changes<T>) {
        self.turns -= 1;
        let next = if self.is_turn_of_line {
            self.line.values().next().copied()
        } else {
            self.emptiest.first().map(|&(.., name)| name)
        };
        let Some(name) = next else { return };
        self.is_turn_of_line = !self.is_turn_of_line;
        let position = self.number();
        let granted = self.change_block(name, |block| {
            block.position = Some(position);
            block.requests.pop_last()
        });
        if let Some(slot) = granted.and_then(|(_, number)| self.slots.get_mut(&number)) {
            self.waiting -= 1;
            self.turns += 1;
            slot.grant();
            changes.granted.push(slot.signal.clone());
        }
    }

    fn evict(&mut self, number: Option<u64>, changes: &mut Changes<T>) {
        let evicted = number.and_then(|number| self.leave(number, changes));
        changes.evicted.extend(evicted);
    }

    /// Changes a block, and its place among the others.
    fn change_block<R>(&mut self, name: AddressBlock, change: impl FnOnce(&mut Block) -> R) -> R {
        let block = self.blocks.entry(name).or_default();
        if let Some(&oldest) = block.slots.first() {
            self.fullest.remove(&(block.slots.len(), Reverse(oldest), name));
        }
        if let Some(position) = block.position {
            self.line.remove(&position);
            self.emptiest.remove(&(block.slots.len(), position, name));
        }
        let result = change(block);
        if block.requests.is_empty() {
            block.position = None;
        }
        if let Some(position) = block.position {
            self.line.insert(position, name);
            self.emptiest.insert((block.slots.len(), position, name));
        }
        match block.slots.first() {
            Some(&oldest) => {
                self.fullest.insert((block.slots.len(), Reverse(oldest), name));
            }
            None => {
                self.blocks.remove(&name);
            }
        }
        result
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}

impl<T> Slot<T> {
    fn grant(&mut self) {
        self.turn = Turn::Granted;
        self.stage = (self.stage + 1).min(STAGES);
    }
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self { evicted: Vec::new(), granted: Vec::new() }
    }
}

/// The number of waiting handshakes from which a listener is overloaded: their turns take about
/// 10 ms.
const OVERLOAD: usize = 64;

/// The turns of a usual handshake: for the greeting, a HELLO and an INITIATE. More are no progress.
const STAGES: u8 = 3;

#[cfg(test)]
mod tests;
