//! The statistics of a socket as a whole.

use crate::remotes::RemoteTable;
use crate::routing::Losses;
use crate::stats::{EndedRemotes, Queued, Stats};

/// Combines counters that are kept in several places.
pub(super) fn combine(
    remotes: &RemoteTable,
    losses: &Losses,
    queued: Queued,
    ended: EndedRemotes,
) -> Stats {
    let (sum, connected) = remotes.stats();
    let (redirected, returned) = losses.recovered();
    Stats {
        sent: sum.sent,
        received: sum.received,
        dropped: losses.read(),
        queued,
        ended,
        connected,
        reconnects: sum.reconnects,
        refused: remotes.refused(),
        redirected,
        returned,
    }
}
