use std::error::Error;

use tokio_zmtp::{Pull, Push};

/// Passes tasks on until a message arrives at the control endpoint. Returns the number of tasks.
pub async fn work(
    tasks: &str,
    control: &str,
    results: &str,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let receiver = Pull::new();
    receiver.connect(tasks).await?;
    let controller = Pull::new();
    controller.connect(control).await?;
    let sender = Push::new();
    sender.connect(results).await?;

    let mut done = 0;
    loop {
        tokio::select! {
            task = receiver.recv() => {
                sender.send(task?).await?;
                done += 1;
            }
            order = controller.recv() => {
                order?;
                break;
            }
        }
    }
    sender.close().await;
    Ok(done)
}
