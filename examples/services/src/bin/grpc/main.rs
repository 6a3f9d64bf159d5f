//! A gRPC service in front of ZeroMQ servers that share the load.
//!
//! `cargo run -p services --bin grpc`
//!
//! ```sh
//! cd examples/services/proto
//! grpcurl -plaintext -proto tasks/v1/tasks.proto -d '{"text": "upper hello"}' \
//!     localhost:50051 tasks.v1.Tasks/Perform
//! grpcurl -plaintext -proto tasks/v1/tasks.proto -d '{"text": "count 5"}' \
//!     localhost:50051 tasks.v1.Tasks/Follow
//! grpcurl -plaintext -proto tasks/v1/tasks.proto -d '{"text": "sleep 5000"}' -max-time 1 \
//!     localhost:50051 tasks.v1.Tasks/Perform                                  # DeadlineExceeded
//! grpcurl -plaintext -proto tasks/v1/tasks.proto -d '{"text": "trace"}' \
//!     -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' \
//!     localhost:50051 tasks.v1.Tasks/Perform
//! ```
//!
//! A handler calls a `Requester` and converts its error into a status. The deadline of a request
//! travels with the call, so neither the service nor a server works for a caller that has
//! disconnected. When a request is cancelled, tonic drops its handler, and the call with it.
//!
//! On Ctrl-C or SIGTERM it shuts down from front to back: it stops accepting requests, answers
//! those in flight within 20 seconds, and closes the client and then the servers. The environment
//! variables `LISTEN` and `WORKERS` set the address and the number of workers.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod service;
mod status;

use std::env;
use std::error::Error;
use std::future;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use services::proto::tasks_server::TasksServer;
use services::{Workers, shutdown_signal};
use tokio::net::TcpListener;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tokio_zmtp::rpc::Requester;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use self::service::Service;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let workers = Workers::start(setting("WORKERS", 3)?).await?;
    let client = workers.connect().await?;
    let requester = Requester::builder(client).timeout(Duration::from_secs(30)).build();

    let listener = TcpListener::bind(setting("LISTEN", "127.0.0.1:50051".to_owned())?).await?;
    println!("listening on {}", listener.local_addr()?);
    let ending = CancellationToken::new();
    let serving = Server::builder()
        .add_service(TasksServer::new(Service::new(requester.clone())))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), interrupt(ending.clone()));
    tokio::select! {
        served = serving => served?,
        () = overdue(ending) => println!("some requests were abandoned"),
    }

    let undelivered = requester.close().await.undelivered;
    workers.end().await;
    println!("ended with {undelivered} undelivered requests");
    Ok(())
}

/// Waits for a signal to end.
async fn interrupt(ending: CancellationToken) {
    // Without signals, the process ends only when it is killed.
    if shutdown_signal().await.is_err() {
        future::pending::<()>().await;
    }
    println!("ending");
    ending.cancel();
}

/// Waits until the time limit for requests in flight expires: an HTTP/2 connection stays open until
/// its client closes it.
async fn overdue(ending: CancellationToken) {
    ending.cancelled().await;
    time::sleep(Duration::from_secs(20)).await;
}

fn setting<T: FromStr>(name: &str, default: T) -> Result<T, Box<dyn Error>> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name} cannot be {text}").into()),
        Err(_) => Ok(default),
    }
}
