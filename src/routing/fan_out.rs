//! The state of a socket that sends a message to many remotes: what these have missed, and the
//! senders that wait for them.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::pipe::{PipeKey, Ticket};
use crate::remote::Remote;
use crate::sync::Wakes;

/// The state of a socket that sends a message to many remotes.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    pub(super) missed: MissedMessages,
    pub(super) held: HeldSenders,
}

/// Messages that full pipes have missed.
#[derive(Debug, Default)]
pub(crate) struct MissedMessages {
    /// Their number, each counted for each pipe.
    pub(crate) messages: u64,
    /// The remotes that have begun to miss messages.
    pub(crate) remotes: Vec<Remote>,
}

/// Senders that wait for room in every pipe of a choice.
///
/// Each waits for one full pipe. When that has room, the sender that has waited longest for it is
/// woken, and checks its other pipes. When it no longer waits for this pipe, the next one is woken.
#[derive(Debug, Default)]
pub(super) struct HeldSenders {
    waiting: BTreeMap<Ticket, Held>,
    last: Ticket,
}

#[derive(Debug)]
struct Held {
    pipe: PipeKey,
    /// Absent when the sender has been woken.
    sender: Option<Waker>,
}

impl HeldSenders {
    /// Returns whether a sender with an earlier ticket waits for the pipe.
    pub(super) fn is_awaited(&self, pipe: PipeKey, before: Option<Ticket>) -> bool {
        let earlier = self.waiting.iter();
        let mut earlier = earlier.take_while(|(ticket, _)| before.is_none_or(|own| **ticket < own));
        earlier.any(|(_, held)| held.pipe == pipe)
    }

    /// Queues a sender for a pipe, or renews its waker. Returns the pipe that it waited for before.
    pub(super) fn register(
        &mut self,
        ticket: &mut Option<Ticket>,
        pipe: PipeKey,
        sender: &Waker,
    ) -> Option<PipeKey> {
        let last = &mut self.last;
        let ticket = *ticket.get_or_insert_with(|| {
            *last = last.next();
            *last
        });
        let held = Held { pipe, sender: Some(sender.clone()) };
        self.waiting.insert(ticket, held).map(|held| held.pipe)
    }

    /// Wakes the sender that has waited longest for a pipe.
    pub(super) fn wake_next(&mut self, pipe: PipeKey, wakes: &mut Wakes) {
        let held = self.waiting.values_mut().find(|held| held.pipe == pipe);
        wakes.extend(held.and_then(|held| held.sender.take()));
    }

    /// Wakes all senders that wait for a pipe.
    pub(super) fn wake_all(&mut self, pipe: Option<PipeKey>, wakes: &mut Wakes) {
        let held = self.waiting.values_mut();
        let held = held.filter(|held| pipe.is_none_or(|pipe| held.pipe == pipe));
        for held in held {
            wakes.extend(held.sender.take());
        }
    }

    /// Removes a sender. Returns the pipe that it waited for.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<PipeKey> {
        self.waiting.remove(&ticket).map(|held| held.pipe)
    }
}
