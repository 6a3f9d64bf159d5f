//! How long an operation may wait.

use std::task::{Context, Poll};
use std::time::Duration;

use crate::runtime::{Runtime, Timer};

/// A limit on one wait. Its timer is made when there is something to wait for.
#[derive(Debug)]
pub(super) struct TimeLimit {
    /// Nothing for any time.
    length: Option<Duration>,
    timer: Timer,
}

impl TimeLimit {
    #[inline]
    pub(super) const fn new(length: Option<Duration>) -> Self {
        Self { length, timer: None }
    }

    /// Restarts, for another wait.
    pub(super) fn reset(&mut self) {
        self.timer = None;
    }

    /// Ready when the wait is over. Whoever waits asks this after it has found that it has to.
    #[cold]
    pub(super) fn poll(&mut self, runtime: &Runtime, cx: &mut Context<'_>) -> Poll<()> {
        let Some(length) = self.length else { return Poll::Pending };
        if length.is_zero() {
            return Poll::Ready(());
        }
        runtime.poll_sleep(&mut self.timer, length, cx)
    }
}
