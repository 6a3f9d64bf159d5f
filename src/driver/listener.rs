//! A bound endpoint.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{RemoteConfig, wind_down};
use crate::connection::{Connection, establish};
use crate::routing::EndpointId;
use crate::transport::{self, Stream};

/// Accepts streams and owns the connections that come of them.
#[derive(Debug)]
pub(super) struct Listener {
    listener: transport::Listener,
    id: EndpointId,
    /// Cancelled by the driver.
    ended: CancellationToken,
    config: Arc<RemoteConfig>,
    connections: JoinSet<()>,
}

impl Listener {
    pub(super) fn new(
        listener: transport::Listener,
        id: EndpointId,
        ended: CancellationToken,
        config: Arc<RemoteConfig>,
    ) -> Self {
        Self { listener, id, ended, config, connections: JoinSet::new() }
    }

    /// Accepts until the endpoint is given up, then lets its connections finish. `release` is
    /// answered as soon as the address is free.
    pub(super) async fn run(mut self, release: oneshot::Sender<()>) {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => self.spawn(stream, address),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections now");
                        tokio::select! {
                            () = time::sleep(ACCEPT_PAUSE) => {}
                            () = self.ended.cancelled() => break,
                        }
                    }
                },
                Some(_) = self.connections.join_next() => {}
                () = self.ended.cancelled() => break,
            }
        }
        let Self { listener, id, config, connections, .. } = self;
        drop(listener);
        let _ = release.send(());
        config.routing.retire(id);
        wind_down(connections, config.options.linger).await;
    }

    fn spawn(&mut self, stream: Stream, address: SocketAddr) {
        let span = tracing::debug_span!("connection", remote = %address);
        let serve = serve(stream, self.id, self.ended.clone(), Arc::clone(&self.config));
        self.connections.spawn(serve.instrument(span));
    }
}

/// Serves one accepted stream from its handshake to its end.
async fn serve(
    stream: Stream,
    id: EndpointId,
    ended: CancellationToken,
    config: Arc<RemoteConfig>,
) {
    let handshake = config.handshake.clone();
    let options = &config.options;
    let established = tokio::select! {
        established = establish(
            stream,
            handshake,
            options.handshake_interval,
            options.max_message_size,
        ) => established,
        () = ended.cancelled() => return,
    };
    let framed = match established {
        Ok((framed, _)) => framed,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "refused a connection");
            return;
        }
    };
    let Some(mut attachment) = config.attach(id) else { return };
    // An endpoint is cancelled before its remotes are retired: this one is either among those, or
    // sees it here.
    if ended.is_cancelled() {
        return;
    }
    tracing::debug!(routing_id = ?attachment.routing_id(), "accepted");
    let reason = Connection::new(framed, &mut attachment, options.heartbeat).run().await;
    tracing::debug!(reason = &reason as &dyn std::error::Error, "disconnected");
}

/// How long to wait when the system has no file descriptor for another connection: others may be
/// closed meanwhile, and the backlog keeps whoever dials.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
