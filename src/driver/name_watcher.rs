//! Names whose addresses are all connected.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time;
use zmtp_proto::endpoint::Endpoint;

use super::backoff::Backoff;
use super::{SocketState, log, within};
use crate::monitor::{DialFailure, EventKind, EventSource};
use crate::remotes::RemoteSource;
use crate::transport;

/// Resolves a name repeatedly. The driver dials its addresses.
#[derive(Debug)]
pub(super) struct NameWatcher {
    endpoint: Endpoint,
    id: NameWatcherId,
    /// The driver has the other end.
    resolved: mpsc::Sender<Resolved>,
    /// Notified when a connection to one of the addresses has ended.
    lost: Arc<Notify>,
    shared: Arc<SocketState>,
    backoff: Backoff,
    /// Whether the last attempt failed.
    is_failing: bool,
}

/// Identifies a watched name of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameWatcherId(pub(super) u64);

/// The current addresses of a name.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) id: NameWatcherId,
    pub(super) addresses: Vec<Endpoint>,
}

impl NameWatcher {
    pub(super) fn new(
        endpoint: Endpoint,
        id: NameWatcherId,
        resolved: mpsc::Sender<Resolved>,
        lost: Arc<Notify>,
        shared: Arc<SocketState>,
    ) -> Self {
        let options = &shared.options;
        let interval = options.reconnect_interval.unwrap_or_default();
        let backoff = Backoff::new(interval, options.reconnect_interval_max);
        Self { endpoint, id, resolved, lost, shared, backoff, is_failing: false }
    }

    /// Watches the name until the driver ends it.
    pub(super) async fn run(mut self, source: RemoteSource) {
        loop {
            match self.resolve().await {
                Ok(addresses) => {
                    tracing::debug!(target: log::ENDPOINT, addresses = addresses.len(), "resolved");
                    self.is_failing = false;
                    self.backoff.reset();
                    let resolved = Resolved { id: self.id, addresses };
                    if self.resolved.send(resolved).await.is_err() {
                        return;
                    }
                    self.wait().await;
                }
                Err(failure) => {
                    self.report(&failure);
                    if self.shared.options.reconnect_interval.is_none() {
                        return self.shared.abandon(source, failure);
                    }
                    let delay = self.backoff.after_failure(fastrand::f64());
                    self.publish(EventKind::ConnectRetried { delay });
                    time::sleep(delay).await;
                }
            }
        }
    }

    async fn resolve(&self) -> Result<Vec<Endpoint>, DialFailure> {
        let options = &self.shared.options;
        let limit = options.connect_timeout;
        match within(limit, transport::resolve(&self.endpoint, &options.tcp)).await {
            Some(Ok(addresses)) => Ok(addresses),
            Some(Err(error)) => Err(DialFailure::Transport(Arc::new(error))),
            None => Err(DialFailure::TimedOut { limit: limit.unwrap_or_default() }),
        }
    }

    /// Waits until it is time to resolve the name again.
    async fn wait(&self) {
        // Many connections may end simultaneously. `lost` stores a notification meanwhile.
        time::sleep(PAUSE).await;
        let interval = self.shared.options.resolve_interval;
        let rest = interval.map(|interval| interval.saturating_sub(PAUSE));
        within(rest, self.lost.notified()).await;
    }

    fn report(&mut self, failure: &DialFailure) {
        let error = failure as &dyn std::error::Error;
        if mem::replace(&mut self.is_failing, true) {
            tracing::debug!(target: log::ENDPOINT, error, "cannot resolve");
        } else {
            tracing::warn!(target: log::ENDPOINT, error, "cannot resolve");
        }
        self.publish(EventKind::ConnectFailed { reason: failure.clone() });
        self.shared.remotes.fail(failure.clone());
    }

    fn publish(&self, kind: EventKind) {
        let subject = EventSource::endpoint(self.endpoint.clone());
        self.shared.publisher.publish(&subject, || kind);
    }
}

impl Drop for NameWatcher {
    fn drop(&mut self) {
        tracing::info!(target: log::ENDPOINT, "closed");
        self.publish(EventKind::Closed);
    }
}

/// The pause between resolutions: if a hundred hosts disconnect together, the name is resolved only
/// twice.
const PAUSE: Duration = Duration::from_secs(1);
