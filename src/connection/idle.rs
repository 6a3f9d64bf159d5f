//! Notices that a connection over which much has passed has become quiet.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{self, Instant, Sleep};

/// Costs nothing where messages are few and short, and elsewhere one timer that goes off once in a
/// while.
#[derive(Debug, Default)]
pub(super) struct IdleDetector {
    /// Whether much has passed since the timer was set.
    is_busy: bool,
    /// There while much has passed lately.
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleDetector {
    /// Takes note of what has passed at once.
    pub(super) fn handle_bytes(&mut self, bytes: usize) {
        self.is_busy |= bytes > FEW;
    }

    /// Ready, once, when little has passed for a while after there was much.
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

/// So many bytes at once need no buffer that would have to be given back.
const FEW: usize = 0x1000;

/// Until then what was needed lately may be needed again.
const QUIET_AFTER: Duration = Duration::from_secs(1);
