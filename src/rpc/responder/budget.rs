//! The limit of bytes that are kept for one remote outside its queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::message::Message;

/// A limit of the bytes of replies and parts that wait for queue capacity of a remote, or for
/// credit.
#[derive(Debug)]
pub(super) struct Budget {
    left: Arc<Semaphore>,
    all: u32,
    /// The length of the longest part of a stream so far. The next part is assumed to be as long.
    longest: AtomicUsize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        let all = u32::try_from(bytes.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let left = Arc::new(Semaphore::new(all as usize));
        Self { left, all, longest: AtomicUsize::new(1) }
    }

    /// Reserves the cost of a message; `None` if the rest of the budget is too small. A message
    /// that exceeds the whole budget costs all of it, so that it is kept if it is the only one.
    pub(super) fn try_keep(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.left).try_acquire_many_owned(self.price(bytes)).ok()
    }

    /// Records the length of a part.
    pub(super) fn note(&self, bytes: usize) {
        self.longest.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Returns whether another part could be kept.
    pub(super) fn has_room(&self) -> bool {
        self.left.available_permits() >= self.price(self.longest()) as usize
    }

    /// Reserves the likely cost of another part, as soon as the budget suffices.
    pub(super) async fn keep_next(&self) -> OwnedSemaphorePermit {
        let price = self.price(self.longest());
        Arc::clone(&self.left)
            .acquire_many_owned(price)
            .await
            .expect("the semaphore is never closed")
    }

    /// Reserves the rest of the cost of a message, part of which may be reserved already; `None` if
    /// the rest of the budget is too small.
    pub(super) fn try_keep_more(
        &self,
        kept: Option<OwnedSemaphorePermit>,
        bytes: usize,
    ) -> Option<OwnedSemaphorePermit> {
        let Some(mut kept) = kept else { return self.try_keep(bytes) };
        let more = (self.price(bytes) as usize).saturating_sub(kept.num_permits());
        kept.merge(self.try_keep(more)?);
        Some(kept)
    }

    fn longest(&self) -> usize {
        self.longest.load(Ordering::Relaxed)
    }

    fn price(&self, bytes: usize) -> u32 {
        // A short message takes no memory in addition to that of its job.
        let bytes = if bytes <= Message::SHORT { 0 } else { bytes };
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_of_any_length_is_kept_and_excludes_others() {
        let budget = Budget::new(1_000);
        let kept = budget.try_keep(10_000).unwrap();
        assert!(budget.try_keep(100).is_none());
        drop(kept);
        let _kept = [600, 400].map(|bytes| budget.try_keep(bytes).unwrap());
        assert!(budget.try_keep(100).is_none());
        assert!(budget.try_keep(Message::SHORT).is_some(), "a short message costs nothing");
    }

    #[test]
    fn the_next_part_is_assumed_to_be_as_long_as_the_longest() {
        let budget = Budget::new(1_000);
        budget.note(500);
        budget.note(300);
        let kept = budget.try_keep(600);
        assert!(!budget.has_room());
        drop(kept);
        assert!(budget.has_room());
    }
}
