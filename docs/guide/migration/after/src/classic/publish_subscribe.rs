use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Pub, Sub};

/// Publishes a number at every tick.
pub async fn publish(endpoint: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let publisher = Pub::new();
    publisher.bind(endpoint).await?;
    let mut ticks = time::interval(every);
    for number in 0_u64.. {
        ticks.tick().await;
        publisher.send(("weather.oslo", number.to_string())).await?;
    }
    Ok(())
}

/// Receives `count` messages from topics that begin with `weather.`.
pub async fn subscribe(
    endpoint: &str,
    count: usize,
) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let subscriber = Sub::new();
    subscriber.subscribe("weather.")?;
    subscriber.connect(endpoint).await?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let message = subscriber.recv().await?;
        numbers.push(std::str::from_utf8(message.last())?.parse()?);
    }
    Ok(numbers)
}
