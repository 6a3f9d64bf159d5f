//! Reading the statistics of a responder without keeping its server alive.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};

use super::counters::ResponderCounters;
use super::ledger::Ledger;
use crate::rpc::return_path::ReturnPath;
use crate::rpc::stats::ResponderStats;
use crate::socket::{StatsReader, StatsSample};

/// Reads the statistics of a responder, even after its end.
#[derive(Debug)]
pub(crate) struct ResponderStatsReader<P: ReturnPath> {
    counters: Arc<ResponderCounters>,
    /// Shared by everything that can still change a counter. It does not keep the server alive.
    ledger: Weak<Ledger<P>>,
}

impl<P: ReturnPath> ResponderStatsReader<P> {
    pub(super) fn new(ledger: &Arc<Ledger<P>>) -> Self {
        Self { counters: Arc::clone(&ledger.counters), ledger: Arc::downgrade(ledger) }
    }
}

impl<P: ReturnPath> StatsReader<ResponderStats> for ResponderStatsReader<P> {
    fn read(&self) -> StatsSample<ResponderStats> {
        // Checked first: statistics that are read after the last owner is gone are final.
        if let Some(ledger) = self.ledger.upgrade() {
            return StatsSample::Live(ledger.stats());
        }
        // Counters are changed without a lock. This makes the changes of the last owner visible.
        fence(Ordering::Acquire);
        StatsSample::Final(self.counters.read(0, 0))
    }
}
