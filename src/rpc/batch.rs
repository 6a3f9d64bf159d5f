//! How much the tasks that receive requests or replies take at a time.

/// The maximum number of messages that are received under one lock.
pub(super) const BATCH: usize = 256;

/// The maximum number of batches before the task yields.
pub(super) const BATCHES_PER_WAKE: usize = 16;
