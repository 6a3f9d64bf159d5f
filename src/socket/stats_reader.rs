//! Reading the statistics of a socket without keeping it alive.

use std::sync::{Arc, Weak};

use super::stats;
use crate::driver::SocketState;
use crate::remotes::RemoteTable;
use crate::routing::Losses;
use crate::stats::{EndedRemotes, Queued, Stats};

/// Reads the statistics of a socket, even after its end.
#[derive(Debug)]
pub(crate) struct StatsReader {
    remotes: Arc<RemoteTable>,
    losses: Arc<Losses>,
    /// Shared by everything that can still change a counter: the handles, the driver, and the tasks
    /// of endpoints and connections.
    shared: Weak<SocketState>,
}

/// The statistics that a [`StatsReader`] has read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StatsSample {
    /// The socket has ended, and the statistics never change again.
    Final(Stats),
    Live(Stats),
}

impl StatsReader {
    pub(super) fn new(shared: &Arc<SocketState>) -> Self {
        Self {
            remotes: Arc::clone(&shared.remotes),
            losses: Arc::clone(&shared.routing.losses),
            shared: Arc::downgrade(shared),
        }
    }

    pub(crate) fn read(&self) -> StatsSample {
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
