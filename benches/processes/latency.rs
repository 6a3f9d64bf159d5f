//! Round trips, one message at a time.

use std::env;
use std::error::Error;
use std::time::Instant;

use tokio_zmtp::{Client, Message, Server};

use super::Child;

/// Quantiles of the duration of a round trip, in microseconds.
pub(crate) struct RoundTrip {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Measures one round.
pub(crate) fn measure(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<RoundTrip, Box<dyn Error>> {
    let program = env::current_exe()?;
    let mut server = Child::spawn(&program, "lat-server", endpoint, count, size)?;
    let mut client = Child::spawn(&program, "lat-client", &server.line()?, count, size)?;
    let p50 = client.line()?.parse()?;
    let p99 = client.line()?.parse()?;
    client.finish()?;
    server.finish()?;
    Ok(RoundTrip { p50, p99 })
}

#[expect(clippy::print_stdout, reason = "the measuring process reads it")]
pub(super) async fn server(endpoint: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let server = Server::new();
    let listening = server.bind(endpoint).await?;
    println!("{listening}");
    for _ in 0..count + WARM_UP {
        let request = server.recv().await?;
        server.reply(&request, &request).await?;
    }
    assert_eq!(server.close().await.undelivered, 0);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the measuring process reads it")]
pub(super) async fn client(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let client = Client::new();
    client.connect(endpoint).await?;
    let message = Message::from(vec![7; size]);
    let mut trips = Vec::with_capacity(count);
    for trip in 0..count + WARM_UP {
        let start = Instant::now();
        client.send(&message).await?;
        assert_eq!(client.recv().await?.len(), size);
        if trip >= WARM_UP {
            trips.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    trips.sort_unstable_by(f64::total_cmp);
    println!("{}", trips[trips.len() / 2]);
    println!("{}", trips[trips.len() * 99 / 100]);
    Ok(())
}

/// The number of round trips before the measured ones.
const WARM_UP: usize = 1_000;
