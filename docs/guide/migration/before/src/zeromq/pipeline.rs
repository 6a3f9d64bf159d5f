use std::error::Error;

use futures_util::StreamExt;
use zeromq::{PullSocket, PushSocket, Socket, SocketEvent, SocketRecv, SocketSend};

/// Distributes tasks among workers. Without a worker, `send` fails.
pub async fn distribute(endpoint: &str, tasks: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut ventilator = PushSocket::new();
    let mut events = ventilator.monitor();
    ventilator.bind(endpoint).await?;
    while !matches!(events.next().await, Some(SocketEvent::Accepted(..))) {}
    for task in 1..=tasks {
        ventilator.send(task.to_string().into()).await?;
    }
    Ok(())
}

/// Squares numbers.
pub async fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut receiver = PullSocket::new();
    receiver.connect(tasks).await?;
    let mut sender = PushSocket::new();
    sender.connect(results).await?;
    loop {
        let task: String = receiver.recv().await?.try_into()?;
        let number: u64 = task.parse()?;
        sender.send((number * number).to_string().into()).await?;
    }
}

/// Adds up results.
pub async fn collect(endpoint: &str, results: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut sink = PullSocket::new();
    sink.bind(endpoint).await?;
    let mut sum = 0;
    for _ in 0..results {
        let result: String = sink.recv().await?.try_into()?;
        sum += result.parse::<u64>()?;
    }
    Ok(sum)
}
