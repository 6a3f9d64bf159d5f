//! Runs of scenarios.

use std::env;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time;

use crate::network::Network;

/// Runs a scenario over a network whose random numbers, like those of the sockets, come from `seed`.
/// Returns the [trace](Network::trace).
pub(crate) fn run<F: Future<Output = ()>>(
    seed: u64,
    scenario: impl FnOnce(Network) -> F,
) -> Vec<String> {
    let _report = Report(seed);
    // The tasks of a socket run in this thread, too, whose generator they use.
    fastrand::seed(seed);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let network = Network::new(seed);
        let ended = time::timeout(LIMIT, scenario(network.clone())).await;
        assert!(ended.is_ok(), "the scenario hangs");
        network.trace()
    })
}

/// Returns the seeds of a random test: `SEED` in the environment, or as many as `SEEDS`.
pub(crate) fn seeds() -> Vec<u64> {
    let variable = |name| env::var(name).ok().map(|value| value.parse().unwrap());
    variable("SEED")
        .map_or_else(|| (0..variable("SEEDS").unwrap_or(SEEDS)).collect(), |seed: u64| vec![seed])
}

/// Prints the seed of a run that fails.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("SEED={}", self.0);
        }
    }
}

/// The virtual time after which a scenario hangs.
const LIMIT: Duration = Duration::from_secs(24 * 3_600);

/// As many as take a few seconds.
const SEEDS: u64 = 200;
