//! One of the servers behind the gateway, as a separate process.
//!
//! ```sh
//! LISTEN=tcp://127.0.0.1:5555 cargo run -p services --bin worker
//! ```
//!
//! On Ctrl-C or SIGTERM it drains: it notifies the connected requesters, finishes the requests in
//! flight, and ends. Requesters send further calls to other workers. Its address is free as soon as
//! it begins to drain, so that its successor can start immediately. Several workers can be
//! restarted one after another without losing a call.
//!
//! An orchestrator kills a process that takes too long to end. Requests in flight have 20 seconds
//! here, less than the 30 seconds that Kubernetes allows by default.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::env;
use std::error::Error;
use std::future;
use std::io;
use std::time::Duration;

use services::{perform, shutdown_signal};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tokio_zmtp::Server;
use tokio_zmtp::rpc::{Responder, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let endpoint = env::var("LISTEN").unwrap_or_else(|_| "tcp://127.0.0.1:5555".to_owned());
    let builder = Server::builder().heartbeat_interval(Duration::from_secs(10));
    let server = builder.bind(endpoint.as_str()).await?;
    println!("listening on {}", server.last_endpoint().ok_or("the server is not bound")?);

    let responder = Responder::new(server.clone());
    let ending = CancellationToken::new();
    let signal = {
        let ending = ending.clone();
        async move {
            // Without signals, the process ends only when it is killed.
            if shutdown_signal().await.is_err() {
                future::pending::<()>().await;
            }
            println!("ending");
            ending.cancel();
        }
    };
    tokio::select! {
        () = responder.serve_with_shutdown(service_fn(perform), signal) => {}
        () = overdue(ending) => println!("some requests were abandoned"),
    }

    let undelivered = server.close().await.undelivered;
    println!("ended with {undelivered} undelivered requests");
    Ok(())
}

/// Waits until the time limit for requests in flight expires.
async fn overdue(ending: CancellationToken) {
    ending.cancelled().await;
    time::sleep(Duration::from_secs(20)).await;
}
