//! Pausing remotes: no messages are received from remotes that do not read theirs.

use super::{FairQueue, PipeUse};
use crate::pipe::PipeKey;
use crate::sync::Wakes;

impl FairQueue {
    /// Pauses a remote. No messages are received from it until it is resumed as often as it was
    /// paused, because several tasks can pause it. Its messages are queued up to the high-water
    /// mark, and then not read. An ended remote is not paused: it will never read again.
    pub(crate) fn pause(&mut self, key: PipeKey) {
        let Some(slot) = self.pipes.get_mut(key) else { return };
        if slot.holds != PipeUse::Live || self.closed {
            return;
        }
        slot.pauses += 1;
        if slot.pauses > 1 {
            return;
        }
        // Its entry in `ready` is removed when it reaches the front, without a search.
        slot.stale = !slot.inbound.is_empty();
        if slot.stale {
            self.stale += 1;
            self.skip_stale();
        }
    }

    /// Ends one pause of a remote. If no pause is left, wakes a receiver for each of its messages.
    pub(crate) fn resume(&mut self, key: PipeKey, wakes: &mut Wakes) {
        match self.pipes.get_mut(key) {
            Some(slot) if slot.pauses > 1 => slot.pauses -= 1,
            _ => self.resume_fully(key, wakes),
        }
    }

    /// Ends all pauses of a remote.
    pub(crate) fn resume_fully(&mut self, key: PipeKey, wakes: &mut Wakes) {
        let Some(slot) = self.pipes.get_mut(key) else { return };
        if slot.pauses == 0 {
            return;
        }
        slot.pauses = 0;
        let queued = slot.inbound.len();
        let was_listed = slot.stale;
        slot.stale = false;
        self.stale -= usize::from(was_listed);
        self.announce(key, !was_listed, queued, wakes);
    }

    /// Ends all pauses of all remotes. It wakes no receivers: `close` wakes all of them.
    pub(super) fn resume_all(&mut self) {
        for (key, slot) in &mut self.pipes {
            if slot.pauses > 0 && !slot.stale && !slot.inbound.is_empty() {
                self.ready.push_back(key);
            }
            (slot.pauses, slot.stale) = (0, false);
        }
        self.stale = 0;
    }

    /// Removes stale pipes from the front of `ready`.
    #[cold]
    pub(super) fn skip_stale(&mut self) {
        while let Some(&key) = self.ready.front() {
            let Some(slot) = self.pipes.get_mut(key).filter(|slot| slot.stale) else { return };
            slot.stale = false;
            self.stale -= 1;
            self.ready.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::message::Message;
    use crate::pipe::{HighWaterMark, arrival_of};

    #[test]
    fn a_paused_remote_keeps_its_messages_and_blocks_no_other() {
        let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
        let [a, b, c] = [(); 3].map(|()| queue.attach(None));
        push(&mut queue, a, &["a1", "a2"]);
        push(&mut queue, b, &["b1", "b2"]);
        push(&mut queue, c, &["c1", "c2"]);
        assert_eq!(pop(&mut queue).unwrap(), "a1");
        // One in front, and one behind it.
        queue.pause(b);
        queue.pause(a);
        push(&mut queue, a, &["a3"]);
        assert_eq!(pop_all(&mut queue), ["c1", "c2"]);
        queue.resume(a, &mut Wakes::None);
        assert_eq!(pop_all(&mut queue), ["a2", "a3"]);
        queue.resume(b, &mut Wakes::None);
        assert_eq!(pop_all(&mut queue), ["b1", "b2"]);
        assert_eq!(queue.stale, 0);
    }

    #[test]
    fn a_paused_and_resumed_remote_is_listed_once() {
        let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
        let [a, b] = [(); 2].map(|()| queue.attach(None));
        push(&mut queue, b, &["b1", "b2"]);
        push(&mut queue, a, &["a1", "a2", "a3"]);
        for _ in 0..3 {
            queue.pause(a);
            queue.resume(a, &mut Wakes::None);
        }
        assert_eq!(queue.ready.len(), 2);
        assert_eq!(pop_all(&mut queue), ["b1", "a1", "b2", "a2", "a3"]);
    }

    #[test]
    fn a_remote_is_resumed_when_all_of_its_pauses_have_ended() {
        let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
        let a = queue.attach(None);
        push(&mut queue, a, &["a1"]);
        queue.pause(a);
        queue.pause(a);
        queue.resume(a, &mut Wakes::None);
        assert_eq!(pop(&mut queue), None);
        queue.resume(a, &mut Wakes::None);
        assert_eq!(pop(&mut queue).unwrap(), "a1");
        queue.resume(a, &mut Wakes::None);
        queue.pause(a);
        push(&mut queue, a, &["a2"]);
        assert_eq!(pop(&mut queue), None);
    }

    #[test]
    fn resuming_a_remote_with_a_message_wakes_a_receiver() {
        let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
        let a = queue.attach(None);
        queue.pause(a);
        let mut ticket = None;
        assert!(queue.poll_pop(&mut ticket, Waker::noop(), &mut Wakes::None).is_pending());
        assert_eq!(push(&mut queue, a, &["a1"]), 0);
        let mut wakes = Wakes::None;
        queue.resume(a, &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert!(queue.poll_pop(&mut ticket, Waker::noop(), &mut Wakes::None).is_ready());
    }

    #[test]
    fn messages_of_a_paused_remote_are_received_after_it_or_the_socket_ends() {
        let mut queue = FairQueue::new(HighWaterMark::new(10, 0), 0);
        let [a, b] = [(); 2].map(|()| queue.attach(None));
        push(&mut queue, a, &["a1"]);
        push(&mut queue, b, &["b1"]);
        queue.pause(a);
        queue.pause(b);
        assert_eq!(pop(&mut queue), None);
        queue.end(a, [arrival_of(&["a2"])], &mut Wakes::None);
        assert_eq!(pop_all(&mut queue), ["a1", "a2"]);
        queue.close(&mut Wakes::None);
        assert_eq!(pop_all(&mut queue), ["b1"]);
        assert_eq!(queue.stale, 0);
    }

    fn push(queue: &mut FairQueue, key: PipeKey, bodies: &[&str]) -> usize {
        let mut wakes = Wakes::None;
        let mut arrival = arrival_of(bodies);
        let pushed = queue.poll_push(key, &mut arrival, usize::MAX, Waker::noop(), &mut wakes);
        assert!(pushed.is_ready());
        wakes.len()
    }

    fn pop(queue: &mut FairQueue) -> Option<Message> {
        queue.pop(&mut Wakes::None).ok().flatten()
    }

    fn pop_all(queue: &mut FairQueue) -> Vec<Message> {
        std::iter::from_fn(|| pop(queue)).collect()
    }
}
