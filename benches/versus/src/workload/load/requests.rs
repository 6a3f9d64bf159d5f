//! Stamped requests of one socket.

use crate::Failure;
use crate::implementation::stamped::{Stamp, Stamped, StampedClient};
use crate::report::{Done, Report};
use crate::role::{Orders, Role};
use crate::ticks::{TICK, Ticks};
use crate::workload::load::OUTSTANDING_MAX;
use crate::workload::load::schedule::Schedule;
use crate::workload::load::tally::Tally;

/// Runs the requesting role. Each command is a rate, followed by a number of requests.
pub(crate) async fn ask<S: Stamped>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut client = S::client(&role.endpoint, role.place.connections).await?;
    let mut ticks = Ticks::new()?;
    Report::Ready.send();
    while let Some(rate) = orders.recv().await {
        let Some(count) = orders.recv().await else { break };
        Report::Done(Pace { rate, count }.keep(&mut client, &mut ticks).await?).send();
    }
    Ok(())
}

/// A number of requests at a rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Requests per second, or zero for a closed loop.
    pub(crate) rate: u64,
    pub(crate) count: u64,
}

impl Pace {
    /// Sends all requests and receives all replies, with one task.
    ///
    /// It reads the clock for each reply, and sends due requests at most once in each tick while
    /// replies arrive, so that they are written together.
    pub(crate) async fn keep<C: StampedClient>(
        self,
        client: &mut C,
        ticks: &mut Ticks,
    ) -> Result<Done, Failure> {
        let Self { rate, count } = self;
        let mut schedule = Schedule::new(rate, count);
        let mut tally = Tally::new(&schedule)?;
        schedule.start();
        let schedule = schedule;
        ticks.start()?;
        let mut sent = 0;
        while tally.answered() < count {
            let now = schedule.now();
            let most = count.min(tally.answered() + OUTSTANDING_MAX);
            let first = sent;
            let mut due = schedule.due(sent);
            while sent < most && due <= now {
                client.send(Stamp { due, ..Stamp::default() }).await?;
                sent += 1;
                due = schedule.due(sent);
            }
            if sent > first {
                client.flush().await?;
            }
            let Some(reply) = client.recv_or(ticks).await? else { continue };
            tally.add(reply.due, schedule.now());
            let again = due.max(now + TICK.as_nanos() as u64);
            while let Some(reply) = client.try_recv()? {
                let now = schedule.now();
                tally.add(reply.due, now);
                if now >= again {
                    break;
                }
            }
        }
        ticks.stop()?;
        tally.done()
    }
}
