use std::error::Error;
use std::time::Duration;

use omq_tokio::{Message, Options, Socket, SocketType};
use tokio::time;

/// Publishes a number at every tick.
pub async fn publish(endpoint: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let publisher = Socket::new(SocketType::Pub, Options::default());
    publisher.bind(endpoint).await?;
    let mut ticks = time::interval(every);
    for number in 0_u64.. {
        ticks.tick().await;
        let parts = ["weather.oslo".to_owned(), number.to_string()];
        publisher.send(Message::multipart(parts)).await?;
    }
    Ok(())
}

/// Receives `count` messages from topics that begin with `weather.`.
pub async fn subscribe(
    endpoint: &str,
    count: usize,
) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let subscriber = Socket::new(SocketType::Sub, Options::default());
    subscriber.subscribe("weather.").await?;
    subscriber.connect(endpoint).await?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let message = subscriber.recv().await?;
        let number = message.get(1).ok_or("the message has no number")?;
        numbers.push(std::str::from_utf8(number)?.parse()?);
    }
    Ok(numbers)
}
