//! Detects that a busy connection has become idle.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{self, Instant, Sleep};

/// Costs nothing for a few short messages, and otherwise one timer that fires occasionally.
#[derive(Debug, Default)]
pub(super) struct IdleDetector {
    /// Whether there was much traffic since the timer was set.
    is_busy: bool,
    /// Present while there was much traffic recently.
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleDetector {
    /// Records the bytes of one read or write.
    pub(super) fn handle_bytes(&mut self, bytes: usize) {
        self.is_busy |= bytes > FEW;
    }

    /// Ready, once, when a busy connection has had little traffic for a while.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.timer {
            Some(timer) => timer,
            None if mem::take(&mut self.is_busy) => {
                self.timer.insert(Box::pin(time::sleep(QUIET_AFTER)))
            }
            None => return Poll::Pending,
        };
        while timer.as_mut().poll(cx).is_ready() {
            if !mem::take(&mut self.is_busy) {
                self.timer = None;
                return Poll::Ready(());
            }
            timer.as_mut().reset(Instant::now() + QUIET_AFTER);
        }
        Poll::Pending
    }
}

/// Reads and writes up to this size need no buffer that should be released.
const FEW: usize = 0x1000;

/// The time after which buffers are not expected to be needed again.
const QUIET_AFTER: Duration = Duration::from_secs(1);
