//! One way from a client to a server, as fast as it goes.

use std::env;
use std::error::Error;
use std::time::Instant;

use tokio_zmtp::{Client, Message, Server};

use super::Child;

/// One round; returns messages per second.
pub(crate) fn measure(endpoint: &str, count: usize, size: usize) -> Result<f64, Box<dyn Error>> {
    let program = env::current_exe()?;
    let mut server = Child::spawn(&program, "thr-server", endpoint, count, size)?;
    let client = Child::spawn(&program, "thr-client", &server.line()?, count, size)?;
    let rate = server.line()?.parse()?;
    client.finish()?;
    server.finish()?;
    Ok(rate)
}

/// How many messages take about a second.
pub(crate) fn count(size: usize) -> usize {
    (2_000_000_000 / (size + 200)).min(8_000_000)
}

/// The clock runs from the first message to the last.
#[expect(clippy::print_stdout, reason = "the measuring process reads it")]
pub(super) async fn server(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let server = super::secured(Server::builder(), super::Role::Server)?.bind(endpoint).await?;
    println!("{}", server.last_endpoint().ok_or("the server is bound")?);
    server.recv().await?;
    let start = Instant::now();
    for _ in 1..count {
        assert_eq!(server.recv().await?.len(), size);
    }
    println!("{}", (count - 1) as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

pub(super) async fn client(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let client = super::secured(Client::builder(), super::Role::Client)?.connect(endpoint).await?;
    let message = Message::from(vec![7; size]);
    for _ in 0..count {
        client.send(&message).await?;
    }
    assert_eq!(client.close().await.undelivered, 0);
    Ok(())
}
