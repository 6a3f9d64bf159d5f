//! The order of the offered pipes of a PUSH or DEALER that prefers the remote with the shortest
//! queue.

use std::collections::BTreeSet;

use slotmap::SecondaryMap;

use crate::pipe::PipeKey;

/// The offered pipes, the one with the shortest queue first. Of queues with the same length, the
/// one that was used least recently is first, so that remotes that receive quickly are served
/// round-robin.
///
/// Each change takes logarithmic time in the number of offered pipes.
#[derive(Debug, Default)]
pub(super) struct ShortestQueue {
    order: BTreeSet<Place>,
    /// The place of each offered pipe in `order`.
    places: SecondaryMap<PipeKey, Place>,
    /// The number of uses so far.
    uses: u64,
}

/// The place of a pipe in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The number of messages and reserved slots in the queue.
    len: usize,
    /// The number of uses of all pipes when this one was offered or used last.
    used: u64,
    key: PipeKey,
}

impl ShortestQueue {
    /// Adds a pipe, or moves one that was used, behind those with a queue of the same length.
    pub(super) fn put(&mut self, key: PipeKey, len: usize) {
        self.uses += 1;
        let used = self.uses;
        self.place(Place { len, used, key });
    }

    /// Changes the length of the queue of a pipe, if it is offered.
    pub(super) fn set_len(&mut self, key: PipeKey, len: usize) {
        if let Some(place) = self.places.get(key).copied() {
            if place.len != len {
                self.place(Place { len, ..place });
            }
        }
    }

    pub(super) fn remove(&mut self, key: PipeKey) {
        if let Some(place) = self.places.remove(key) {
            self.order.remove(&place);
        }
    }

    pub(super) fn first(&self) -> Option<PipeKey> {
        self.order.first().map(|place| place.key)
    }

    fn place(&mut self, place: Place) {
        if let Some(previous) = self.places.insert(place.key, place) {
            self.order.remove(&previous);
        }
        self.order.insert(place);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use crate::message::Message;
    use crate::pipe::{HighWaterMark, PipeKey, Want};
    use crate::routing::{EndpointId, Outgoing, OutgoingPipes, Refusal, RoundRobin};
    use crate::sync::Wakes;

    #[test]
    fn the_shortest_queue_gets_the_next_message() {
        let mut routing = routing(10);
        let a = attach(&mut routing);
        send(&mut routing, [1, 2, 3]);
        let b = attach(&mut routing);
        send(&mut routing, [4, 5, 6]);
        assert_eq!(queued(&routing, [a, b]), [3, 3]);
        assert_eq!(take(&mut routing, b), [4, 5, 6]);
        send(&mut routing, [7, 8]);
        assert_eq!(queued(&routing, [a, b]), [3, 2]);
        assert_eq!(take(&mut routing, a), [1, 2, 3]);
        send(&mut routing, [9, 10, 11]);
        assert_eq!(take(&mut routing, a), [9, 10]);
        assert_eq!(take(&mut routing, b), [7, 8, 11]);
    }

    #[test]
    fn queues_of_the_same_length_are_used_in_turn() {
        let mut routing = routing(10);
        let [a, b, c] = [(); 3].map(|()| attach(&mut routing));
        for number in (0..9).step_by(3) {
            send(&mut routing, [number, number + 1, number + 2]);
            // Remotes that receive everything immediately have empty queues.
            assert_eq!(take(&mut routing, a), [number]);
            assert_eq!(take(&mut routing, b), [number + 1]);
            assert_eq!(take(&mut routing, c), [number + 2]);
        }
    }

    #[test]
    fn full_and_retired_queues_are_skipped() {
        let mut routing = routing(2);
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        send(&mut routing, [1, 2, 3, 4]);
        assert_eq!(try_send(&mut routing, 5), Err(Refusal::Full));
        assert_eq!(take(&mut routing, a), [1, 3]);
        send(&mut routing, [5, 6]);
        assert_eq!(try_send(&mut routing, 7), Err(Refusal::Full));
        assert_eq!(take(&mut routing, a), [5, 6]);
        routing.retire_pipe(a, &mut Wakes::None);
        assert_eq!(try_send(&mut routing, 7), Err(Refusal::Full));
        assert_eq!(take(&mut routing, b), [2, 4]);
        assert_eq!(try_send(&mut routing, 7), Ok(()));
        assert_eq!(take(&mut routing, b), [7]);
    }

    #[test]
    fn reserved_slots_count() {
        let mut routing = routing(10);
        let [a, b] = [(); 2].map(|()| attach(&mut routing));
        assert_eq!(routing.try_reserve(&()), Ok(a));
        assert_eq!(routing.try_reserve(&()), Ok(b));
        assert_eq!(routing.try_reserve(&()), Ok(a));
        assert_eq!(routing.try_reserve(&()), Ok(b));
        routing.release(b, &mut Wakes::None);
        routing.release(b, &mut Wakes::None);
        send(&mut routing, [1]);
        assert_eq!(queued(&routing, [a, b]), [0, 1]);
    }

    fn routing(hwm: usize) -> OutgoingPipes<RoundRobin> {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(hwm, 0));
        routing.prefer_shortest_queue();
        routing
    }

    fn attach(routing: &mut OutgoingPipes<RoundRobin>) -> PipeKey {
        routing.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    fn send<const N: usize>(routing: &mut OutgoingPipes<RoundRobin>, numbers: [u8; N]) {
        for number in numbers {
            try_send(routing, number).unwrap();
        }
    }

    fn try_send(routing: &mut OutgoingPipes<RoundRobin>, number: u8) -> Result<(), Refusal> {
        routing.try_send(&(), &mut Some(Message::from([number])), &mut Wakes::None)
    }

    fn queued<const N: usize>(
        routing: &OutgoingPipes<RoundRobin>,
        pipes: [PipeKey; N],
    ) -> [usize; N] {
        pipes.map(|pipe| routing.queued(Some(pipe)))
    }

    fn take(routing: &mut OutgoingPipes<RoundRobin>, key: PipeKey) -> Vec<u8> {
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        taken.iter().map(|message| message[0]).collect()
    }
}
