//! Time limits of operations.

use std::task::{Context, Poll};
use std::time::Duration;

use crate::runtime::{Runtime, Timer};

/// The time limit of one wait. Its timer is created when the operation has to wait.
#[derive(Debug)]
pub(super) struct TimeLimit {
    /// `None` means no limit.
    length: Option<Duration>,
    timer: Timer,
}

impl TimeLimit {
    #[inline]
    pub(super) const fn new(length: Option<Duration>) -> Self {
        Self { length, timer: None }
    }

    /// Returns whether the operation must not wait at all.
    pub(super) fn is_zero(&self) -> bool {
        self.length.is_some_and(|length| length.is_zero())
    }

    /// Returns whether there is a limit.
    pub(super) const fn is_limited(&self) -> bool {
        self.length.is_some()
    }

    /// Restarts the limit for another wait.
    pub(super) fn reset(&mut self) {
        self.timer = None;
    }

    /// Waits until the limit expires. An operation polls it only after it has found that it must
    /// wait.
    #[cold]
    pub(super) fn poll(&mut self, runtime: &Runtime, cx: &mut Context<'_>) -> Poll<()> {
        let Some(length) = self.length else { return Poll::Pending };
        if length.is_zero() {
            return Poll::Ready(());
        }
        runtime.poll_sleep(&mut self.timer, length, cx)
    }
}
