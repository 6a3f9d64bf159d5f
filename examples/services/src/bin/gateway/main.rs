//! An HTTP gateway in front of ZeroMQ servers that share the load.
//!
//! `cargo run -p services --bin gateway`
//!
//! ```sh
//! curl -d 'upper hello' localhost:8080/tasks
//! curl -N 'localhost:8080/events?task=count+5'                               # server-sent events
//! curl -i -d 'sleep 2000' -H 'x-request-timeout-ms: 100' localhost:8080/tasks # 504
//! curl -i -d 'fail 422' localhost:8080/tasks                                 # 422
//! curl -d trace -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' \
//!     localhost:8080/tasks
//! curl localhost:8080/metrics
//! ```
//!
//! Each HTTP request becomes a call of a `Requester`, with its remaining time and its trace
//! context. The gateway has one `Client`, with a connection to each server. It re-establishes
//! broken connections, and sends to each server in turn. A request that would have to wait is
//! refused instead, so callers that disconnect leave no queued requests behind.
//!
//! On Ctrl-C or SIGTERM it shuts down from front to back: it stops accepting requests, answers
//! those in flight within 20 seconds, and closes the client and then the servers. The environment
//! variables `LISTEN`, `WORKERS` and `MAX_CALLS` set the address, the number of workers, and the
//! limit of concurrent calls.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod gateway;
mod problem;

use std::env;
use std::error::Error;
use std::future::{self, IntoFuture};
use std::io;
use std::str::FromStr;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use services::{Workers, shutdown_signal};
use tokio::net::TcpListener;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tokio_zmtp::metrics::Publisher;
use tokio_zmtp::rpc::Requester;

use self::gateway::{Exporter, Gateway};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let recorder = PrometheusBuilder::new().install_recorder()?;

    let workers = Workers::start(setting("WORKERS", 3)?).await?;
    let client = workers.connect().await?;
    let publisher = Publisher::new();
    publisher.add("workers", &client);
    let requester = Requester::builder(client.clone()).timeout(Duration::from_secs(30)).build();

    let listener = TcpListener::bind(setting("LISTEN", "127.0.0.1:8080".to_owned())?).await?;
    println!("listening on {}", listener.local_addr()?);
    let ending = CancellationToken::new();
    let max_calls = setting("MAX_CALLS", 1_000)?;
    let gateway = Gateway::new(client, requester.clone(), max_calls, ending.clone());
    let router = gateway.router(Exporter { publisher, recorder });
    let serving = axum::serve(listener, router).with_graceful_shutdown(interrupt(ending.clone()));
    tokio::select! {
        served = serving.into_future() => served?,
        () = overdue(ending) => println!("some requests were abandoned"),
    }

    let undelivered = requester.close().await.undelivered;
    workers.end().await;
    println!("ended with {undelivered} undelivered requests");
    Ok(())
}

/// Waits for a signal to end, and notifies the streams that would continue indefinitely.
async fn interrupt(ending: CancellationToken) {
    // Without signals, the process ends only when it is killed.
    if shutdown_signal().await.is_err() {
        future::pending::<()>().await;
    }
    println!("ending");
    ending.cancel();
}

/// Waits until the time limit for requests in flight expires.
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
