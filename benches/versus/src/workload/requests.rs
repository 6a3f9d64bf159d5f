//! Requests and replies: one at a time, each timed, or several concurrently.

use std::time::Instant;

use crate::Failure;
use crate::case::{Metric, Section};
use crate::implementation::{Client, Messaging, Server};
use crate::report::{Announce, Done, Report};
use crate::role::{Orders, Part, Role};
use crate::statistics;
use crate::workload::pair::{Adapted, Pair, adapt};
use crate::workload::{Attempt, Outcome};

/// Returns the duration of a round trip, or the number of round trips per second.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut pair = Pair::start(attempt, Part::Server, Part::Client)?;
    let adapted = adapt(attempt, |count| run(&mut pair, count))?;
    Ok(outcome(attempt.case.section, adapted))
}

/// Completes `count` requests.
pub(crate) fn run(pair: &mut Pair, count: u64) -> Result<Done, Failure> {
    pair.connected.order(count)?;
    pair.connected.done()
}

/// Returns the values that a section reports.
pub(crate) fn outcome(section: Section, adapted: Adapted) -> Outcome {
    let Adapted { done, rate, rate_to_come, .. } = adapted;
    let values = match (section, done.median, done.p99) {
        (Section::Latency | Section::Req, Some(median), Some(p99)) => {
            vec![(Metric::Median, median), (Metric::P99, p99)]
        }
        _ => vec![(Metric::Rate, rate)],
    };
    Outcome { values, rate: Some(rate_to_come) }
}

/// Runs the replying role.
pub(crate) async fn serve<M: Messaging>(role: &Role) -> Result<(), Failure> {
    let mut server = M::server(&role.place, Announce::new()).await?;
    server.serve().await
}

/// Runs the requesting role.
pub(crate) async fn make<M: Messaging>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut client = M::client(&role.endpoint, role.place.size).await?;
    Report::Ready.send();
    while let Some(count) = orders.recv().await {
        let done = match role.outstanding {
            0 | 1 => one_at_a_time(&mut client, count).await?,
            outstanding => several(&mut client, count, outstanding as u64).await?,
        };
        Report::Done(done).send();
    }
    Ok(())
}

/// Sends one request after another.
pub(crate) async fn one_at_a_time<C: Client>(client: &mut C, count: u64) -> Result<Done, Failure> {
    let mut trips = Vec::with_capacity(usize::try_from(count)?);
    let start = Instant::now();
    for _ in 0..count {
        let start = Instant::now();
        client.send().await?;
        client.flush().await?;
        client.recv().await?;
        trips.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let seconds = start.elapsed().as_secs_f64();
    trips.sort_unstable_by(f64::total_cmp);
    Ok(Done {
        seconds,
        median: statistics::quantile(&trips, 0.5),
        p99: statistics::quantile(&trips, 0.99),
        ..Done::default()
    })
}

/// Keeps `outstanding` requests in flight, and sends new ones after receiving the available
/// replies.
async fn several<C: Client>(client: &mut C, count: u64, outstanding: u64) -> Result<Done, Failure> {
    let (mut sent, mut answered) = (0, 0);
    let start = Instant::now();
    while answered < count {
        while sent < count && sent - answered < outstanding {
            client.send().await?;
            sent += 1;
        }
        client.flush().await?;
        client.recv().await?;
        answered += 1;
        while answered < sent && client.try_recv()? {
            answered += 1;
        }
    }
    Ok(Done { seconds: start.elapsed().as_secs_f64(), ..Done::default() })
}
