//! Reading the statistics of a requester without keeping its client alive.

use std::fmt;
use std::sync::{Arc, Weak};

use super::calls::Calls;
use super::core::RequesterCore;
use crate::rpc::RequestingSocket;
use crate::rpc::stats::RequesterStats;
use crate::socket::{StatsReader, StatsSample};
use crate::sync::Lock;

/// Reads the statistics of a requester, even after its end.
pub(crate) struct RequesterStatsReader {
    calls: Arc<Lock<Calls>>,
    /// Shared by the handles, the calls and the dispatcher, and by nothing else that changes a
    /// counter.
    core: Weak<dyn Send + Sync>,
}

impl RequesterStatsReader {
    pub(super) fn new<S: RequestingSocket>(core: &Arc<RequesterCore<S>>) -> Self {
        let calls = Arc::clone(&core.calls);
        let core: Weak<RequesterCore<S>> = Arc::downgrade(core);
        Self { calls, core }
    }
}

impl StatsReader<RequesterStats> for RequesterStatsReader {
    fn read(&self) -> StatsSample<RequesterStats> {
        // Checked first: statistics that are read after the last owner is gone are final.
        let has_ended = self.core.strong_count() == 0;
        let stats = self.calls.lock().stats();
        if has_ended { StatsSample::Final(stats) } else { StatsSample::Live(stats) }
    }
}

impl fmt::Debug for RequesterStatsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequesterStatsReader").finish_non_exhaustive()
    }
}
