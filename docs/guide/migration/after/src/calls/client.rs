use std::error::Error;
use std::time::Duration;

use futures::StreamExt;
use tokio_zmtp::Client;
use tokio_zmtp::rpc::{CallError, Request, Requester};

/// Connects to a server.
pub async fn connect(endpoint: &str) -> Result<Requester, Box<dyn Error + Send + Sync>> {
    let heartbeats = Client::builder().heartbeat_interval(Duration::from_secs(10));
    Ok(Requester::new(heartbeats.connect(endpoint).await?))
}

/// Makes a call that ends after at most three seconds.
pub async fn hello(requester: &Requester, name: &str) -> Result<String, CallError> {
    let request = Request::from(format!("hello {name}")).with_timeout(Duration::from_secs(3));
    Ok(String::from_utf8_lossy(&requester.call(request).await?).into_owned())
}

/// Makes a call whose reply is a stream.
pub async fn count(
    requester: &Requester,
    to: u32,
) -> Result<Vec<u32>, Box<dyn Error + Send + Sync>> {
    let mut replies = requester.stream(format!("count {to}"));
    let mut numbers = Vec::new();
    while let Some(reply) = replies.next().await {
        numbers.push(reply?.to_str()?.parse()?);
    }
    Ok(numbers)
}
