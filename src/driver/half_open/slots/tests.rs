use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

#[test]
fn the_oldest_handshake_of_the_fullest_block_is_evicted() {
    let mut slots = Tested::new(4, 0, 1);
    let [client, first, second, other] =
        [slots.enter(1), slots.enter(2), slots.enter(2), slots.enter(3)];
    assert!(slots.evicted.is_empty());
    slots.enter(3);
    // Both have two handshakes, and those of the second address are older.
    assert_eq!(slots.evicted, [first]);
    slots.enter(3);
    assert_eq!(slots.evicted, [first, other]);
    slots.enter(2);
    assert_eq!(slots.evicted, [first, other, second]);
    assert!(slots.inner.slots.contains_key(&client));
}

#[test]
fn the_oldest_handshake_is_evicted_if_each_has_an_address() {
    let mut slots = Tested::new(2, 0, 1);
    let oldest = slots.enter(9);
    slots.enter(5);
    slots.enter(7);
    assert_eq!(slots.evicted, [oldest]);
}

#[test]
fn too_many_handshakes_of_one_address_evict_its_own() {
    let mut slots = Tested::new(0, 1, 1);
    let [_, one] = [slots.enter(2), slots.enter(1)];
    slots.enter(1);
    assert_eq!(slots.evicted, [one]);
}

#[test]
fn handshakes_without_an_address_are_not_limited_as_one() {
    let mut slots = Slots::new(HalfOpenLimits { slots: 0, slots_per_address: 1, turns: 1 });
    let mut changes = Changes::default();
    for signal in 0..3 {
        slots.enter(None, signal, &mut changes);
    }
    assert!(changes.evicted.is_empty());
}

#[test]
fn a_remote_with_one_handshake_waits_for_two_turns() {
    let mut slots = Tested::new(0, 0, 1);
    for _ in 0..2 {
        for address in 2..102 {
            let number = slots.enter(address);
            slots.inner.take_turn(number);
        }
    }
    for _ in 0..10 {
        let client = slots.enter(1);
        assert!(!slots.inner.take_turn(client));
        slots.end_some_turn();
        if !slots.has_turn(client) {
            slots.end_some_turn();
        }
        assert!(slots.has_turn(client));
        slots.leave(client);
    }
}

#[test]
fn addresses_with_as_many_handshakes_have_turns_in_round_robin_order() {
    let mut slots = Tested::new(0, 0, 1);
    let handshakes = [5, 1, 4, 2, 3].map(|address| slots.enter(address));
    for _ in 0..3 {
        for number in handshakes {
            slots.inner.take_turn(number);
        }
        for number in handshakes {
            assert!(slots.has_turn(number));
            slots.end_turn(number);
        }
    }
}

#[test]
fn addresses_with_one_handshake_leave_every_other_turn_to_an_address_with_many() {
    let mut slots = Tested::new(0, 0, 1);
    let many = [(); 20].map(|()| slots.enter(1));
    for number in many {
        slots.inner.take_turn(number);
    }
    for _ in 0..many.len() {
        let client = slots.enter(2);
        slots.inner.take_turn(client);
        slots.end_some_turn();
        slots.leave(client);
    }
    let waits = |number| matches!(slots.inner.slots[number].turn, Turn::Requested(_));
    assert!(!many.iter().any(waits));
}

#[test]
fn an_overload_refuses_the_address_that_causes_it() {
    let mut slots = Tested::new(OVERLOAD + 10, 0, 1);
    let admits = |slots: &Tested, address| slots.inner.admits(tested_address(address));
    let handshakes: Vec<_> = (0..OVERLOAD + 10).map(|_| slots.enter(1)).collect();
    assert!(admits(&slots, 1), "they do not wait for turns");
    for number in &handshakes[..OVERLOAD + 1] {
        slots.inner.take_turn(*number);
    }
    assert!(!admits(&slots, 1));
    assert!(admits(&slots, 2));
    slots.end_some_turn();
    assert!(admits(&slots, 1), "few wait");
}

#[test]
fn handshakes_of_one_address_are_completed_before_others_begin() {
    let mut slots = Tested::new(0, 0, 1);
    let [advanced, running, waiting, newest] = [(); 4].map(|()| slots.enter(1));
    assert!(slots.inner.take_turn(advanced));
    slots.end_turn(advanced);
    assert!(slots.inner.take_turn(running));
    for number in [waiting, advanced, newest] {
        assert!(!slots.inner.take_turn(number));
    }
    for next in [advanced, newest, waiting] {
        slots.end_some_turn();
        assert!(slots.has_turn(next));
    }
}

#[test]
fn a_handshake_that_leaves_in_its_turn_grants_the_next_one() {
    let mut slots = Tested::new(0, 0, 1);
    let [running, waiting, gone] = [1, 2, 3].map(|address| slots.enter(address));
    assert!(slots.inner.take_turn(running));
    assert!(!slots.inner.take_turn(gone));
    assert!(!slots.inner.take_turn(waiting));
    slots.leave(gone);
    slots.leave(running);
    assert!(slots.has_turn(waiting));
}

