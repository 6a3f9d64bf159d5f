//! A server that waits for requests, a timer and signals concurrently, and ends gracefully.
//!
//! `cargo run --example select`
//!
//! It ends at Ctrl-C or SIGTERM, or when its client has asked enough.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::{signal, time};
use tokio_zmtp::{Client, Endpoint, Message, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Clients that do not read delay the end by at most this time.
    let builder = Server::builder().linger(Duration::from_secs(1)).heartbeat_interval(HEARTBEAT);
    let server = builder.bind("tcp://127.0.0.1:*").await?;
    let endpoint = server.last_endpoint().ok_or("the server is bound")?;
    println!("server: listening on {endpoint}");

    // These two are created once. If each turn of the loop created them again, the client would
    // restart, and a signal between two turns would be missed.
    let mut client = pin!(ask(endpoint));
    let mut signal = pin!(shutdown_signal());
    let mut ticks = time::interval(Duration::from_millis(200));
    let mut answered = 0;
    loop {
        tokio::select! {
            // This one is created at each turn, and dropped when another is ready first: no request
            // is lost.
            request = server.recv() => answered += answer(&server, &request?),
            _ = ticks.tick() => println!("server: {answered} requests answered so far"),
            signaled = &mut signal => {
                signaled?;
                println!("server: ending, as it is asked to");
                break;
            }
            asked = &mut client => {
                asked?;
                println!("server: ending, as the client has asked enough");
                break;
            }
        }
    }

    // Received requests are still answered, within a limit, because clients may continue to send.
    // `close` waits until the answers are written.
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
/// end. Returns the number of answers: none if the client's queue is full, or if it has gone.
fn answer(server: &Server, request: &Message) -> u32 {
    let Some(id) = request.routing_id() else { return 0 };
    server.try_route(id, request).map_or(0, |()| 1)
}

/// The client: sends a request periodically.
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

/// A remote that fails silently is noticed within twice this time.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The number of requests of the client.
const REQUESTS: u32 = 30;

/// The number of requests that are answered after the signal to end.
const LAST_REQUESTS: u32 = 1_000;
