//! Many connections to one server: their establishment, their memory, their requests, and their
//! return after the server has restarted.

use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::case::Metric;
use crate::child::Child;
use crate::implementation::Place;
use crate::implementation::stamped::{CROWD_LIMIT, Stamp, Stamped, StampedClient};
use crate::report::{Announce, Done, Report};
use crate::role::{Orders, Part, Role};
use crate::ticks::Ticks;
use crate::workload::awake::Awake;
use crate::workload::load::{self, Pace};
use crate::workload::pair::role;
use crate::workload::{Attempt, Outcome};

/// Returns the quantities of a crowd, in the order of their events.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let clients = attempt.case.clients as u64;
    let _awake = Awake::start(attempt)?;
    let mut role = role(attempt, Part::Census)?;
    let mut server = Child::spawn(&role)?;
    role.endpoint = server.bound()?;
    role.part = Part::Crowd;
    let mut crowd = Child::spawn(&role)?;
    crowd.ready()?;
    let before = (server.used()?.memory, crowd.used()?.memory);
    crowd.order(GATHER)?;
    let connected = crowd.done_within(CROWD_LIMIT)?.seconds;
    thread::sleep(REST);
    let after = (server.used()?.memory, crowd.used()?.memory);
    let each = |before: f64, after: f64| (after - before) / clients as f64;

    let rate = load::maximum(&mut crowd, attempt.seconds)?;
    let count = load::seconds(RATE, attempt.seconds);
    load::run(&mut crowd, RATE, count)?;
    let paced = load::run(&mut crowd, RATE, count)?;

    role.part = Part::Census;
    role.place.port = port(&role.endpoint)?;
    let mut returned = Vec::new();
    for outage in [OUTAGE, LONG_OUTAGE] {
        drop(server);
        thread::sleep(outage);
        server = Child::spawn(&role)?;
        server.bound()?;
        crowd.order(GATHER)?;
        returned.push(crowd.done_within(CROWD_LIMIT)?);
    }

    let mut values = vec![
        (Metric::Connect, connected * 1e3),
        (Metric::ServerMemory, each(before.0, after.0)),
        (Metric::ClientMemory, each(before.1, after.1)),
        (Metric::Rate, rate),
    ];
    values.extend(
        load::latency(&paced)
            .filter(|(metric, _)| matches!(metric, Metric::WindowP99 | Metric::P99)),
    );
    let metrics = [(Metric::Reconnect, Metric::Herd), (Metric::LongReconnect, Metric::LongHerd)];
    for ((time, herd), done) in metrics.into_iter().zip(returned) {
        values.push((time, done.seconds * 1e3));
        values.extend(done.received.map(|most| (herd, most as f64)));
    }
    Ok(Outcome { values, rate: None })
}

/// Runs the replying role.
pub(crate) async fn count<S: Stamped>(place: &Place) -> Result<(), Failure> {
    S::count_remotes(place, Announce::new()).await
}

/// Runs the connecting role. The first command connects. A later one waits until the server knows
/// every connection again. A rate, followed by a number of requests, sends them over all connections in
/// turn.
pub(crate) async fn gather<S: Stamped>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let connections = role.place.connections;
    let mut ticks = Ticks::new()?;
    Report::Ready.send();
    if orders.recv().await != Some(GATHER) {
        return Err("the crowd is not connected".into());
    }
    let start = Instant::now();
    let mut client = S::client(&role.endpoint, connections).await?;
    greet(&mut client, &mut ticks, connections as u64).await?;
    Report::Done(Done { seconds: start.elapsed().as_secs_f64(), ..Done::default() }).send();
    while let Some(rate) = orders.recv().await {
        if rate == GATHER {
            let start = Instant::now();
            let most = greet(&mut client, &mut ticks, connections as u64).await?;
            let seconds = start.elapsed().as_secs_f64();
            Report::Done(Done { seconds, received: Some(most), ..Done::default() }).send();
            continue;
        }
        let Some(count) = orders.recv().await else { break };
        Report::Done(Pace { rate, count }.keep(&mut client, &mut ticks).await?).send();
    }
    Ok(())
}

/// Sends a message over every connection, and waits until the server has received all of them.
/// Returns the greatest number of connections that became known to the server within a tenth of a
/// second.
///
/// A connection that loses its message as it ends needs another one. Messages are sent again if
/// no reply arrives for a while.
async fn greet<C: StampedClient>(
    client: &mut C,
    ticks: &mut Ticks,
    connections: u64,
) -> Result<u64, Failure> {
    let start = Instant::now();
    let mut tenth = 0;
    let (mut before, mut most) = (0, 0);
    ticks.start()?;
    let mut unsent = connections;
    let mut outstanding = 0_u64;
    let mut known = 0;
    let mut last = Instant::now();
    while known < connections || outstanding > 0 {
        while unsent > 0 && client.try_send(Stamp::default())? {
            unsent -= 1;
            outstanding += 1;
        }
        client.flush().await?;
        let mut reply = client.recv_or(ticks).await?;
        while let Some(stamp) = reply {
            let now = start.elapsed().as_millis() / 100;
            if now > tenth {
                (tenth, before) = (now, known);
            }
            known = stamp.remotes.max(known);
            most = most.max(known - before);
            outstanding = outstanding.saturating_sub(1);
            last = Instant::now();
            reply = client.try_recv()?;
        }
        if last.elapsed() > PATIENCE {
            if known == connections {
                // The other replies are lost.
                break;
            }
            unsent = connections;
            last = Instant::now();
        }
    }
    ticks.stop()?;
    Ok(most)
}

/// Returns the port of an endpoint.
fn port(endpoint: &str) -> Result<u16, Failure> {
    let port = endpoint.rsplit(':').next().ok_or("the endpoint has no port")?;
    Ok(port.parse()?)
}

/// The command to connect, or to wait for all connections. No rate is as high.
const GATHER: u64 = u64::MAX;

/// The rate for the latency, in requests per second.
const RATE: u64 = 10_000;

/// The time in which idle implementations may release memory.
const REST: Duration = Duration::from_millis(500);

/// The time for which the server is gone, as with `RestartSec=` of systemd by default.
const OUTAGE: Duration = Duration::from_millis(100);

/// An outage after which delays that double are much longer than the first ones.
const LONG_OUTAGE: Duration = Duration::from_secs(3);

/// The time after which messages count as lost.
const PATIENCE: Duration = Duration::from_millis(200);
