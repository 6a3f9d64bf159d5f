use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use tmq::{Context, Message};

/// Distributes tasks among workers. The context waits until all of them are written when it ends.
pub async fn distribute(endpoint: &str, tasks: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut ventilator = tmq::push(&Context::new()).bind(endpoint)?;
    for task in 1..=tasks {
        ventilator.send(Message::from(&task.to_string())).await?;
    }
    Ok(())
}

/// Squares numbers.
pub async fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let mut receiver = tmq::pull(&context).connect(tasks)?;
    let mut sender = tmq::push(&context).connect(results)?;
    while let Some(task) = receiver.next().await {
        let number: u64 = task?[0].as_str().ok_or("the task is not text")?.parse()?;
        sender.send(Message::from(&(number * number).to_string())).await?;
    }
    Ok(())
}

/// Adds up results.
pub async fn collect(endpoint: &str, results: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut sink = tmq::pull(&Context::new()).bind(endpoint)?;
    let mut sum = 0;
    for _ in 0..results {
        let result = sink.next().await.ok_or("the stream has ended")??;
        sum += result[0].as_str().ok_or("the result is not text")?.parse::<u64>()?;
    }
    Ok(sum)
}
