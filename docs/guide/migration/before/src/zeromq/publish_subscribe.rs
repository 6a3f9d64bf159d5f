use std::error::Error;
use std::time::Duration;

use tokio::time;
use zeromq::{PubSocket, Socket, SocketRecv, SocketSend, SubSocket, ZmqMessage};

/// Publishes a number at every tick.
pub async fn publish(endpoint: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut publisher = PubSocket::new();
    publisher.bind(endpoint).await?;
    let mut ticks = time::interval(every);
    for number in 0_u64.. {
        ticks.tick().await;
        let mut message = ZmqMessage::from("weather.oslo");
        message.push_back(number.to_string().into());
        publisher.send(message).await?;
    }
    Ok(())
}

/// Receives `count` messages from topics that begin with `weather.`.
pub async fn subscribe(
    endpoint: &str,
    count: usize,
) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let mut subscriber = SubSocket::new();
    subscriber.connect(endpoint).await?;
    subscriber.subscribe("weather.").await?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let message = subscriber.recv().await?;
        let number = message.get(1).ok_or("the message has no number")?;
        numbers.push(std::str::from_utf8(number)?.parse()?);
    }
    Ok(numbers)
}
