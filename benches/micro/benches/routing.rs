//! Times the choice of a remote among 1, 10 and 1,000.

mod timing;

use criterion::Criterion;
use micro::benchmarks::{FairQueuePop, MESSAGES, RoundRobinSend, RoutingTableSend};

use self::timing::time;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for remotes in [1, 10, 1_000] {
        let round = RoundRobinSend::new(remotes);
        time(&mut criterion, &format!("round_robin_try_send/{remotes}"), MESSAGES, round);
        let round = RoutingTableSend::new(remotes);
        time(&mut criterion, &format!("routing_table_try_send/{remotes}"), MESSAGES, round);
        let round = FairQueuePop::new(remotes);
        time(&mut criterion, &format!("fair_queue_pop/{remotes}"), MESSAGES, round);
    }
    criterion.final_summary();
}
