//! Cooperative scheduling of handles.

use std::cell::Cell;
use std::task::{Context, Poll};

use tokio::task::coop::{self, RestoreOnPending};

/// Accounts for one message in Tokio's cooperative scheduling: a task that always finds a message,
/// or capacity for one, would never let other tasks of its thread run.
///
/// Only every eighth message takes a unit of the task budget of 128 operations. Yielding
/// costs as much as about ten messages and, if there are more threads, wakes one.
#[must_use]
pub(super) struct CoopBudget(Option<RestoreOnPending>);

/// Returns the budget for one message. Pending if the task must yield first.
#[inline]
pub(super) fn poll_budget(cx: &mut Context<'_>) -> Poll<CoopBudget> {
    if UNCHARGED.get() < MESSAGES_PER_OPERATION {
        return Poll::Ready(CoopBudget(None));
    }
    coop::poll_proceed(cx).map(|operation| {
        UNCHARGED.set(0);
        CoopBudget(Some(operation))
    })
}

/// Returns the budget for one message, or `None` if the task may have to yield first.
#[inline]
pub(super) fn try_budget() -> Option<CoopBudget> {
    (UNCHARGED.get() < MESSAGES_PER_OPERATION).then_some(CoopBudget(None))
}

impl CoopBudget {
    /// Records that the message was processed.
    #[inline]
    pub(super) fn used(self) {
        UNCHARGED.set(UNCHARGED.get() + 1);
        if let Some(operation) = self.0 {
            operation.made_progress();
        }
    }

    /// Records that a batch of messages was processed, which takes less time than as many single
    /// messages.
    pub(super) fn used_for(self, messages: usize, cx: &mut Context<'_>) {
        let Some(others) = messages.checked_sub(1) else { return };
        self.used();
        let uncharged = usize::from(UNCHARGED.get()) + others / BATCHED_PER_MESSAGE;
        let per_operation = usize::from(MESSAGES_PER_OPERATION);
        for _ in 0..uncharged / per_operation {
            if !coop::has_budget_remaining() {
                // The next operation yields.
                UNCHARGED.set(MESSAGES_PER_OPERATION);
                return;
            }
            // Tokio has no method that takes several units.
            if let Poll::Ready(operation) = coop::poll_proceed(cx) {
                operation.made_progress();
            }
        }
        UNCHARGED.set(u8::try_from(uncharged % per_operation).unwrap_or_default());
    }
}

/// Accounts for the copies of a message that were queued for many remotes. The connections write
/// them when the sender yields: until then, the queues of all remotes should fit a cache.
pub(super) fn charge_copies(copies: usize) {
    let messages = u8::try_from(copies / COPIES_PER_MESSAGE).unwrap_or(u8::MAX);
    UNCHARGED.set(UNCHARGED.get().saturating_add(messages).min(u8::MAX - 1));
}

/// Forgets the messages of earlier runs of a model, which is to take the same steps in each.
#[cfg(all(test, shuttle))]
pub(super) fn reset() {
    UNCHARGED.set(0);
}

thread_local! {
    /// The number of messages since the last unit was taken, of all tasks of this thread.
    static UNCHARGED: Cell<u8> = const { Cell::new(0) };
}

/// The number of messages that cost one unit of the task budget.
const MESSAGES_PER_OPERATION: u8 = 8;

/// The number of copies that cost as much of the budget as a message. A PUB or RADIO then queues
/// about 1 to 2 MB of short messages before its connections write, for 10 remotes and for 100.
const COPIES_PER_MESSAGE: usize = 16;

/// The number of messages of a batch, after the first, that cost as much of the budget as a single
/// message. When a task yields and its worker has nothing else to do, the worker polls the driver and
/// wakes another worker.
const BATCHED_PER_MESSAGE: usize = 4;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_task_yields_earlier_the_more_copies_it_queues() {
        for (copies, messages) in [(0, 1_024), (16, 512), (100, 256), (10_000, 128)] {
            let sent = poll_fn(move |cx| {
                UNCHARGED.set(0);
                let mut sent = 0;
                while let Poll::Ready(budget) = poll_budget(cx) {
                    charge_copies(copies);
                    budget.used();
                    sent += 1;
                }
                Poll::Ready(sent)
            });
            let sent = tokio::task::spawn(sent).await.unwrap();
            assert!((messages..messages + 9).contains(&sent), "{copies} copies: {sent}");
        }
    }

    #[tokio::test]
    async fn a_batch_costs_less_than_its_messages() {
        for (size, cost) in [(1, 1), (7, 2), (64, 16), (1_000, 250), (10_000, 2_500)] {
            let sent = poll_fn(move |cx| {
                UNCHARGED.set(0);
                let mut sent = 0;
                while let Poll::Ready(budget) = poll_budget(cx) {
                    budget.used_for(size, cx);
                    sent += cost;
                }
                Poll::Ready(sent)
            });
            let sent = tokio::task::spawn(sent).await.unwrap();
            assert!((1_024..1_033 + cost).contains(&sent), "batches of {size}: {sent}");
        }
    }
}
