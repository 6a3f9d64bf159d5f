use std::error::Error;

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::greeter::greeter_server::{Greeter, GreeterServer};
use super::greeter::{CountReply, CountRequest, HelloReply, HelloRequest};

/// Answers calls.
pub async fn serve(listener: TcpListener) -> Result<(), Box<dyn Error + Send + Sync>> {
    let incoming = TcpIncoming::from(listener);
    let service = GreeterServer::new(Service);
    Server::builder().add_service(service).serve_with_incoming(incoming).await?;
    Ok(())
}

/// The methods of the service.
pub(super) struct Service;

#[tonic::async_trait]
impl Greeter for Service {
    type CountStream = BoxStream<'static, Result<CountReply, Status>>;

    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        if name.is_empty() {
            return Err(Status::invalid_argument("a name is required"));
        }
        Ok(Response::new(HelloReply { text: format!("hello {name}") }))
    }

    async fn count(
        &self,
        request: Request<CountRequest>,
    ) -> Result<Response<Self::CountStream>, Status> {
        let numbers = 1..=request.into_inner().to;
        let replies = stream::iter(numbers).map(|number| Ok(CountReply { number }));
        Ok(Response::new(replies.boxed()))
    }
}
