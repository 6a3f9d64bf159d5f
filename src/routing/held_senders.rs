//! The senders that wait until all pipes of a choice have room.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::mem;
use std::task::{Poll, Waker};

#[cfg(test)]
use self::tests::step;
use crate::pipe::{PipeKey, Ticket};
use crate::sync::Wakes;

/// Senders that wait until all pipes of a choice have room.
///
/// A sender waits in line for each of its pipes, in the order of tickets. A pipe admits as many
/// senders of its line as it has free slots, and the sender is woken when all its pipes admit it.
/// Only the remaining slots go to senders without a ticket. Each pipe therefore keeps a slot for a
/// sender that waits for others, and no later sender can overtake it.
///
/// Slots are not held: they are counted again whenever a line changes. The sender with the first
/// ticket is the first in all its lines, also in those that it joins later. Senders whose pipes
/// overlap therefore never wait for each other.
#[derive(Debug, Default)]
pub(super) struct HeldSenders {
    senders: BTreeMap<Ticket, HeldSender>,
    /// The lines that are not empty.
    lines: HashMap<PipeKey, Line>,
    last: Ticket,
}

#[derive(Debug, Default)]
struct HeldSender {
    /// The pipes in whose lines it stands, as far as these pipes still exist.
    pipes: Vec<PipeKey>,
    /// The number of these lines that do not admit it.
    missing: usize,
    /// Absent when the sender has been woken.
    waker: Option<Waker>,
}

/// The senders that wait for one pipe.
#[derive(Debug, Default)]
struct Line {
    /// In ascending order.
    tickets: VecDeque<Ticket>,
    /// The number of senders at the front that the pipe has a free slot for.
    admitted: usize,
}

impl HeldSenders {
    /// Ready when the sender can queue its message in all of these pipes; until then, it waits in
    /// line. `free` returns the number of free slots of a pipe.
    pub(super) fn poll_turn(
        &mut self,
        ticket: &mut Option<Ticket>,
        pipes: &[PipeKey],
        sender: &Waker,
        free: impl Fn(PipeKey) -> usize,
        wakes: &mut Wakes,
    ) -> Poll<()> {
        if ticket.is_none() && self.has_turn(pipes, &free) {
            return Poll::Ready(());
        }
        let last = &mut self.last;
        let ticket = *ticket.get_or_insert_with(|| {
            *last = last.next();
            *last
        });
        if self.senders.entry(ticket).or_default().pipes != pipes {
            self.change_pipes(ticket, pipes, free, wakes);
        }
        let Some(held) = self.senders.get_mut(&ticket) else { return Poll::Ready(()) };
        if held.missing == 0 {
            return Poll::Ready(());
        }
        match &mut held.waker {
            Some(waker) => waker.clone_from(sender),
            waker => *waker = Some(sender.clone()),
        }
        Poll::Pending
    }

    /// Returns whether a sender without a ticket can queue its message in all of these pipes.
    #[inline]
    pub(super) fn has_turn(&self, pipes: &[PipeKey], free: impl Fn(PipeKey) -> usize) -> bool {
        pipes.iter().all(|pipe| {
            step();
            free(*pipe) > self.lines.get(pipe).map_or(0, |line| line.tickets.len())
        })
    }

    /// Admits as many senders to a pipe as it has free slots.
    pub(super) fn admit(&mut self, pipe: PipeKey, free: usize, wakes: &mut Wakes) {
        let Self { senders, lines, .. } = self;
        let Some(line) = lines.get_mut(&pipe) else { return };
        let before = mem::replace(&mut line.admitted, free.min(line.tickets.len()));
        for ticket in line.tickets.range(before.min(line.admitted)..line.admitted) {
            admitted(senders.get_mut(ticket), wakes);
        }
        for ticket in line.tickets.range(line.admitted..before.max(line.admitted)) {
            step();
            if let Some(held) = senders.get_mut(ticket) {
                held.missing += 1;
            }
        }
    }

    /// Removes a sender that no longer waits.
    pub(super) fn remove(
        &mut self,
        ticket: Ticket,
        free: impl Fn(PipeKey) -> usize,
        wakes: &mut Wakes,
    ) {
        let Some(held) = self.senders.remove(&ticket) else { return };
        for pipe in held.pipes {
            self.leave(ticket, pipe, free(pipe), wakes);
        }
    }

    /// Removes the line of a pipe that no longer belongs to any choice.
    pub(super) fn remove_line(&mut self, pipe: PipeKey, wakes: &mut Wakes) {
        let Some(line) = self.lines.remove(&pipe) else { return };
        for ticket in line.tickets.range(line.admitted..) {
            admitted(self.senders.get_mut(ticket), wakes);
        }
    }

    /// Wakes the senders that wait for a pipe: it may no longer belong to their choice.
    pub(super) fn wake_line(&mut self, pipe: PipeKey, wakes: &mut Wakes) {
        let Some(line) = self.lines.get(&pipe) else { return };
        for ticket in &line.tickets {
            wakes.extend(self.senders.get_mut(ticket).and_then(|held| held.waker.take()));
        }
    }

