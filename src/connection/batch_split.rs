//! Splits large batches of requests, so that both ends work concurrently.

use std::mem;

/// Limits the number of messages of a read that are delivered at a time.
///
/// A remote that sends all its requests together waits for all replies together: one end would work
/// while the other sleeps. Half of such a batch is therefore delivered first, and the rest when
/// half of that is received: the first replies are written while later requests are processed. From
/// then on, replies are being written when requests arrive, and batches are no longer split.
#[derive(Debug)]
pub(super) struct BatchSplit {
    /// The limit in messages.
    limit: usize,
    /// Whether a message was written since the last read.
    has_written: bool,
}

impl BatchSplit {
    pub(super) const fn new() -> Self {
        Self { limit: usize::MAX, has_written: false }
    }

    /// Records that messages were written.
    pub(super) fn handle_written(&mut self) {
        self.has_written = true;
    }

    /// Records that messages were read; `is_waiting` returns whether the remote has received
    /// everything that is queued for it.
    pub(super) fn handle_read(&mut self, messages: usize, is_waiting: impl FnOnce() -> bool) {
        let answers = mem::take(&mut self.has_written);
        let parts = answers && messages >= PARTED && is_waiting();
        self.limit = if parts { messages.div_ceil(2) } else { usize::MAX };
    }

    /// Returns the number of messages to deliver.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns whether there is a limit. Reading continues while there is one: a slow receiver must
    /// not delay replies to the remote's heartbeats before the queue is full.
    pub(super) const fn is_limited(&self) -> bool {
        self.limit != usize::MAX
    }
}

/// Below this number of messages a second write costs more than it gains.
const PARTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_batches_of_waiting_remotes_are_split() {
        let mut split = BatchSplit::new();
        split.handle_read(100, || true);
        assert!(!split.is_limited(), "nothing was written before");
        split.handle_written();
        split.handle_read(100, || false);
        assert!(!split.is_limited(), "there was something to be written");
        split.handle_written();
        split.handle_read(101, || true);
        assert_eq!(split.limit(), 51);
        split.handle_read(100, || true);
        assert!(!split.is_limited());
    }
}
