//! Clients of the server that is attacked.

use std::time::{Duration, Instant};

use tokio::time;
use tokio_zmtp::Client;
use tokio_zmtp::Mechanism;
use tokio_zmtp::auth::CurvePublicKey;

use crate::Failure;
use crate::implementation::curve::SERVER_PUBLIC;
use crate::report::{Done, Report};
use crate::role::{Orders, Role};
use crate::statistics;

/// Makes requests over an established connection and over new ones, for as many milliseconds as
/// requested.
pub(crate) async fn probe(role: Role, mut orders: Orders) -> Result<(), Failure> {
    let established = connect(&role.endpoint).await?;
    trip(&established).await?;
    Report::Ready.send();
    while let Some(milliseconds) = orders.recv().await {
        let start = Instant::now();
        let end = start + Duration::from_millis(milliseconds);
        let (trips, visits) = tokio::try_join!(trips(&established, end), visits(&role, end))?;
        let failed = visits.iter().filter(|visit| visit.is_none()).count() as f64;
        let failed = failed * 100.0 / visits.len() as f64;
        let visits = sorted(visits.into_iter().map(|visit| visit.unwrap_or(LIMIT)), 1e3);
        let trips = sorted(trips.into_iter(), 1e6);
        Report::Done(Done {
            seconds: start.elapsed().as_secs_f64(),
            median: statistics::quantile(&visits, 0.5),
            p99: statistics::quantile(&visits, 0.99),
            failed: Some(failed),
            established_p99: statistics::quantile(&trips, 0.99),
            ..Done::default()
        })
        .send();
    }
    Ok(())
}

/// Returns the round trips of an established connection.
async fn trips(client: &Client, end: Instant) -> Result<Vec<Duration>, Failure> {
    let mut trips = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        trip(client).await?;
        trips.push(start.elapsed());
        time::sleep(PAUSE).await;
    }
    Ok(trips)
}

/// Returns the time of each client until its first reply, or `None` for one without a reply.
async fn visits(role: &Role, end: Instant) -> Result<Vec<Option<Duration>>, Failure> {
    let mut visits = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let visit = async {
            let client = connect(&role.endpoint).await?;
            trip(&client).await
        };
        let visited = time::timeout(LIMIT, visit).await.is_ok_and(|visited| visited.is_ok());
        visits.push(visited.then(|| start.elapsed()));
        time::sleep(PAUSE).await;
    }
    Ok(visits)
}

async fn connect(endpoint: &str) -> Result<Client, Failure> {
    let server_key: CurvePublicKey = SERVER_PUBLIC.parse()?;
    let mechanism = Mechanism::curve_client(server_key);
    Ok(Client::builder().mechanism(mechanism).linger(Duration::ZERO).connect(endpoint).await?)
}

async fn trip(client: &Client) -> Result<(), Failure> {
    client.send([7; 64]).await?;
    client.recv().await?;
    Ok(())
}

fn sorted(times: impl Iterator<Item = Duration>, unit: f64) -> Vec<f64> {
    let mut times: Vec<_> = times.map(|time| time.as_secs_f64() * unit).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// The time after which a client counts as failed.
const LIMIT: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(5);
