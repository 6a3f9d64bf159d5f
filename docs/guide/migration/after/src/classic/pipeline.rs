use std::error::Error;

use tokio_zmtp::{Pull, Push};

/// Distributes tasks among workers, and returns when all of them are written.
pub async fn distribute(endpoint: &str, tasks: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
    let ventilator = Push::new();
    ventilator.bind(endpoint).await?;
    for task in 1..=tasks {
        ventilator.send(task.to_string()).await?;
    }
    let undelivered = ventilator.close().await.undelivered;
    if undelivered > 0 { Err(format!("{undelivered} tasks are lost").into()) } else { Ok(()) }
}

/// Squares numbers.
pub async fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let receiver = Pull::new();
    receiver.connect(tasks).await?;
    let sender = Push::new();
    sender.connect(results).await?;
    loop {
        let task = receiver.recv().await?;
        let number: u64 = std::str::from_utf8(task.first())?.parse()?;
        sender.send((number * number).to_string()).await?;
    }
}

/// Adds up results.
pub async fn collect(endpoint: &str, results: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let sink = Pull::new();
    sink.bind(endpoint).await?;
    let mut sum = 0;
    for _ in 0..results {
        let result = sink.recv().await?;
        sum += std::str::from_utf8(result.first())?.parse::<u64>()?;
    }
    Ok(sum)
}
