//! A publisher of prices, a subscriber of some of them, and one that does not keep up.
//!
//! `cargo run --example pub_sub`
//!
//! The publisher waits until its subscribers have subscribed, so that nothing is lost at the
//! beginning. A subscriber that does not read misses messages when its queue is full: the publisher
//! counts them, and the monitor reports the first.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use tokio_zmtp::monitor::{DropCause, EventKind};
use tokio_zmtp::{Endpoint, Pub, Sub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let publisher = Pub::builder().send_hwm_bytes(8 << 20).bind("tcp://127.0.0.1:*").await?;
    let endpoint = publisher.last_endpoint().ok_or("the publisher is not bound")?;
    let mut monitor = publisher.monitor();

    let reader = tokio::spawn(read(endpoint.clone()));
    publisher.subscribed("price.gold").await?;
    publisher.subscribed("end").await?;
    let stalled = Sub::builder().recv_hwm(1).connect(endpoint).await?;
    stalled.subscribe("price.")?;
    publisher.subscribed("price.silver").await?;
    println!("publisher: {} subscribers of gold", publisher.subscribers("price.gold"));

    // The reader receives the messages about gold, and the other one reads nothing.
    let history = "x".repeat(0x10_0000);
    for price in 0..100 {
        publisher.send(["price.gold", &price.to_string()]).await?;
        publisher.send(["price.silver", &history]).await?;
        tokio::task::yield_now().await;
    }
    publisher.send("end").await?;
    println!("reader: received {} prices", reader.await??);

    let missed = publisher.stats().dropped.missed;
    assert!(missed > 0, "the queue of the stalled subscriber holds everything");
    println!("publisher: the stalled subscriber misses messages");
    while let Some(event) = monitor.recv().await {
        if let EventKind::MessagesDropped { cause: DropCause::QueueFull, .. } = event?.kind {
            println!("monitor: the queue of a subscriber is full");
            break;
        }
    }
    // Do not wait for the subscriber that reads nothing.
    publisher.set_linger(std::time::Duration::ZERO);
    publisher.close().await;
    Ok(())
}

/// Returns the number of prices of gold.
async fn read(endpoint: Endpoint) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let sub = Sub::new();
    sub.subscribe("end")?;
    sub.subscribe("price.gold")?;
    sub.connect(endpoint).await?;
    let mut prices = 0;
    while sub.recv().await? != ["end"] {
        prices += 1;
    }
    Ok(prices)
}
