//! Cooperative scheduling.

use std::cell::Cell;
use std::task::{Context, Poll};

use tokio::task::coop::{self, RestoreOnPending};

/// Accounts for one message in Tokio's cooperative scheduling: a task that always finds a message, or
/// capacity for one, would never let other tasks of its thread run.
///
/// Only every eighth message takes a unit of the task budget of 128 operations. Yielding
/// costs as much as about ten messages and, if there are more threads, wakes one.
#[must_use]
pub(super) struct CoopBudget(Option<RestoreOnPending>);

/// Pending if the task has to yield first.
#[inline]
pub(super) fn poll_turn(cx: &mut Context<'_>) -> Poll<CoopBudget> {
    if UNPAID.get() < PAID_TOGETHER {
        return Poll::Ready(CoopBudget(None));
    }
    coop::poll_proceed(cx).map(|operation| CoopBudget(Some(operation)))
}

/// Returns `None` if the task may have to yield first.
#[inline]
pub(super) fn try_turn() -> Option<CoopBudget> {
    (UNPAID.get() < PAID_TOGETHER).then_some(CoopBudget(None))
}

impl CoopBudget {
    /// Records that the message has passed.
    #[inline]
    pub(super) fn used(self) {
        match self.0 {
            None => UNPAID.set(UNPAID.get() + 1),
            Some(operation) => {
                operation.made_progress();
                UNPAID.set(1);
            }
        }
    }
}

thread_local! {
    /// The number of messages since the last unit was taken, of all tasks of this thread.
    static UNPAID: Cell<u8> = const { Cell::new(0) };
}

/// The number of messages for one unit of the budget.
const PAID_TOGETHER: u8 = 8;
