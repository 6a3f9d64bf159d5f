//! How long an operation may wait.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{self, Sleep};

/// A limit on one wait. Its timer is made when there is something to wait for.
#[derive(Debug)]
pub(super) struct Limit {
    /// Nothing for any time.
    length: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Limit {
    #[inline]
    pub(super) const fn new(length: Option<Duration>) -> Self {
        Self { length, timer: None }
    }

    /// Ready when the wait is over. Whoever waits asks this after it has found that it has to.
    #[cold]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(length) = self.length else { return Poll::Pending };
        if length.is_zero() {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(time::sleep(length)));
        timer.as_mut().poll(cx)
    }
}
