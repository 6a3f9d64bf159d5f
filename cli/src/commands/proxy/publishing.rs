//! The statistics of a proxy, published for `zmtp top`.

use std::time::Duration;

use tokio::time::{self, MissedTickBehavior};
use tokio_zmtp::Pub;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::proxy::ProxyHandle;
use tokio_zmtp::snapshot::Snapshot;

use crate::arguments::check;
use crate::exit::{Exit, Failure, with_sources};
use crate::output::notice;

/// A socket that publishes snapshots.
pub(super) struct Publishing {
    socket: Pub,
    name: String,
}

impl Publishing {
    /// Binds to an endpoint after `@`, or connects to another.
    pub(super) async fn start(name: &str, endpoint: &str) -> Result<Self, Failure> {
        check(endpoint.strip_prefix('@').unwrap_or(endpoint))?;
        let socket = Pub::new();
        match endpoint.strip_prefix('@') {
            Some(endpoint) => {
                let bound = socket.bind(endpoint).await;
                let bound =
                    bound.map_err(|error| Failure::new(Exit::Failure, with_sources(&error)))?;
                notice::info(&format!("publishing statistics at {bound}"));
            }
            None => {
                let connected = socket.connect(endpoint).await;
                connected.map_err(|error| Failure::usage(with_sources(&error)))?;
            }
        }
        Ok(Self { socket, name: name.to_owned() })
    }

    /// Publishes a snapshot immediately and then once a second.
    pub(super) async fn run(&self, frontend: &AnySocket, backend: &AnySocket, proxy: &ProxyHandle) {
        let mut ticks = time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let snapshot = Snapshot::new(self.name.as_str())
                .with_any_socket("frontend", frontend)
                .with_any_socket("backend", backend)
                .with_proxy("proxy", proxy);
            let Ok(json) = serde_json::to_vec(&snapshot) else { continue };
            // A subscriber whose queue is full misses it.
            let _ = self.socket.send([Snapshot::TOPIC.as_bytes(), &json]).await;
        }
    }
}

const INTERVAL: Duration = Duration::from_secs(1);
