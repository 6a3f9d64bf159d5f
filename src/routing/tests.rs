//! Invariants after any sequence of steps.
//!
//! Every step of a socket is one call under a lock, so all interleavings of its handles and
//! connections are sequences of such calls. These tests run random sequences, and check after each
//! step that no task waits in vain.

mod fan_out;
mod held_senders;
mod publishers;
mod slow;
mod topics;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{EndpointId, FairQueue, Outgoing, OutgoingPipes, RoundRobin};
use crate::message::Message;
use crate::pipe::{HighWaterMark, PipeKey, Take, Ticket, Want, arrival_of};
use crate::sync::Wakes;

#[derive(Clone, Debug)]
enum SendStep {
    Attach,
    Cancel(usize),
    Detach(usize),
    /// Polls a sender that has been woken, or has not waited yet.
    Send(usize),
    Take(usize),
}

#[derive(Clone, Debug)]
enum ReceiveStep {
    Attach,
    Cancel(usize),
    Deliver(usize, usize),
    End(usize),
    /// Polls a receiver that has been woken, or has not waited yet.
    Receive(usize),
}

proptest! {
    #[test]
    fn no_sender_waits_while_there_are_free_slots(steps in vec(send_steps(), 1..200)) {
        let mut socket = Senders::default();
        for step in steps {
            socket.step(step);
            socket.check()?;
        }
        // Senders that still wait are served as soon as remotes are added.
        let waiting = socket.tasks.iter().filter(|task| task.ticket.is_some()).count();
        for _ in 0..waiting {
            socket.step(SendStep::Attach);
            for sender in 0..TASKS {
                if socket.tasks[sender].ticket.is_some() {
                    socket.step(SendStep::Send(sender));
                }
            }
            socket.check()?;
        }
        prop_assert!(socket.tasks.iter().all(|task| task.ticket.is_none()));
        let queued: usize = socket.keys.iter().map(|key| socket.routing.queued(Some(*key))).sum();
        prop_assert_eq!(socket.sent, queued + socket.taken + socket.discarded);
    }

    #[test]
    fn no_receiver_waits_while_there_are_messages(steps in vec(receive_steps(), 1..200)) {
        let mut socket = Receivers::default();
        for step in steps {
            socket.step(step);
            socket.check()?;
        }
        while let Ok(Some(_)) = socket.queue.pop(&mut Wakes::None) {
            socket.received += 1;
        }
        prop_assert_eq!(socket.received, socket.delivered);
    }
}

fn send_steps() -> impl Strategy<Value = SendStep> {
    prop_oneof![
        1 => Just(SendStep::Attach),
        2 => (0..TASKS).prop_map(SendStep::Cancel),
        1 => any::<usize>().prop_map(SendStep::Detach),
        10 => (0..TASKS).prop_map(SendStep::Send),
        4 => any::<usize>().prop_map(SendStep::Take),
    ]
}

fn receive_steps() -> impl Strategy<Value = ReceiveStep> {
    prop_oneof![
        1 => Just(ReceiveStep::Attach),
        2 => (0..TASKS).prop_map(ReceiveStep::Cancel),
        4 => (any::<usize>(), 1..6_usize).prop_map(|(at, count)| ReceiveStep::Deliver(at, count)),
        1 => any::<usize>().prop_map(ReceiveStep::End),
        10 => (0..TASKS).prop_map(ReceiveStep::Receive),
    ]
}

/// A task that sends or receives, as its runtime sees it.
#[derive(Default)]
struct Task {
    ticket: Option<Ticket>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    fn waits(&self) -> bool {
        self.ticket.is_some() && !self.woken.0.load(Ordering::Relaxed)
    }

    /// Returns the waker for the next poll, and clears the last wake-up.
    fn waker(&self) -> Waker {
        self.woken.0.store(false, Ordering::Relaxed);
        Waker::from(Arc::clone(&self.woken))
    }
}

struct Senders {
    routing: OutgoingPipes<RoundRobin>,
    keys: Vec<PipeKey>,
    tasks: [Task; TASKS],
    sent: usize,
    taken: usize,
    discarded: usize,
}

impl Default for Senders {
    fn default() -> Self {
        Self {
            routing: OutgoingPipes::new(RoundRobin::default(), HighWaterMark::new(HWM, 0)),
            keys: Vec::new(),
            tasks: Default::default(),
            sent: 0,
            taken: 0,
            discarded: 0,
        }
    }
}

