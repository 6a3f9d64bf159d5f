use std::error::Error;
use std::time::Duration;

use tokio::time;
use zeromq::{RepSocket, ReqSocket, Socket, SocketRecv, SocketSend};

/// Answers requests.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut server = RepSocket::new();
    server.bind(endpoint).await?;
    loop {
        let name: String = server.recv().await?.try_into()?;
        server.send(format!("hello {name}").into()).await?;
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(endpoint: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut client = ReqSocket::new();
    client.connect(endpoint).await?;
    client.send(name.into()).await?;
    let reply = time::timeout(Duration::from_secs(3), client.recv()).await??;
    Ok(reply.try_into()?)
}
