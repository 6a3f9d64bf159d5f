//! The memory of idle connections.

use std::thread;
use std::time::Duration;

use crate::Failure;
use crate::case::Metric;
use crate::implementation::{OneWay, Sender};
use crate::report::{Done, Report};
use crate::role::{Orders, Part, Role};
use crate::workload::pair::Pair;
use crate::workload::{Attempt, Outcome};

/// Returns the memory of a connection at each end.
///
/// One message has passed over each connection. The first tenth of the connections is not counted,
/// which excludes the memory of the sockets themselves.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut pair = Pair::start(attempt, Part::Receiver, Part::Holder)?;
    let all = attempt.case.clients as u64;
    let first = all / 10;
    pair.bound.order(all)?;
    pair.connected.order(first)?;
    pair.connected.done()?;
    let (server_before, client_before) = rest(&mut pair)?;
    pair.connected.order(all - first)?;
    pair.connected.done()?;
    pair.bound.done()?;
    let (server, client) = rest(&mut pair)?;
    let each = (all - first) as f64;
    Ok(Outcome {
        values: vec![
            (Metric::ServerMemory, (server - server_before) / each),
            (Metric::ClientMemory, (client - client_before) / each),
        ],
        rate: None,
    })
}

/// Establishes the requested connections and sends one message over each.
pub(crate) async fn hold<M: OneWay>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut held = Vec::new();
    Report::Ready.send();
    while let Some(count) = orders.recv().await {
        let mut senders =
            M::senders(&role.endpoint, role.place.size, usize::try_from(count)?).await?;
        let each = count / senders.len() as u64;
        for sender in &mut senders {
            sender.send(each).await?;
        }
        held.push(senders);
        Report::Done(Done::default()).send();
    }
    Ok(())
}

/// Returns the resident memory of the server and of the client in bytes, after a pause.
fn rest(pair: &mut Pair) -> Result<(f64, f64), Failure> {
    thread::sleep(REST);
    Ok((pair.bound.used()?.memory, pair.connected.used()?.memory))
}

/// The time in which idle implementations may release memory.
const REST: Duration = Duration::from_millis(500);
