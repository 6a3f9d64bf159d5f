use std::error::Error;
use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt;
use tokio::time;

/// Publishes a number at every tick.
pub async fn publish(client: Client, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut ticks = time::interval(every);
    for number in 0_u64.. {
        ticks.tick().await;
        client.publish("weather.oslo", number.to_string().into()).await?;
    }
    Ok(())
}

/// Receives `count` messages from subjects that begin with `weather.`.
pub async fn subscribe(
    client: &Client,
    count: usize,
) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let mut messages = client.subscribe("weather.>").await?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let message = messages.next().await.ok_or("the subscription has ended")?;
        numbers.push(std::str::from_utf8(&message.payload)?.parse()?);
    }
    Ok(numbers)
}
