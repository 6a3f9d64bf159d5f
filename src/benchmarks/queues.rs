//! Single halves of a pipe, without a strategy.

use std::collections::VecDeque;
use std::hint::black_box;
use std::task::Waker;

use super::strategies::{UNLIMITED, arbitrary_remote, arrival};
use super::{MESSAGES, Round, SHORT};
use crate::message::Message;
use crate::pipe::{Delivery, Inbound, Outbound, Want};
use crate::remote::Remote;
use crate::sync::Wakes;

/// Queues messages for a connection, one by one.
#[derive(Debug)]
pub struct OutboundPush(OutgoingHalf);

/// Takes all queued messages together.
#[derive(Debug)]
pub struct OutboundTake(OutgoingHalf);

/// Queues messages that have arrived together.
#[derive(Debug)]
pub struct InboundPush(IncomingHalf);

/// Receives messages that have arrived together, one by one.
#[derive(Debug)]
pub struct InboundPop(IncomingHalf);

#[derive(Debug)]
struct OutgoingHalf {
    queue: Outbound,
    /// Empty between takes. Its memory is swapped with that of the queue.
    taken: VecDeque<Message>,
}

#[derive(Debug)]
struct IncomingHalf {
    queue: Inbound,
    remote: Remote,
    arrival: Option<Delivery>,
}

impl OutboundPush {
    /// Creates rounds that start with an empty queue.
    pub fn new() -> Self {
        Self(OutgoingHalf::new())
    }
}

impl Round for OutboundPush {
    fn prepare(&mut self) {
        self.0.take();
    }

    fn run(&mut self) {
        self.0.push();
    }
}

impl OutboundTake {
    /// Creates rounds that start with [`MESSAGES`] queued messages.
    pub fn new() -> Self {
        Self(OutgoingHalf::new())
    }
}

impl Round for OutboundTake {
    fn prepare(&mut self) {
        self.0.push();
    }

    fn run(&mut self) {
        self.0.take();
    }
}

impl OutgoingHalf {
    fn new() -> Self {
        Self { queue: Outbound::new(UNLIMITED), taken: VecDeque::new() }
    }

    fn push(&mut self) {
        for _ in 0..MESSAGES {
            let mut message = Some(Message::from(black_box(&[0x55; SHORT][..])));
            self.queue.push(&mut message, &mut Wakes::None);
        }
    }

    fn take(&mut self) {
        let took = self.queue.poll_take(Want::Write, &mut self.taken, Waker::noop());
        black_box(took.is_ready());
        self.taken.clear();
    }
}

impl InboundPush {
    /// Creates rounds that start with an empty queue.
    pub fn new() -> Self {
        Self(IncomingHalf::new())
    }
}

impl Round for InboundPush {
    fn prepare(&mut self) {
        self.0.pop();
        self.0.arrive();
    }

    fn run(&mut self) {
        self.0.push();
    }
}

impl InboundPop {
    /// Creates rounds that start with [`MESSAGES`] queued messages.
    pub fn new() -> Self {
        Self(IncomingHalf::new())
    }
}

impl Round for InboundPop {
    fn prepare(&mut self) {
        self.0.arrive();
        self.0.push();
    }

    fn run(&mut self) {
        self.0.pop();
    }
}

impl IncomingHalf {
    fn new() -> Self {
        Self { queue: Inbound::new(UNLIMITED, None), remote: arbitrary_remote(), arrival: None }
    }

    fn arrive(&mut self) {
        self.arrival = Some(arrival(&self.remote, MESSAGES));
    }

    fn push(&mut self) {
        if let Some(arrival) = &mut self.arrival {
            assert_eq!(self.queue.push(arrival, usize::MAX), MESSAGES);
        }
    }

    fn pop(&mut self) {
        while let Some(message) = self.queue.pop(&mut Wakes::None) {
            black_box(&message);
        }
    }
}
