use std::error::Error;
use std::time::Duration;

use async_nats::{Client, Request};
use futures_util::StreamExt;

/// Answers requests, together with other servers of the same queue group.
pub async fn serve(client: Client) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut requests = client.queue_subscribe("greeter.hello", "greeters".into()).await?;
    while let Some(request) = requests.next().await {
        let Some(reply_to) = request.reply else { continue };
        let name = String::from_utf8_lossy(&request.payload);
        client.publish(reply_to, format!("hello {name}").into()).await?;
    }
    Ok(())
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(client: &Client, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let request =
        Request::new().payload(name.to_owned().into()).timeout(Some(Duration::from_secs(3)));
    let reply = client.send_request("greeter.hello", request).await?;
    Ok(String::from_utf8(reply.payload.to_vec())?)
}
