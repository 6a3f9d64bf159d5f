use std::error::Error;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tmq::Context;
use tokio::time;

/// Publishes a number at every tick.
pub async fn publish(endpoint: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut publisher = tmq::publish(&Context::new()).bind(endpoint)?;
    let mut ticks = time::interval(every);
    for number in 0_u64.. {
        ticks.tick().await;
        publisher.send(vec!["weather.oslo", &number.to_string()]).await?;
    }
    Ok(())
}

/// Receives `count` messages from topics that begin with `weather.`.
pub async fn subscribe(
    endpoint: &str,
    count: usize,
) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let mut subscriber =
        tmq::subscribe(&Context::new()).connect(endpoint)?.subscribe(b"weather.")?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let message = subscriber.next().await.ok_or("the stream has ended")??;
        numbers.push(message[1].as_str().ok_or("the message is not text")?.parse()?);
    }
    Ok(numbers)
}
