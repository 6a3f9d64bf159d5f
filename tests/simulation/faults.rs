//! Random faults of the network.

use std::time::Duration;

use fastrand::Rng;
use tokio::time;

use crate::network::{Host, Network};

/// Disturbs the network between two hosts for a while, and repairs it.
pub(crate) async fn disturb(network: &Network, one: &Host, other: &Host, rng: &mut Rng) {
    match rng.u8(..5) {
        0 => network.cut(one, other),
        1 => network.cut_one_way(one, other),
        2 => network.cut_one_way(other, one),
        3 => network.reset(one, other),
        _ => {
            let min = Duration::from_millis(rng.u64(0..50));
            network.set_latency(min, min + Duration::from_millis(rng.u64(0..300)));
        }
    }
    pause(rng, 12_000).await;
    network.repair(one, other);
}

/// Waits up to `max_millis` milliseconds.
pub(crate) async fn pause(rng: &mut Rng, max_millis: u64) {
    time::sleep(Duration::from_millis(rng.u64(0..max_millis))).await;
}
