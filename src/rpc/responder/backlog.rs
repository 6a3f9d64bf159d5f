//! Messages that wait for queue capacity of their remote.

use std::collections::VecDeque;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::counters::Count;
use super::job_id::JobId;
use crate::message::Message;

/// A message that waits for queue capacity.
#[derive(Debug)]
pub(super) struct BacklogEntry {
    pub(super) id: JobId,
    pub(super) message: Message,
    pub(super) next_step: NextStep,
    /// Its share of the bytes that may be kept for its remote.
    pub(super) kept: Option<OwnedSemaphorePermit>,
}

/// The messages that wait for one remote, in order.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Distinguishes it from earlier backlogs of the same pipe.
    pub(super) number: u64,
    pub(super) entries: VecDeque<BacklogEntry>,
}

/// The next step when a message has been queued.
#[derive(Debug)]
pub(super) enum NextStep {
    /// The job is over, with this outcome.
    Answer(Count),
    /// The stream continues.
    Part(oneshot::Sender<()>),
    /// Nothing: the request had already ended.
    Notice,
}

impl BacklogEntry {
    #[cfg(test)]
    pub(super) const fn notice(id: JobId) -> Self {
        Self { id, message: Message::new(), next_step: NextStep::Notice, kept: None }
    }
}
