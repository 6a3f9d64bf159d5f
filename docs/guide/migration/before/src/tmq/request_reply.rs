use std::error::Error;
use std::time::Duration;

use tmq::{Context, Message};
use tokio::time;

/// Answers requests.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut receiver = tmq::reply(&Context::new()).bind(endpoint)?;
    loop {
        let (request, sender) = receiver.recv().await?;
        let name = String::from_utf8_lossy(&request[0]);
        let reply = Message::from(&format!("hello {name}"));
        receiver = sender.send(reply.into()).await?;
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(endpoint: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let sender = tmq::request(&Context::new()).set_linger(0).connect(endpoint)?;
    let receiver = sender.send(Message::from(name).into()).await?;
    let (reply, _sender) = time::timeout(Duration::from_secs(3), receiver.recv()).await??;
    Ok(reply[0].as_str().ok_or("the reply is not text")?.to_owned())
}
