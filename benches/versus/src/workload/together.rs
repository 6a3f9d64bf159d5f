//! Both ends inside one process: two tasks, or two threads if calls block.

use std::thread;
use std::time::Instant;

use futures_util::FutureExt;

use crate::Failure;
use crate::case::Section;
use crate::child::Child;
use crate::implementation::{Client, Receiver, Sender, Server};
use crate::report::{Done, Report};
use crate::role::{Orders, Part};
use crate::workload::pair::{adapt, role};
use crate::workload::{Attempt, Outcome, requests};

/// Returns the rate, or the duration of a round trip.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let part = match attempt.case.section {
        Section::Latency => Part::BothRequests,
        _ => Part::BothOneWay,
    };
    let mut child = Child::spawn(&role(attempt, part)?)?;
    child.ready()?;
    let adapted = adapt(attempt, |count| {
        child.order(count)?;
        child.done()
    })?;
    Ok(requests::outcome(attempt.case.section, adapted))
}

/// Sends from a separate thread, for blocking implementations.
pub(crate) async fn one_way_in_threads<S, R>(
    (mut sender, mut receiver): (S, R),
    mut orders: Orders,
) -> Result<(), Failure>
where
    S: Sender + Send + 'static,
    R: Receiver,
{
    Report::Ready.send();
    while let Some(count) = orders.recv().await {
        let sending = thread::spawn(move || {
            sender.send(count).now_or_never().ok_or("it blocks")??;
            Ok::<_, Failure>(sender)
        });
        receiver.recv(1).await?;
        let start = Instant::now();
        receiver.recv(count - 1).await?;
        let seconds = start.elapsed().as_secs_f64();
        sender = sending.join().map_err(|_| "the sender panicked")??;
        Report::Done(Done { seconds, ..Done::default() }).send();
    }
    Ok(())
}

/// Serves in a separate thread, for blocking implementations.
pub(crate) async fn requests_in_threads<C, S>(
    (mut client, mut server): (C, S),
    mut orders: Orders,
) -> Result<(), Failure>
where
    C: Client,
    S: Server + Send + 'static,
{
    thread::spawn(move || server.serve().now_or_never());
    Report::Ready.send();
    while let Some(count) = orders.recv().await {
        Report::Done(requests::one_at_a_time(&mut client, count).await?).send();
    }
    Ok(())
}

/// The role of a process with both ends of one-way messages. It is a macro, because the tasks must
/// be `Send`.
macro_rules! one_way_in_tasks {
    ($ends:expr, $orders:expr) => {
        async move {
            let mut orders = $orders;
            let (mut sender, mut receiver) = $ends.await?;
            Report::Ready.send();
            while let Some(count) = orders.recv().await {
                let sending = tokio::spawn(async move {
                    sender.send(count).await?;
                    Ok::<_, Failure>(sender)
                });
                receiver.recv(1).await?;
                let start = Instant::now();
                receiver.recv(count - 1).await?;
                let seconds = start.elapsed().as_secs_f64();
                sender = sending.await??;
                Report::Done(Done { seconds, ..Done::default() }).send();
            }
            Ok::<_, Failure>(())
        }
    };
}
pub(crate) use one_way_in_tasks;

/// The role of a process with both ends of requests and replies.
macro_rules! requests_in_tasks {
    ($ends:expr, $orders:expr) => {
        async move {
            let mut orders = $orders;
            let (mut client, mut server) = $ends.await?;
            let serving = tokio::spawn(async move { server.serve().await });
            Report::Ready.send();
            while let Some(count) = orders.recv().await {
                let done = requests::one_at_a_time(&mut client, count).await?;
                Report::Done(done).send();
            }
            serving.abort();
            Ok::<_, Failure>(())
        }
    };
}
pub(crate) use requests_in_tasks;
