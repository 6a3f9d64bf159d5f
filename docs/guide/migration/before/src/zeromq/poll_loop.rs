use std::error::Error;

use zeromq::{PullSocket, PushSocket, Socket, SocketRecv, SocketSend};

/// Passes tasks on until a message arrives at the control endpoint. Returns the number of tasks.
pub async fn work(
    tasks: &str,
    control: &str,
    results: &str,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut receiver = PullSocket::new();
    receiver.connect(tasks).await?;
    let mut controller = PullSocket::new();
    controller.connect(control).await?;
    let mut sender = PushSocket::new();
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
    Ok(done)
}
