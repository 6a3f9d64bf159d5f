//! Concurrent tasks that share a connection, and make one call after another.

use std::time::Instant;

use tokio::task::JoinSet;

use crate::Failure;
use crate::implementation::{Caller, Rpc};
use crate::report::{Announce, Done, Report};
use crate::role::{Orders, Part, Role};
use crate::workload::pair::{Pair, adapt};
use crate::workload::{Attempt, Outcome, requests};

/// Returns the number of answered calls per second.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut pair = Pair::start(attempt, Part::Responder, Part::Caller)?;
    let adapted = adapt(attempt, |count| requests::run(&mut pair, count))?;
    Ok(requests::outcome(attempt.case.section, adapted))
}

/// Runs the replying role.
pub(crate) async fn respond<R: Rpc>(role: &Role) -> Result<(), Failure> {
    R::respond(&role.place, Announce::new()).await
}

/// Runs the calling role.
pub(crate) async fn call<R: Rpc>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let caller = R::caller(&role.endpoint, role.place.size).await?;
    Report::Ready.send();
    let outstanding = role.outstanding as u64;
    while let Some(count) = orders.recv().await {
        let start = Instant::now();
        let mut callers = JoinSet::new();
        for at in 0..outstanding {
            let mut caller = caller.clone();
            let share = count / outstanding + u64::from(at < count % outstanding);
            callers.spawn(async move {
                for _ in 0..share {
                    caller.call().await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(called) = callers.join_next().await {
            called??;
        }
        Report::Done(Done { seconds: start.elapsed().as_secs_f64(), ..Done::default() }).send();
    }
    Ok(())
}
