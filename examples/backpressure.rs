//! A client that is faster than its server, and what happens when the queues are full.
//!
//! `cargo run --example backpressure`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use tokio::time::{self, Instant};
use tokio_zmtp::{Client, Message, Server, TrySendError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The client queues 4 messages for each server, and the server 2 from each client.
    let server = Server::builder().recv_hwm(2).bind("tcp://127.0.0.1:*").await?;
    let endpoint = server.last_endpoint().ok_or("the server is not bound")?;
    let client = Client::builder().send_hwm(4).connect(endpoint).await?;

    tokio::try_join!(produce(&client), consume(&server))?;

    client.close().await;
    server.close().await;
    Ok(())
}

/// Sends at full speed in three ways.
async fn produce(client: &Client) -> Result<(), Box<dyn Error>> {
    let mut sent = 0;

    // `try_send` never waits: if the queues are full, it returns the message.
    let returned = loop {
        match client.try_send(work(sent)) {
            Ok(()) => sent += 1,
            Err(TrySendError::Full(message)) => break message,
            Err(error) => return Err(error.into()),
        }
    };
    println!("try_send: {sent} messages were queued, the next one was returned");

    // `send` waits for queue capacity. The queue is full only when the system's buffers are full as
    // well.
    let start = Instant::now();
    client.send(returned).await?;
    sent += 1;
    for _ in 1..SENDS {
        client.send(work(sent)).await?;
        sent += 1;
    }
    println!("send: {SENDS} messages waited {:?} for queue capacity", start.elapsed());

    // `reserve` also waits, and the message is created only when it can be sent. Here the time is
    // limited: a `send` that times out has created its message in vain.
    let mut made = 0;
    let end = Instant::now() + PERIOD;
    while let Ok(permit) = time::timeout_at(end, client.reserve()).await {
        permit?.send(work(sent))?;
        sent += 1;
        made += 1;
    }
    println!("reserve: {made} messages were created and queued in {PERIOD:?}");

    // A message that was sent has not necessarily arrived, so the client asks the server.
    client.send(HOW_MANY).await?;
    let received = client.recv().await?;
    println!("{sent} messages were sent, and {} received", received.to_str()?);
    Ok(())
}

/// Receives slowly, checks that no message is missing, and reports their number.
async fn consume(server: &Server) -> Result<(), Box<dyn Error>> {
    let mut received = 0_u32;
    loop {
        let message = server.recv().await?;
        if message == HOW_MANY {
            server.reply(&message, received.to_string()).await?;
            return Ok(());
        }
        if message.first_chunk() != Some(&received.to_be_bytes()) {
            return Err(format!("message {received} is missing").into());
        }
        received += 1;
        time::sleep(Duration::from_millis(10)).await;
    }
}

/// Creates a message that begins with its number.
///
/// The message is long, because the system's buffers between the two queues hold several MiB, or
/// thousands of short messages.
fn work(number: u32) -> Message {
    let mut body = vec![0; 0x10_0000];
    body[..4].copy_from_slice(&number.to_be_bytes());
    body.into()
}

/// The number of messages that wait in `send`.
const SENDS: u32 = 30;

/// The time for which messages are created.
const PERIOD: Duration = Duration::from_millis(200);

/// The request for the number of received messages.
const HOW_MANY: &str = "how many?";
