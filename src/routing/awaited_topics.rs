//! The tasks that wait for subscribers.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::pipe::Ticket;
use crate::sync::Wakes;

/// The tasks that wait until a remote subscribes to a message with a first part.
#[derive(Debug, Default)]
pub(crate) struct AwaitedTopics {
    tasks: BTreeMap<Ticket, AwaitedTopic>,
    last: Ticket,
}

#[derive(Debug)]
struct AwaitedTopic {
    first_part: Box<[u8]>,
    waker: Waker,
}

impl AwaitedTopics {
    /// Adds a task, or replaces its waker.
    pub(super) fn register(
        &mut self,
        ticket: &mut Option<Ticket>,
        first_part: &[u8],
        task: &Waker,
    ) {
        let last = &mut self.last;
        let ticket = *ticket.get_or_insert_with(|| {
            *last = last.next();
            *last
        });
        let awaited = self
            .tasks
            .entry(ticket)
            .or_insert_with(|| AwaitedTopic { first_part: first_part.into(), waker: task.clone() });
        awaited.waker.clone_from(task);
    }

    pub(super) fn remove(&mut self, ticket: Ticket) {
        self.tasks.remove(&ticket);
    }

    /// Wakes the tasks that wait for a message that matches a new subscription.
    #[inline]
    pub(super) fn wake(&mut self, topic: &[u8], wakes: &mut Wakes) {
        if self.tasks.is_empty() {
            return;
        }
        let tasks = self.tasks.values().filter(|task| task.first_part.starts_with(topic));
        wakes.extend(tasks.map(|task| task.waker.clone()));
    }

    pub(super) fn wake_all(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.tasks.values().map(|task| task.waker.clone()));
    }
}