#[derive(Clone, Debug)]
enum Step {
    Enter(u8),
    Leave(prop::sample::Index),
    Take(prop::sample::Index),
    End(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..6).prop_map(Step::Enter),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        4 => any::<prop::sample::Index>().prop_map(Step::Take),
        3 => any::<prop::sample::Index>().prop_map(Step::End),
    ]
}

proptest! {
    #[test]
    fn no_turn_is_lost_and_no_limit_is_exceeded(
        steps in prop::collection::vec(step(), 0..300),
        max in 0_usize..12,
        max_per_address in 0_usize..5,
        turns in 1_usize..4,
    ) {
        let mut slots = Tested::new(max, max_per_address, turns);
        let mut entered = Vec::new();
        for step in steps {
            match step {
                Step::Enter(address) => entered.push(slots.enter(address)),
                Step::Leave(at) if !entered.is_empty() => slots.leave(*at.get(&entered)),
                Step::Take(at) if !entered.is_empty() => {
                    slots.inner.take_turn(*at.get(&entered));
                }
                Step::End(at) if !entered.is_empty() => slots.end_turn(*at.get(&entered)),
                Step::Leave(_) | Step::Take(_) | Step::End(_) => {}
            }
            slots.check();
        }
        for number in entered {
            slots.leave(number);
            slots.check();
        }
        let Slots { slots, blocks, fullest, line, emptiest, waiting, turns, .. } = slots.inner;
        prop_assert!(slots.is_empty() && blocks.is_empty() && fullest.is_empty());
        prop_assert!(line.is_empty() && emptiest.is_empty() && waiting == 0 && turns == 0);
    }
}

/// The slots, each with its number as the signal.
struct Tested {
    inner: Slots<u64>,
    evicted: Vec<u64>,
}

impl Tested {
    fn new(slots: usize, slots_per_address: usize, turns: usize) -> Self {
        let limits = HalfOpenLimits { slots, slots_per_address, turns };
        Self { inner: Slots::new(limits), evicted: Vec::new() }
    }

    fn enter(&mut self, address: u8) -> u64 {
        let address = tested_address(address);
        let (next, mut changes) = (self.inner.next, Changes::default());
        let number = self.inner.enter(Some(address), next, &mut changes);
        assert_eq!(number, next);
        self.evicted.append(&mut changes.evicted);
        self.expect_granted(&changes);
        number
    }

    fn leave(&mut self, number: u64) {
        let mut changes = Changes::default();
        self.inner.leave(number, &mut changes);
        self.expect_granted(&changes);
    }

    fn end_turn(&mut self, number: u64) {
        let mut changes = Changes::default();
        if self.inner.stop(number) {
            self.inner.end_turn(&mut changes);
        }
        self.expect_granted(&changes);
    }

    /// Ends the turn of the handshake that has one.
    fn end_some_turn(&mut self) {
        let is_granted = |(_, slot): &(_, &Slot<u64>)| slot.turn == Turn::Granted;
        let (&number, _) = self.inner.slots.iter().find(is_granted).unwrap();
        self.end_turn(number);
    }

    fn has_turn(&self, number: u64) -> bool {
        self.inner.slots[&number].turn == Turn::Granted
    }

    /// Checks that each handshake with a new turn is notified.
    fn expect_granted(&self, changes: &Changes<u64>) {
        assert!(changes.granted.iter().all(|&number| self.has_turn(number)));
    }

    /// Checks what holds at all times.
    fn check(&self) {
        let Slots { limits, slots, blocks, fullest, line, emptiest, .. } = &self.inner;
        assert!(limits.slots == 0 || slots.len() <= limits.slots);
        let of_turn = |is: fn(Turn) -> bool| slots.values().filter(|slot| is(slot.turn)).count();
        let granted = of_turn(|turn| turn == Turn::Granted);
        let requested = of_turn(|turn| matches!(turn, Turn::Requested(_)));
        assert_eq!((granted, requested), (self.inner.turns, self.inner.waiting));
        assert!(granted <= limits.turns);
        assert!(requested == 0 || granted == limits.turns, "a free turn is granted");
        assert_eq!(blocks.values().map(|block| block.slots.len()).sum::<usize>(), slots.len());
        assert_eq!(blocks.values().map(|block| block.requests.len()).sum::<usize>(), requested);
        assert_eq!(fullest.len(), blocks.len());
        assert_eq!(emptiest.len(), line.len());
        assert_eq!(line.len(), blocks.values().filter(|block| !block.requests.is_empty()).count());
        for (name, block) in blocks {
            let max = limits.slots_per_address;
            assert!(max == 0 || block.slots.len() <= max);
            let (count, oldest) = (block.slots.len(), *block.slots.first().unwrap());
            assert!(fullest.contains(&(count, Reverse(oldest), *name)));
            assert_eq!(block.position.is_some(), !block.requests.is_empty());
            let position = block.position.filter(|at| line[at] == *name);
            assert_eq!(position, block.position);
            assert!(position.is_none_or(|at| emptiest.contains(&(count, at, *name))));
        }
    }
}

fn tested_address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}
