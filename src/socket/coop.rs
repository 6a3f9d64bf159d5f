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
    coop::poll_proceed(cx).map(|operation| CoopBudget(Some(operation)))
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
        match self.0 {
            None => UNCHARGED.set(UNCHARGED.get() + 1),
            Some(operation) => {
                operation.made_progress();
                UNCHARGED.set(1);
            }
        }
    }
}

thread_local! {
    /// The number of messages since the last unit was taken, of all tasks of this thread.
    static UNCHARGED: Cell<u8> = const { Cell::new(0) };
}

/// The number of messages that cost one unit of the task budget.
const MESSAGES_PER_OPERATION: u8 = 8;
