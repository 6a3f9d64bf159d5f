//! One-way messages at full speed, from one client or from many.

use std::time::Instant;

use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;

use crate::Failure;
use crate::case::Metric;
use crate::implementation::{OneWay, Receiver, Sender};
use crate::report::{Announce, Done, Report};
use crate::role::{Orders, Part, Role};
use crate::workload::pair::{Pair, adapt};
use crate::workload::{Attempt, Outcome};

/// Returns the number of messages per second.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut pair = Pair::start(attempt, Part::Receiver, Part::Sender)?;
    let adapted = adapt(attempt, |count| run(&mut pair, count))?;
    let values = vec![(Metric::Rate, adapted.rate)];
    Ok(Outcome { values, rate: Some(adapted.rate_to_come) })
}

/// Transfers `count` messages.
pub(crate) fn run(pair: &mut Pair, count: u64) -> Result<Done, Failure> {
    pair.bound.order(count)?;
    pair.connected.order(count)?;
    pair.connected.done()?;
    pair.bound.done()
}

/// Runs the receiving role, which measures the time from the first message to the last.
pub(crate) async fn receive<M: OneWay>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut receiver = M::receiver(&role.place, Announce::new()).await?;
    while let Some(count) = orders.recv().await {
        receiver.recv(1).await?;
        let start = Instant::now();
        receiver.recv(count - 1).await?;
        Report::Done(Done { seconds: start.elapsed().as_secs_f64(), ..Done::default() }).send();
    }
    Ok(())
}

/// Runs the sending role, with a socket for each client. Every socket sends an equal share.
pub(crate) async fn send<M: OneWay>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut senders = Vec::new();
    for _ in 0..role.place.connections {
        senders.push(M::sender(&role.endpoint, role.place.size).await?);
    }
    Report::Ready.send();
    while let Some(count) = orders.recv().await {
        let each = count / senders.len() as u64;
        match senders.as_mut_slice() {
            [alone] => alone.send(each).await?,
            many if M::BLOCKS => in_bursts(many, each).await?,
            many => {
                let all: FuturesUnordered<_> = many.iter_mut().map(|s| s.send(each)).collect();
                all.try_collect::<()>().await?;
            }
        }
        Report::Done(Done::default()).send();
    }
    Ok(())
}

/// Sends in bursts from one thread, which each of the sockets may block.
async fn in_bursts<S: Sender>(senders: &mut [S], each: u64) -> Result<(), Failure> {
    let mut left = each;
    while left > 0 {
        let burst = left.min(BURST);
        for sender in &mut *senders {
            sender.send(burst).await?;
        }
        left -= burst;
    }
    Ok(())
}

/// A tenth of the capacity of the queues at both ends.
const BURST: u64 = 100;
