use std::error::Error;

use omq_tokio::{Message, Options, Socket, SocketType};

/// Distributes tasks among workers, and returns when all of them are written.
pub async fn distribute(endpoint: &str, tasks: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
    let ventilator = Socket::new(SocketType::Push, Options::default().linger_forever());
    ventilator.bind(endpoint).await?;
    for task in 1..=tasks {
        ventilator.send(Message::from(task.to_string())).await?;
    }
    ventilator.close().await?;
    Ok(())
}

/// Squares numbers.
pub async fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let receiver = Socket::new(SocketType::Pull, Options::default());
    receiver.connect(tasks).await?;
    let sender = Socket::new(SocketType::Push, Options::default());
    sender.connect(results).await?;
    loop {
        let task = receiver.recv().await?;
        let number: u64 = std::str::from_utf8(task.get(0).unwrap_or_default())?.parse()?;
        sender.send(Message::from((number * number).to_string())).await?;
    }
}

/// Adds up results.
pub async fn collect(endpoint: &str, results: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let sink = Socket::new(SocketType::Pull, Options::default());
    sink.bind(endpoint).await?;
    let mut sum = 0;
    for _ in 0..results {
        let result = sink.recv().await?;
        sum += std::str::from_utf8(result.get(0).unwrap_or_default())?.parse::<u64>()?;
    }
    Ok(sum)
}
