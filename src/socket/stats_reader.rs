//! Reading statistics without keeping alive what they describe.

use std::fmt;
use std::sync::{Arc, Weak};

use super::stats;
use crate::driver::SocketState;
use crate::remotes::RemoteTable;
use crate::routing::Losses;
use crate::stats::{EndedRemotes, Queued, Stats};

/// Reads statistics, even after the end of what they describe.
pub(crate) trait StatsReader<T>: fmt::Debug + Send + Sync {
    fn read(&self) -> StatsSample<T>;
}

/// Reads the statistics of a socket.
#[derive(Debug)]
pub(crate) struct SocketStatsReader {
    remotes: Arc<RemoteTable>,
    losses: Arc<Losses>,
    /// Shared by everything that can still change a counter: the handles, the driver, and the tasks
    /// of endpoints and connections.
    shared: Weak<SocketState>,
}

/// The statistics that a [`StatsReader`] has read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StatsSample<T> {
    /// They never change again.
    Final(T),
    Live(T),
}

impl SocketStatsReader {
    pub(super) fn new(shared: &Arc<SocketState>) -> Self {
        Self {
            remotes: Arc::clone(&shared.remotes),
            losses: Arc::clone(&shared.routing.losses),
            shared: Arc::downgrade(shared),
        }
    }
}

impl StatsReader<Stats> for SocketStatsReader {
    fn read(&self) -> StatsSample<Stats> {
        // Checked first: statistics that are read after the last owner is gone are final.
        let Some(shared) = self.shared.upgrade() else {
            let (queued, ended) = (Queued::default(), EndedRemotes::default());
            let stats = stats::combine(&self.remotes, &self.losses, queued, ended);
            return StatsSample::Final(Stats { connected: 0, ..stats });
        };
        let routing = &shared.routing;
        StatsSample::Live(stats::combine(
            &self.remotes,
            &self.losses,
            routing.queued(None),
            routing.ended(),
        ))
    }
}
