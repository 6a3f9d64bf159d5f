//! A server that waits for requests, a timer and signals concurrently, and shuts down gracefully.
//!
//! `cargo run --example select`
//!
//! It shuts down on Ctrl-C or SIGTERM, or after the last request of its client.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::{signal, time};
use tokio_zmtp::{Client, Endpoint, Message, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Clients that do not read delay the shutdown by at most this time.
    let builder = Server::builder().linger(Duration::from_secs(1)).heartbeat_interval(HEARTBEAT);
    let server = builder.bind("tcp://127.0.0.1:*").await?;
    let endpoint = server.last_endpoint().ok_or("the server is not bound")?;
    println!("server: listening on {endpoint}");

    // These futures are created once. If each iteration of the loop created them, the client would
    // restart, and a signal between two iterations would be missed.
    let mut client = pin!(ask(endpoint));
    let mut signal = pin!(shutdown_signal());
    let mut ticks = time::interval(Duration::from_millis(200));
    let mut answered = 0;
    loop {
        tokio::select! {
            // This future is created in each iteration, and dropped when another one is ready
            // first: no request is lost.
            request = server.recv() => answered += answer(&server, &request?),
            _ = ticks.tick() => println!("server: {answered} requests answered so far"),
            signaled = &mut signal => {
                signaled?;
                println!("server: shutting down on a signal");
                break;
            }
            ended = &mut client => {
                ended?;
                println!("server: shutting down after the last request");
                break;
            }
        }
    }

    // Requests that were already received are answered, up to a limit, because clients may continue
    // to send. `close` waits until the answers are written.
    for _ in 0..LAST_REQUESTS {
        let Ok(request) = server.try_recv() else { break };
        answered += answer(&server, &request);
    }
    let undelivered = server.close().await.undelivered;
    println!("server: {answered} requests answered, {undelivered} answers not delivered");
    Ok(())
}

/// Waits for Ctrl-C or, on Unix, for SIGTERM, which containers and systemd send to end a process.
async fn shutdown_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{self, SignalKind};

        let mut terminate = unix::signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await
}

/// Answers without waiting, so that a client that does not read delays neither the others nor the
/// shutdown. Returns the number of answers: none if the client's queue is full, or if the client
/// has disconnected.
fn answer(server: &Server, request: &Message) -> u32 {
    let Some(id) = request.routing_id() else { return 0 };
    server.try_route(id, request).map_or(0, |()| 1)
}

/// Sends requests periodically, as a client.
async fn ask(endpoint: Endpoint) -> Result<(), Box<dyn Error>> {
    let client = Client::new();
    client.connect(endpoint).await?;
    for number in 0..REQUESTS {
        client.send(format!("request {number}")).await?;
        client.recv().await?;
        time::sleep(Duration::from_millis(40)).await;
    }
    client.close().await;
    Ok(())
}

/// A remote that fails silently is detected within twice this time.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The number of requests of the client.
const REQUESTS: u32 = 30;

/// The maximum number of requests answered after the signal.
const LAST_REQUESTS: u32 = 1_000;
