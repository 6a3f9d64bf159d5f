use std::error::Error;
use std::time::Duration;

use tokio_zmtp::{Rep, Req};

/// Answers requests.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Rep::new();
    server.bind(endpoint).await?;
    loop {
        let (request, mut replier) = server.recv().await?;
        let name = String::from_utf8_lossy(request.first());
        if let Err(error) = replier.reply(format!("hello {name}")).await {
            eprintln!("{name} is not answered: {error}");
        }
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(endpoint: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let client = Req::builder().request_timeout(Duration::from_secs(3)).connect(endpoint).await?;
    let reply = client.request(name).await?;
    Ok(String::from_utf8(reply.first().to_vec())?)
}
