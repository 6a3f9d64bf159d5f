use std::time::Duration;

use tokio::time;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::client;
use super::greeter::greeter_client::GreeterClient;

/// Makes a call, at most three times. Returns `None` if the service requires a name.
pub async fn greeting(
    client: &GreeterClient<Channel>,
    name: &str,
) -> Result<Option<String>, Status> {
    let mut attempts = 3;
    loop {
        attempts -= 1;
        match client::hello(client, name).await {
            Ok(text) => return Ok(Some(text)),
            Err(status) if status.code() == Code::InvalidArgument => return Ok(None),
            // The call may have been carried out nevertheless.
            Err(status) if status.code() == Code::Unavailable && attempts > 0 => {
                time::sleep(Duration::from_millis(100)).await;
            }
            Err(status) => return Err(status),
        }
    }
}
