//! The counters of a responder.

use std::sync::atomic::{AtomicU64, Ordering};

use zmtp_proto::rpc::ErrorCode;

use crate::rpc::stats::ResponderStats;

/// One counter for each [`Count`].
#[derive(Debug, Default)]
pub(super) struct ResponderCounters([AtomicU64; COUNTS]);

/// A counted event. Those from `Answered` to `Duplicate` are the outcomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Received,
    Answered,
    Failed,
    Panicked,
    Overloaded,
    ShuttingDown,
    DeadlineExceeded,
    Cancelled,
    Disconnected,
    Unread,
    Duplicate,
    Malformed,
    Unknown,
    Unanswered,
}

impl ResponderCounters {
    #[inline]
    pub(super) fn add(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all counters; `waiting` and `running` are the numbers of requests without an outcome.
    pub(super) fn read(&self, waiting: u64, running: u64) -> ResponderStats {
        let read = |count: Count| self.0[count as usize].load(Ordering::Relaxed);
        ResponderStats {
            received: read(Count::Received),
            waiting,
            running,
            answered: read(Count::Answered),
            failed: read(Count::Failed),
            panicked: read(Count::Panicked),
            overloaded: read(Count::Overloaded),
            shutting_down: read(Count::ShuttingDown),
            deadline_exceeded: read(Count::DeadlineExceeded),
            cancelled: read(Count::Cancelled),
            disconnected: read(Count::Disconnected),
            unread: read(Count::Unread),
            duplicate: read(Count::Duplicate),
            malformed: read(Count::Malformed),
            unknown: read(Count::Unknown),
            unanswered: read(Count::Unanswered),
        }
    }
}

impl From<ErrorCode> for Count {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::OVERLOADED => Self::Overloaded,
            ErrorCode::SHUTTING_DOWN => Self::ShuttingDown,
            ErrorCode::DEADLINE_EXCEEDED => Self::DeadlineExceeded,
            ErrorCode::PANICKED => Self::Panicked,
            _ => Self::Failed,
        }
    }
}

const COUNTS: usize = Count::Unanswered as usize + 1;