    /// Wakes all senders.
    pub(super) fn wake_all(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.senders.values_mut().filter_map(|held| held.waker.take()));
    }

    /// Moves a sender to the lines of these pipes, into its position there.
    fn change_pipes(
        &mut self,
        ticket: Ticket,
        pipes: &[PipeKey],
        free: impl Fn(PipeKey) -> usize,
        wakes: &mut Wakes,
    ) {
        let Some(held) = self.senders.get_mut(&ticket) else { return };
        let before = mem::replace(&mut held.pipes, pipes.to_vec());
        let [old, new]: [HashSet<_>; 2] =
            [&before, pipes].map(|pipes| pipes.iter().copied().collect());
        for pipe in before.iter().filter(|pipe| !new.contains(pipe)) {
            self.leave(ticket, *pipe, free(*pipe), wakes);
        }
        for pipe in pipes.iter().filter(|pipe| !old.contains(pipe)) {
            self.join(ticket, *pipe, free(*pipe), wakes);
        }
    }

    fn join(&mut self, ticket: Ticket, pipe: PipeKey, free: usize, wakes: &mut Wakes) {
        let line = self.lines.entry(pipe).or_default();
        let at = position(&line.tickets, ticket);
        line.tickets.insert(at, ticket);
        if at < line.admitted {
            line.admitted += 1;
        } else if let Some(held) = self.senders.get_mut(&ticket) {
            held.missing += 1;
        }
        self.admit(pipe, free, wakes);
    }

    fn leave(&mut self, ticket: Ticket, pipe: PipeKey, free: usize, wakes: &mut Wakes) {
        let Some(line) = self.lines.get_mut(&pipe) else { return };
        let at = position(&line.tickets, ticket);
        if line.tickets.get(at) != Some(&ticket) {
            return;
        }
        line.tickets.remove(at);
        if at < line.admitted {
            line.admitted -= 1;
        } else if let Some(held) = self.senders.get_mut(&ticket) {
            held.missing -= 1;
        }
        if line.tickets.is_empty() {
            self.lines.remove(&pipe);
        } else {
            self.admit(pipe, free, wakes);
        }
    }
}

/// Records that one more line admits a sender, and wakes it if that was the last one.
fn admitted(held: Option<&mut HeldSender>, wakes: &mut Wakes) {
    step();
    let Some(held) = held else { return };
    held.missing -= 1;
    if held.missing == 0 {
        wakes.extend(held.waker.take());
    }
}

fn position(tickets: &VecDeque<Ticket>, ticket: Ticket) -> usize {
    tickets.partition_point(|other| {
        step();
        *other < ticket
    })
}

/// Tests count the steps.
#[cfg(not(test))]
const fn step() {}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn the_steps_of_a_sender_grow_with_its_pipes_and_little_with_other_senders() {
        let few = steps_of_each(50, 50);
        let more_senders = steps_of_each(400, 50);
        let more_pipes = steps_of_each(50, 400);
        // The position in a line is found by a binary search, of three more steps.
        assert!(more_senders < 2 * few, "{few} steps, then {more_senders}");
        assert!(more_pipes < 9 * few, "{few} steps, then {more_pipes}");
    }

    /// Returns the number of steps for each of many senders, which all wait for the same pipes. In
    /// each round every pipe gets one free slot.
    fn steps_of_each(senders: usize, pipes: usize) -> usize {
        let mut slots: SlotMap<PipeKey, usize> = SlotMap::with_key();
        let pipes: Vec<_> = (0..pipes).map(|_| slots.insert(0)).collect();
        let mut held = HeldSenders::default();
        let mut wakes = Wakes::None;
        let wakers = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&wakers));
        let mut tickets = vec![None; senders];
        STEPS.set(0);
        for ticket in &mut tickets {
            let free = |pipe| slots[pipe];
            assert!(held.poll_turn(ticket, &pipes, &waker, free, &mut wakes).is_pending());
        }
        for (served, ticket) in tickets.iter_mut().enumerate() {
            for pipe in &pipes {
                assert_eq!(wakers.0.load(Ordering::Relaxed), served, "it waits for all pipes");
                slots[*pipe] += 1;
                held.admit(*pipe, slots[*pipe], &mut wakes);
                wakes.wake_all();
            }
            assert_eq!(wakers.0.load(Ordering::Relaxed), served + 1, "it is woken once");
            let free = |pipe| slots[pipe];
            assert!(held.poll_turn(ticket, &pipes, &waker, free, &mut wakes).is_ready());
            slots.values_mut().for_each(|free| *free -= 1);
            held.remove(ticket.take().unwrap(), |pipe| slots[pipe], &mut wakes);
        }
        assert!(held.senders.is_empty() && held.lines.is_empty());
        STEPS.get() / senders
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn step() {
        STEPS.set(STEPS.get() + 1);
    }
}
