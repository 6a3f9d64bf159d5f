//! Round-robin over the remotes whose queues are not full (libzmq `lb`): CLIENT, DEALER, PUSH,
//! SCATTER.

mod connected_only;
mod queue_position;
mod redirection;
mod shortest_queue;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::shortest_queue::ShortestQueue;
use crate::pipe::{PipeKey, Waiters};
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, Leftover, Strategy};
use crate::sync::Wakes;

/// Sends each message to the next remote whose queue is not full (RFC 41, The CLIENT Socket Type,
/// For processing outgoing messages).
///
/// It can prefer the remote with the shortest queue instead: see `shortest_queue`. The messages of
/// remotes that leave can be returned: see `redirection`.
///
/// Under a requester, it offers only open pipes, whose remotes are connected and do not drain: see
/// `connected_only`.
#[derive(Debug, Default)]
pub(crate) struct RoundRobin {
    /// The offered pipes. The pipe for the next message is at the front. With `shortest`, it
    /// is the only one, and there twice.
    ready: VecDeque<PipeKey>,
    /// All offered pipes, if the one with the shortest queue is preferred.
    shortest: Option<Box<ShortestQueue>>,
    /// Whether the messages of remotes that leave are returned.
    returns: bool,
    /// Whether only open pipes are offered.
    is_selective: bool,
    /// The number of open pipes. It changes only under the lock of the queues, and is read without
    /// it.
    open: Arc<AtomicUsize>,
    /// The tasks that wait for a pipe to be open.
    unconnected_waiters: Waiters,
}

impl RoundRobin {
    /// Changes the order of the pipes, and moves the first one to the front.
    #[inline(never)]
    fn reorder(&mut self, change: impl FnOnce(&mut ShortestQueue)) {
        let Some(shortest) = &mut self.shortest else { return };
        change(shortest);
        self.ready.clear();
        // Twice, so that `used` finds more than one. A socket of one remote in turn then pays for
        // no comparison.
        self.ready.extend(shortest.first().into_iter().flat_map(|first| [first; 2]));
    }

    fn count_closed(&self) {
        self.open.fetch_sub(1, Ordering::Release);
    }
}

impl Strategy for RoundRobin {
    type Target = ();

