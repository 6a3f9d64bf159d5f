use std::error::Error;

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::greeter::greeter_server::GreeterServer;
use super::server::Service;

/// Answers calls until a signal arrives, and then finishes the calls in flight.
pub async fn serve(
    listener: TcpListener,
    signal: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let incoming = TcpIncoming::from(listener);
    let service = GreeterServer::new(Service);
    Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, signal).await?;
    Ok(())
}
