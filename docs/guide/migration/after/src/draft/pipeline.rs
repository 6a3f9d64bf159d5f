use std::error::Error;

use tokio_zmtp::{Gather, Scatter};

/// Squares numbers.
pub async fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let receiver = Gather::new();
    receiver.connect(tasks).await?;
    let sender = Scatter::new();
    sender.connect(results).await?;
    loop {
        let number: u64 = receiver.recv().await?.to_str()?.parse()?;
        sender.send((number * number).to_string()).await?;
    }
}