impl Senders {
    fn step(&mut self, step: SendStep) {
        let mut wakes = Wakes::None;
        match step {
            SendStep::Attach => {
                let attached = self.routing.attach(EndpointId(0), &mut wakes);
                self.keys.extend(attached.map(|attached| attached.key));
            }
            SendStep::Cancel(sender) => {
                if let Some(ticket) = self.tasks[sender].ticket.take() {
                    self.routing.cancel(&(), ticket, &mut wakes);
                }
            }
            SendStep::Detach(at) if !self.keys.is_empty() => {
                let key = self.keys.swap_remove(at % self.keys.len());
                self.discarded += self.routing.detach(key, &mut wakes).unwrap().len();
            }
            SendStep::Send(sender) if !self.tasks[sender].waits() => {
                let task = &mut self.tasks[sender];
                let waker = task.waker();
                let mut message = Some(Message::new());
                if let Poll::Ready(reserved) =
                    self.routing.poll_reserve(&(), &mut task.ticket, &waker)
                {
                    let key = reserved.expect("the socket is not closed");
                    let sent = self.routing.send_reserved(key, &mut message, &mut Wakes::None);
                    assert_eq!(sent, Ok(()), "a slot was granted that does not exist");
                    self.sent += 1;
                }
            }
            SendStep::Take(at) if !self.keys.is_empty() => {
                let key = self.keys[at % self.keys.len()];
                let mut taken = VecDeque::new();
                let took =
                    self.routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut wakes);
                assert_eq!(took.is_pending(), taken.is_empty());
                assert_ne!(took, Poll::Ready(Take::End));
                self.taken += taken.len();
            }
            SendStep::Detach(_) | SendStep::Send(_) | SendStep::Take(_) => {}
        }
        wakes.wake_all();
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let mut room = 0;
        for key in &self.keys {
            let queued = self.routing.queued(Some(*key));
            prop_assert!(queued <= HWM);
            room += HWM - queued;
        }
        // Either all free slots are granted to senders that have been woken, or no sender waits.
        let waits = self.tasks.iter().any(Task::waits);
        let coming =
            self.tasks.iter().filter(|task| task.ticket.is_some() && !task.waits()).count();
        prop_assert!(!waits || room <= coming, "a sender waits in vain");
        Ok(())
    }
}

struct Receivers {
    queue: FairQueue,
    keys: Vec<PipeKey>,
    tasks: [Task; TASKS],
    delivered: usize,
    received: usize,
}

impl Default for Receivers {
    fn default() -> Self {
        Self {
            queue: FairQueue::new(HighWaterMark::new(0, 0), 0),
            keys: Vec::new(),
            tasks: Default::default(),
            delivered: 0,
            received: 0,
        }
    }
}

impl Receivers {
    fn step(&mut self, step: ReceiveStep) {
        let mut wakes = Wakes::None;
        match step {
            ReceiveStep::Attach => {
                self.keys.push(self.queue.attach(None));
            }
            ReceiveStep::Cancel(receiver) => {
                if let Some(ticket) = self.tasks[receiver].ticket.take() {
                    self.queue.cancel(ticket, &mut wakes);
                }
            }
            ReceiveStep::Deliver(at, count) if !self.keys.is_empty() => {
                let key = self.keys[at % self.keys.len()];
                let mut arrival = arrival_of(&vec!["x"; count]);
                let pushed =
                    self.queue.poll_push(key, &mut arrival, usize::MAX, Waker::noop(), &mut wakes);
                assert!(pushed.is_ready());
                self.delivered += count;
            }
            ReceiveStep::End(at) if !self.keys.is_empty() => {
                let key = self.keys.swap_remove(at % self.keys.len());
                self.queue.end(key, [arrival_of(&["rest"])], &mut wakes);
                self.delivered += 1;
            }
            ReceiveStep::Receive(receiver) if !self.tasks[receiver].waits() => {
                let task = &mut self.tasks[receiver];
                let waker = task.waker();
                let popped = self.queue.poll_pop(&mut task.ticket, &waker, &mut Wakes::None);
                self.received += usize::from(popped.is_ready());
            }
            ReceiveStep::Deliver(..) | ReceiveStep::End(_) | ReceiveStep::Receive(_) => {}
        }
        wakes.wake_all();
    }

    fn check(&self) -> Result<(), TestCaseError> {
        // Either a receiver has been woken for the queued messages, or no receiver waits.
        let waits = self.tasks.iter().any(Task::waits);
        let coming =
            self.tasks.iter().filter(|task| task.ticket.is_some() && !task.waits()).count();
        prop_assert!(
            !waits || coming >= self.queue.queued(None).min(1),
            "a receiver waits in vain"
        );
        Ok(())
    }
}

/// A small number, so that the tasks contend.
const TASKS: usize = 5;
const HWM: usize = 2;
