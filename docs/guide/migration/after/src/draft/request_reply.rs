use std::error::Error;
use std::time::Duration;

use tokio_zmtp::{Client, RouteError, Server};

/// Answers requests at an endpoint such as `tcp://127.0.0.1:5555`.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Server::new();
    server.bind(endpoint).await?;
    loop {
        let request = server.recv().await?;
        let reply = format!("hello {}", request.to_str()?);
        match server.reply(&request, reply).await {
            Err(RouteError::HostUnreachable(_)) => {}
            sent => sent?,
        }
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(endpoint: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let client = Client::new();
    client.connect(endpoint).await?;
    client.send(name.to_owned()).await?;
    Ok(client.recv_timeout(Duration::from_secs(3)).await?.to_str()?.to_owned())
}
