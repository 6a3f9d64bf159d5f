use std::error::Error;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::greeter::greeter_client::GreeterClient;
use super::greeter::{CountRequest, HelloRequest};

/// Connects to a server.
pub async fn connect(
    address: String,
) -> Result<GreeterClient<Channel>, Box<dyn Error + Send + Sync>> {
    Ok(GreeterClient::connect(address).await?)
}

/// Makes a call that ends after at most three seconds.
pub async fn hello(client: &GreeterClient<Channel>, name: &str) -> Result<String, Status> {
    let mut request = Request::new(HelloRequest { name: name.to_owned() });
    request.set_timeout(Duration::from_secs(3));
    Ok(client.clone().hello(request).await?.into_inner().text)
}

/// Makes a call whose reply is a stream.
pub async fn count(client: &GreeterClient<Channel>, to: u32) -> Result<Vec<u32>, Status> {
    let replies = client.clone().count(CountRequest { to }).await?.into_inner();
    replies.map(|reply| Ok(reply?.number)).try_collect().await
}
