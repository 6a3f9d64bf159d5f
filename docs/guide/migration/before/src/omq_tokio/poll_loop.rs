use std::error::Error;

use omq_tokio::{Options, Socket, SocketType};

/// Passes tasks on until a message arrives at the control endpoint. Returns the number of tasks.
pub async fn work(
    tasks: &str,
    control: &str,
    results: &str,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let receiver = Socket::new(SocketType::Pull, Options::default());
    receiver.connect(tasks).await?;
    let controller = Socket::new(SocketType::Pull, Options::default());
    controller.connect(control).await?;
    let sender = Socket::new(SocketType::Push, Options::default().linger_forever());
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
    sender.close().await?;
    Ok(done)
}
