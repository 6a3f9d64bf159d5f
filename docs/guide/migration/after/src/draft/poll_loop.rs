use std::error::Error;

use tokio_zmtp::{Gather, Scatter};

/// Passes tasks on until a message arrives at the control socket. Returns the number of tasks.
pub async fn work(
    receiver: &Gather,
    controller: &Gather,
    sender: &Scatter,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut done = 0;
    loop {
        tokio::select! {
            task = receiver.recv() => {
                sender.send(task?).await?;
                done += 1;
            }
            order = controller.recv() => {
                order?;
                return Ok(done);
            }
        }
    }
}
