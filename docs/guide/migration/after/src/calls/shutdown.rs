use std::error::Error;

use tokio_zmtp::Server;
use tokio_zmtp::rpc::{Responder, service_fn};

use super::server::answer;

/// Answers calls until a signal arrives, and then finishes the calls in flight.
pub async fn serve(
    endpoint: &str,
    signal: impl Future<Output = ()> + Send,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Server::builder().bind(endpoint).await?;
    Responder::new(server).serve_with_shutdown(service_fn(answer), signal).await;
    Ok(())
}
