//! Calls, each of which is a task.

use tokio::task::JoinSet;

use crate::Failure;
use crate::implementation::{Caller, Rpc};
use crate::report::{Done, Report};
use crate::role::{Orders, Role};
use crate::ticks::Ticks;
use crate::workload::load::schedule::Schedule;
use crate::workload::load::tally::Tally;
use crate::workload::load::{OUTSTANDING_MAX, Pace};

/// Runs the calling role. Each command is a rate, followed by a number of calls.
pub(crate) async fn call<R: Rpc>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let caller = R::caller(&role.endpoint, role.place.size).await?;
    let mut ticks = Ticks::new()?;
    Report::Ready.send();
    while let Some(rate) = orders.recv().await {
        let Some(count) = orders.recv().await else { break };
        Report::Done(Pace { rate, count }.keep_calling(&caller, &mut ticks).await?).send();
    }
    Ok(())
}

impl Pace {
    /// Makes all calls.
    async fn keep_calling<C: Caller>(self, caller: &C, ticks: &mut Ticks) -> Result<Done, Failure> {
        let Self { rate, count } = self;
        let mut schedule = Schedule::new(rate, count);
        let mut tally = Tally::new(&schedule)?;
        schedule.start();
        let schedule = schedule;
        ticks.start()?;
        let mut calls = JoinSet::new();
        let mut sent = 0;
        while tally.answered() < count {
            let now = schedule.now();
            let most = count.min(tally.answered() + OUTSTANDING_MAX);
            let mut due = schedule.due(sent);
            while sent < most && due <= now {
                let mut caller = caller.clone();
                calls.spawn(async move {
                    caller.call().await?;
                    Ok::<_, Failure>((due, schedule.now()))
                });
                sent += 1;
                due = schedule.due(sent);
            }
            tokio::select! {
                biased;
                Some(called) = calls.join_next() => {
                    let (due, now) = called??;
                    tally.add(due, now);
                    while let Some(called) = calls.try_join_next() {
                        let (due, now) = called??;
                        tally.add(due, now);
                    }
                }
                ticked = ticks.next() => ticked?,
            }
        }
        ticks.stop()?;
        tally.done()
    }
}
