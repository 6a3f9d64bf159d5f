use std::error::Error;
use std::time::Duration;

use omq_tokio::{Message, Options, Socket, SocketType};
use tokio::time;

/// Answers requests.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Socket::new(SocketType::Rep, Options::default());
    server.bind(endpoint).await?;
    loop {
        let request = server.recv().await?;
        let name = String::from_utf8_lossy(request.get(0).unwrap_or_default());
        server.send(Message::from(format!("hello {name}"))).await?;
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(endpoint: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let client = Socket::new(SocketType::Req, Options::default());
    client.connect(endpoint).await?;
    client.send(Message::from_slice(name.as_bytes())).await?;
    let reply = time::timeout(Duration::from_secs(3), client.recv()).await??;
    Ok(String::from_utf8(reply.get(0).unwrap_or_default().to_vec())?)
}
