//! How much of what was read at once is handed on at once.

use std::mem;

/// Lets both ends work at the same time.
///
/// A remote that has sent all its requests together waits for all the answers together, and then one end
/// works while the other sleeps. So half of what such a remote has sent is handed on first, and the rest
/// when half of that is received: the answers to the first go out while the others are worked on. From then
/// on there are answers to be written when more arrives, and nothing has to be parted.
#[derive(Debug)]
pub(super) struct BatchSplit {
    /// In messages.
    limit: usize,
    /// Whether anything was written since something was read.
    has_written: bool,
}

impl BatchSplit {
    pub(super) const fn new() -> Self {
        Self { limit: usize::MAX, has_written: false }
    }

    /// Takes note that messages were written.
    pub(super) fn handle_written(&mut self) {
        self.has_written = true;
    }

    /// Takes note that messages were read; `is_waiting` tells whether the remote has got all that there
    /// is for it.
    pub(super) fn handle_read(&mut self, messages: usize, is_waiting: impl FnOnce() -> bool) {
        let answers = mem::take(&mut self.has_written);
        let parts = answers && messages >= PARTED && is_waiting();
        self.limit = if parts { messages.div_ceil(2) } else { usize::MAX };
    }

    /// How many messages are handed on at once.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Whether there is a limit. While there is, the reading goes on: whoever is slow to receive must not
    /// keep the remote's heartbeats from being answered before the queue is full.
    pub(super) const fn is_limited(&self) -> bool {
        self.limit != usize::MAX
    }
}

/// For fewer messages than that, one more write costs more than is won.
const PARTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_waiting_remote_sent_is_parted() {
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
