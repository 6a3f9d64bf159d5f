use std::time::Duration;

use tokio::time;
use tokio_zmtp::rpc::{CallError, ErrorCode, Failure, Requester};

use super::client;
use super::server::NO_NAME;

/// Makes a call, at most three times. Returns `None` if the service requires a name.
pub async fn greeting(requester: &Requester, name: &str) -> Result<Option<String>, CallError> {
    let mut attempts = 3;
    loop {
        attempts -= 1;
        match client::hello(requester, name).await {
            Ok(text) => return Ok(Some(text)),
            Err(CallError::Failed(failure)) if requires_a_name(&failure) => return Ok(None),
            // The call was certainly not carried out.
            Err(error) if error.is_retryable() && attempts > 0 => {
                time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn requires_a_name(failure: &Failure) -> bool {
    failure.code() == ErrorCode::APPLICATION && failure.detail() == NO_NAME
}
