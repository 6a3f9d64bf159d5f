//! Connections that are established, used for one request, and closed.

use std::time::Instant;

use futures_util::future;

use crate::Failure;
use crate::case::Metric;
use crate::implementation::{Client, Messaging};
use crate::report::{Done, Report};
use crate::role::{Orders, Part, Role};
use crate::workload::pair::{Pair, adapt};
use crate::workload::{Attempt, Outcome, requests};

/// Returns the number of connections per second, and the server's processor time for each.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut pair = Pair::start(attempt, Part::Server, Part::Visitors)?;
    let adapted = adapt(attempt, |count| requests::run(&mut pair, count))?;
    let count = adapted.count;
    let before = pair.bound.used()?.processor;
    requests::run(&mut pair, count)?;
    let used = pair.bound.used()?.processor - before;
    let values = vec![(Metric::Handshake, used * 1e6 / count as f64), (Metric::Rate, adapted.rate)];
    Ok(Outcome { values, rate: Some(adapted.rate_to_come) })
}

/// Establishes connections, a few at a time, and makes one request over each.
pub(crate) async fn visit<M: Messaging>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let concurrent = role.place.connections;
    Report::Ready.send();
    while let Some(count) = orders.recv().await {
        let start = Instant::now();
        for _ in 0..count.div_ceil(concurrent as u64) {
            let connecting = (0..concurrent).map(|_| M::client(&role.endpoint, role.place.size));
            let mut clients = future::try_join_all(connecting).await?;
            for client in &mut clients {
                client.send().await?;
                client.flush().await?;
            }
            for client in &mut clients {
                client.recv().await?;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        Report::Done(Done { seconds, ..Done::default() }).send();
    }
    Ok(())
}
