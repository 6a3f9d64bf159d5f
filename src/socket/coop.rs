//! Giving way to other tasks.

use std::cell::Cell;
use std::task::{Context, Poll};

use tokio::task::coop::{self, RestoreOnPending};

/// Lets one message pass, as part of Tokio's cooperative scheduling: a task that always finds a message, or
/// room for one, would never let others of its thread run.
///
/// Only every eighth message is paid for from the task's budget, which lasts for 128 operations. Giving
/// way costs as much as some ten messages and, if there are more threads, wakes one.
#[must_use]
pub(super) struct CoopBudget(Option<RestoreOnPending>);

/// Pending if the task has to give way first.
#[inline]
pub(super) fn poll_turn(cx: &mut Context<'_>) -> Poll<CoopBudget> {
    if UNPAID.get() < PAID_TOGETHER {
        return Poll::Ready(CoopBudget(None));
    }
    coop::poll_proceed(cx).map(|operation| CoopBudget(Some(operation)))
}

/// Nothing if the task may have to give way first.
#[inline]
pub(super) fn try_turn() -> Option<CoopBudget> {
    (UNPAID.get() < PAID_TOGETHER).then_some(CoopBudget(None))
}

impl CoopBudget {
    /// Tells that the message has passed.
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
    /// How many messages have passed since one was paid for, of all tasks of this thread.
    static UNPAID: Cell<u8> = const { Cell::new(0) };
}

/// How many messages are one operation.
const PAID_TOGETHER: u8 = 8;
