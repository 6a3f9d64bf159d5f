//! tonic: gRPC over HTTP/2, with default options. The client and the server are those that its code
//! generator produces for a service with one unary method.

use std::convert::Infallible;
use std::future::{self, Ready};
use std::task::{Context, Poll};

use prost::bytes::Bytes;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::Grpc as ClientGrpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc as ServerGrpc, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::Failure;
use crate::implementation::{Caller, Place, Rpc, expect_size};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct Tonic;

impl Rpc for Tonic {
    type Caller = Stub;

    async fn respond(place: &Place, announce: Announce) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce.endpoint(&format!("http://{}", listener.local_addr()?));
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let echo = Echo { size: place.size };
        Ok(Server::builder().serve_with_incoming(echo, incoming).await?)
    }

    async fn caller(endpoint: &str, size: usize) -> Result<Stub, Failure> {
        let channel = Endpoint::from_shared(endpoint.to_owned())?.connect().await?;
        Ok(Stub { grpc: ClientGrpc::new(channel), body: Bytes::from(vec![7; size]) })
    }
}

/// The caller.
#[derive(Clone, Debug)]
pub(crate) struct Stub {
    grpc: ClientGrpc<Channel>,
    body: Bytes,
}

impl Caller for Stub {
    async fn call(&mut self) -> Result<(), Failure> {
        self.grpc.ready().await?;
        let request = Request::new(Message { body: self.body.clone() });
        let path = PathAndQuery::from_static("/versus.Echo/Echo");
        let codec = ProstCodec::<Message, Message>::default();
        let response = self.grpc.unary(request, path, codec).await?;
        expect_size(response.get_ref().body.len(), self.body.len())
    }
}

/// `message Message { bytes body = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    #[prost(bytes = "bytes", tag = "1")]
    body: Bytes,
}

/// `service Echo { rpc Echo(Message) returns (Message); }`
#[derive(Clone, Copy, Debug)]
struct Echo {
    size: usize,
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = Method { size: self.size };
        Box::pin(async move {
            let mut grpc = ServerGrpc::new(ProstCodec::<Message, Message>::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}

/// The method of the service.
#[derive(Debug)]
struct Method {
    size: usize,
}

impl UnaryService<Message> for Method {
    type Response = Message;
    type Future = Ready<Result<Response<Message>, Status>>;

    fn call(&mut self, request: Request<Message>) -> Self::Future {
        let message = request.into_inner();
        future::ready(match expect_size(message.body.len(), self.size) {
            Ok(()) => Ok(Response::new(message)),
            Err(failure) => Err(Status::invalid_argument(failure.to_string())),
        })
    }
}
