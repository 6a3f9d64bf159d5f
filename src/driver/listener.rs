//! A bound endpoint.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Shared, wind_down, within};
use crate::connection::{Connection, establish};
use crate::endpoint::Endpoint;
use crate::monitor::{DisconnectReason, EventKind, Subject};
use crate::peers::Hope;
use crate::remote::Origin;
use crate::routing::EndpointId;
use crate::transport::{self, Stream};

/// Accepts streams and owns the connections that come of them.
#[derive(Debug)]
pub(super) struct Listener {
    listener: transport::Listener,
    place: Place,
    connections: JoinSet<()>,
}

/// What the connections of one listener have in common.
#[derive(Clone, Debug)]
struct Place {
    id: EndpointId,
    endpoint: Endpoint,
    /// Cancelled by the driver.
    ended: CancellationToken,
    shared: Arc<Shared>,
}

impl Listener {
    pub(super) fn new(
        listener: transport::Listener,
        id: EndpointId,
        ended: CancellationToken,
        shared: Arc<Shared>,
    ) -> Self {
        let endpoint = listener.local_endpoint();
        let place = Place { id, endpoint, ended, shared };
        place.publish(|| EventKind::Listening);
        Self { listener, place, connections: JoinSet::new() }
    }

    /// Accepts until the endpoint is given up, then lets its connections finish. `release` is
    /// answered as soon as the address is free.
    pub(super) async fn run(mut self, hope: Hope, release: oneshot::Sender<()>) {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, origin)) => self.spawn(stream, origin),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections now");
                        let error = Arc::new(error);
                        self.place.publish(|| EventKind::AcceptFailed { error });
                        tokio::select! {
                            () = time::sleep(ACCEPT_PAUSE) => {}
                            () = self.place.ended.cancelled() => break,
                        }
                    }
                },
                Some(_) = self.connections.join_next() => {}
                () = self.place.ended.cancelled() => break,
            }
        }
        let Self { listener, place, connections } = self;
        drop(listener);
        drop(hope);
        place.publish(|| EventKind::Closed);
        let _ = release.send(());
        place.shared.routing.retire(place.id);
        wind_down(connections, place.shared.linger()).await;
    }

    fn spawn(&mut self, stream: Stream, origin: Origin) {
        let span = tracing::debug_span!("connection", remote = ?origin);
        self.connections.spawn(self.place.clone().serve(stream, origin).instrument(span));
    }
}

impl Place {
    /// Serves one accepted stream from its handshake to its end.
    async fn serve(self, stream: Stream, origin: Origin) {
        let Self { id, endpoint, ended, shared } = &self;
        let options = &shared.options;
        let connection_id = shared.peers.allot();
        let subject = Subject::endpoint(endpoint.clone()).connection(connection_id, origin);
        shared.publisher.publish(&subject, || EventKind::Accepted);
        let handshake = shared.handshake.clone();
        let (deadline, largest) = (options.handshake_interval, options.max_message_size);
        let established = tokio::select! {
            established = establish(stream, handshake, deadline, largest) => established,
            () = ended.cancelled() => return,
        };
        let (framed, peer) = match established {
            Ok(established) => established,
            Err(reason) => {
                tracing::warn!(error = &reason as &dyn std::error::Error, "refused a connection");
                shared.publisher.publish(&subject, || EventKind::HandshakeFailed { reason });
                return;
            }
        };
        let Some(mut attachment) = shared.routing.attach(*id, subject) else { return };
        // An endpoint is cancelled before its remotes are retired: this one is either among those,
        // or sees it here.
        if ended.is_cancelled() {
            return;
        }
        let joined = shared.join(&attachment, endpoint, (connection_id, origin), peer, 0);
        let reason = {
            let pipe = attachment.pipe();
            let connection = Connection::new(framed, &mut attachment, joined.remote(), options);
            let mut running = pin!(connection.run());
            tokio::select! {
                reason = &mut running => reason,
                () = joined.disconnected() => {
                    shared.routing.retire_pipe(pipe);
                    within(shared.linger(), running).await.unwrap_or(DisconnectReason::Closed)
                }
            }
        };
        joined.end(reason, &mut attachment, options.disconnect_message.as_ref());
    }

    fn publish(&self, kind: impl FnOnce() -> EventKind) {
        let subject = Subject::endpoint(self.endpoint.clone());
        self.shared.publisher.publish(&subject, kind);
    }
}

/// How long to wait when the system has no file descriptor for another connection: others may be
/// closed meanwhile, and the backlog keeps whoever dials.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
