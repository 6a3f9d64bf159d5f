use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use tmq::Context;

/// Passes tasks on until a message arrives at the control endpoint. Returns the number of tasks.
pub async fn work(
    tasks: &str,
    control: &str,
    results: &str,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let mut receiver = tmq::pull(&context).connect(tasks)?;
    let mut controller = tmq::pull(&context).connect(control)?;
    let mut sender = tmq::push(&context).connect(results)?;

    let mut done = 0;
    loop {
        tokio::select! {
            task = receiver.next() => {
                sender.send(task.ok_or("the stream has ended")??).await?;
                done += 1;
            }
            _ = controller.next() => break,
        }
    }
    Ok(done)
}
