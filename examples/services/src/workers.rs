//! Workers that share the load.

use std::error::Error;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_zmtp::rpc::{Responder, service_fn};
use tokio_zmtp::{Client, Endpoint, Server};

use crate::tasks;

/// Equivalent servers. In production, each is a process on its own machine.
#[derive(Debug)]
pub struct Workers {
    endpoints: Vec<Endpoint>,
    ending: CancellationToken,
    serving: JoinSet<()>,
}

impl Workers {
    /// Starts a number of workers on ports that the system picks.
    ///
    /// # Errors
    ///
    /// If a port cannot be bound.
    pub async fn start(count: usize) -> Result<Self, Box<dyn Error>> {
        let ending = CancellationToken::new();
        let mut endpoints = Vec::new();
        let mut serving = JoinSet::new();
        for _ in 0..count {
            let builder = Server::builder().heartbeat_interval(HEARTBEAT);
            let server = builder.bind("tcp://127.0.0.1:*").await?;
            endpoints.extend(server.last_endpoint());
            let ended = ending.clone().cancelled_owned();
            let responder = Responder::new(server);
            serving.spawn(responder.serve_with_shutdown(service_fn(tasks::perform), ended));
        }
        Ok(Self { endpoints, ending, serving })
    }

    /// Connects a client to all workers, and waits until one is connected.
    ///
    /// # Errors
    ///
    /// If the client cannot be connected.
    pub async fn connect(&self) -> Result<Client, Box<dyn Error>> {
        let client = Client::builder().heartbeat_interval(HEARTBEAT).build();
        for endpoint in &self.endpoints {
            client.connect(endpoint.clone()).await?;
        }
        if !self.endpoints.is_empty() {
            client.remotes().connected_timeout(CONNECT_LIMIT).await?;
        }
        Ok(client)
    }

    /// Lets each worker finish its requests.
    pub async fn end(self) {
        self.ending.cancel();
        self.serving.join_all().await;
    }
}

/// Workers that cannot be reached are dialed indefinitely. The error after this time contains the
/// last failure.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// A remote that fails silently is detected within twice this time, and pending calls fail.
const HEARTBEAT: Duration = Duration::from_secs(10);