    #[inline]
    fn choose(&mut self, (): &()) -> Choice<'_> {
        self.ready.front().map_or(Choice::Full, |key| Choice::Offered(*key))
    }

    #[inline]
    fn has_one_choice(&self) -> bool {
        self.ready.len() == 1
    }

    fn may_offer(&self, _key: PipeKey, pipe: &OutgoingPipe) -> bool {
        !self.is_selective || pipe.is_open()
    }

    fn offer(&mut self, key: PipeKey, pipe: &OutgoingPipe) {
        if self.shortest.is_some() {
            return self.reorder(|shortest| shortest.put(key, pipe.outbound.used_slots()));
        }
        self.ready.push_back(key);
    }

    /// Moves the used pipe, which is at the front, to the back.
    #[inline]
    fn used(&mut self, key: PipeKey, pipe: &OutgoingPipe) {
        if self.ready.len() > 1 {
            if self.shortest.is_some() {
                return self.reorder(|shortest| shortest.put(key, pipe.outbound.used_slots()));
            }
            self.ready.rotate_left(1);
        }
    }

    #[inline]
    fn freed(&mut self, key: PipeKey, pipe: &OutgoingPipe) {
        if self.shortest.is_some() {
            self.reorder(|shortest| shortest.set_len(key, pipe.outbound.used_slots()));
        }
    }

    #[inline]
    fn withdraw(&mut self, key: PipeKey) {
        if self.shortest.is_some() {
            return self.reorder(|shortest| shortest.remove(key));
        }
        if self.ready.front() == Some(&key) {
            self.ready.pop_front();
        } else {
            self.ready.retain(|offered| *offered != key);
        }
    }

    fn retire(&mut self, _key: PipeKey, pipe: &OutgoingPipe) {
        if pipe.is_open() {
            self.count_closed();
        }
    }

    fn connect(&mut self, _key: PipeKey, pipe: &OutgoingPipe, was_open: bool, wakes: &mut Wakes) {
        if pipe.is_open() && !was_open {
            self.open.fetch_add(1, Ordering::Release);
        }
        self.wake_unconnected(wakes);
    }

    fn disconnect(&mut self, _: PipeKey, was_open: bool, gone: bool) -> Leftover {
        if was_open {
            self.count_closed();
        }
        if !self.is_selective {
            if gone && self.returns { Leftover::Redirect } else { Leftover::Stay }
        } else if gone && self.open.load(Ordering::Relaxed) == 0 {
            // There is no other remote that could receive them.
            Leftover::Lose
        } else {
            Leftover::Redirect
        }
    }

    fn wake_unconnected(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.unconnected_waiters.drain());
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.wake_unconnected(wakes);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Poll, Waker};

    use super::*;
    use crate::message::Message;
    use crate::pipe::HighWaterMark;
    use crate::pipe::{Take, Ticket, Want};
    use crate::routing::{EndpointId, Outgoing, OutgoingPipes, Refusal};

    #[test]
    fn messages_are_sent_to_remotes_in_turn() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let [a, b, c] = [(); 3].map(|()| attach(&mut routing, 10));
        for number in 0..6 {
            send(&mut routing, number).unwrap();
        }
        assert_eq!(take(&mut routing, a), [0, 3]);
        assert_eq!(take(&mut routing, b), [1, 4]);
        assert_eq!(take(&mut routing, c), [2, 5]);
    }

    #[test]
    fn a_full_remote_is_skipped_until_it_has_queue_capacity() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
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
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
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
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
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
    fn a_dropped_sender_passes_its_slot_to_the_next() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let a = attach(&mut routing, 1);
        send(&mut routing, 0).unwrap();
        let (mut first, mut second) = (None, None);
        assert!(reserve(&mut routing, &mut first).is_pending());
        assert!(reserve(&mut routing, &mut second).is_pending());
        take(&mut routing, a);
        let mut wakes = Wakes::None;
        routing.cancel(&(), first.unwrap(), &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(reserve(&mut routing, &mut second), Poll::Ready(Ok(a)));
    }

    #[test]
    fn a_slot_of_a_removed_remote_is_void_and_its_sender_keeps_its_position() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
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
    fn a_retired_remote_receives_queued_messages_and_no_new_ones() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
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
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(10, 0));
        let mut ticket = None;
        assert!(reserve(&mut routing, &mut ticket).is_pending());
        let mut wakes = Wakes::None;
        routing.close(&mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(reserve(&mut routing, &mut ticket), Poll::Ready(Err(Refusal::Closed)));
        assert_eq!(send(&mut routing, 0), Err(Refusal::Closed));
    }

    #[test]
    fn a_raised_hwm_serves_waiting_senders_and_a_lowered_one_stops_the_next() {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(1, 0));
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
        let mut routing = OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(0, 20));
        let a = routing.attach(ENDPOINT, &mut Wakes::None).unwrap().key;
        assert_eq!(routing.try_reserve(&()), Ok(a));
        let sent = routing.send_reserved(a, &mut Some(Message::from([7; 30])), &mut Wakes::None);
        assert_eq!(sent, Ok(()));
        assert_eq!(send(&mut routing, 1), Err(Refusal::Full));
        take(&mut routing, a);
        assert_eq!(send(&mut routing, 1), Ok(()));
    }

    const ENDPOINT: EndpointId = EndpointId(0);

    fn attach(routing: &mut OutgoingPipes<RoundRobin>, hwm: usize) -> PipeKey {
        routing.hwm = HighWaterMark::new(hwm, 0);
        routing.attach(ENDPOINT, &mut Wakes::None).unwrap().key
    }

    fn send(routing: &mut OutgoingPipes<RoundRobin>, number: u8) -> Result<(), Refusal> {
        routing.try_send(&(), &mut Some(Message::from([number])), &mut Wakes::None)
    }

    fn reserve(
        routing: &mut OutgoingPipes<RoundRobin>,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<PipeKey, Refusal>> {
        routing.poll_reserve(&(), ticket, Waker::noop())
    }

    fn take(routing: &mut OutgoingPipes<RoundRobin>, key: PipeKey) -> Vec<u8> {
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        taken.iter().map(|message| message[0]).collect()
    }
}
