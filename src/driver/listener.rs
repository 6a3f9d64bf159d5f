//! Bound endpoints.

mod admission;
mod serving;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "ws")]
mod websocket;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{self, JoinSet};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use zmtp_proto::endpoint::Endpoint;

use super::acceptor::Acceptor;
use super::half_open::HalfOpen;
use super::incoming::Incoming;
use super::log;
use super::{SocketState, wind_down};
use crate::monitor::{EventKind, EventSource, HandshakeFailure};
use crate::platform::errors::is_out_of_file_descriptors;
use crate::quota::{Quotas, within_quota};
use crate::remotes::RemoteSource;
use crate::routing::EndpointId;

/// Accepts remotes and owns their connections.
#[derive(Debug)]
pub(super) struct Listener {
    acceptor: Acceptor,
    state: Arc<ListenerState>,
    connections: JoinSet<()>,
}

/// The state that the connections of one listener share.
#[derive(Debug)]
struct ListenerState {
    id: EndpointId,
    endpoint: Endpoint,
    /// Cancelled by the driver.
    ended: CancellationToken,
    shared: Arc<SocketState>,
    half_open: Arc<HalfOpen>,
    quotas: Arc<Quotas>,
    /// The turn of the key of the server that the next handshake uses in the client's role.
    server_key_turn: AtomicUsize,
}

impl Listener {
    pub(super) fn new(
        acceptor: Acceptor,
        id: EndpointId,
        ended: CancellationToken,
        shared: Arc<SocketState>,
    ) -> Self {
        let endpoint = acceptor.local_endpoint();
        let half_open = Arc::new(HalfOpen::new(&shared.options));
        let state = Arc::new(ListenerState {
            id,
            endpoint,
            ended,
            shared,
            half_open,
            quotas: Arc::default(),
            server_key_turn: AtomicUsize::new(0),
        });
        if acceptor.is_bound() {
            state.publish(|| EventKind::Listening);
        }
        Self { acceptor, state, connections: JoinSet::new() }
    }

    /// Accepts until the endpoint ends, then lets its connections finish. `release` is
    /// notified as soon as the address is free. Without a `source`, no remote is expected.
    pub(super) async fn run(mut self, source: Option<RemoteSource>, release: oneshot::Sender<()>) {
        let is_bound = self.acceptor.is_bound();
        if is_bound {
            tracing::info!(target: log::ENDPOINT, "listening");
        }
        let accepting = self.state.shared.remotes.arrive();
        self.accept().await;
        let Self { acceptor, state, mut connections } = self;
        drop(acceptor);
        drop(accepting);
        drop(source);
        if is_bound {
            tracing::info!(target: log::ENDPOINT, "closed");
            state.publish(|| EventKind::Closed);
        }
        let _ = release.send(());
        // If only accepting has stopped, connections continue until the endpoint ends.
        let serving = async { while connections.join_next().await.is_some() {} };
        tokio::select! {
            () = serving => {}
            () = state.ended.cancelled() => {}
        }
        state.shared.routing.retire(state.id);
        wind_down(connections, state.shared.linger()).await;
    }

    /// Accepts until the endpoint ends. When this returns, no part of it is left waiting and could
    /// consume a wake-up.
    async fn accept(&mut self) {
        let mut accepted_in_a_row = 0;
        let shared = Arc::clone(&self.state.shared);
        let mut is_paused = false;
        let mut pausing = pin!(shared.routing.change(is_paused));
        loop {
            tokio::select! {
                changed = &mut pausing => {
                    is_paused = changed;
                    pausing.set(shared.routing.change(is_paused));
                    shared.paused(is_paused, &self.state.endpoint, &self.state.quotas);
                }
                accepted = self.acceptor.accept(), if !is_paused => match accepted {
                    Ok(incoming) => {
                        self.spawn(incoming);
                        accepted_in_a_row += 1;
                        if accepted_in_a_row == ACCEPTS_PER_WAKE {
                            accepted_in_a_row = 0;
                            task::yield_now().await;
                        }
                    }
                    Err(error) => {
                        within_quota!(
                            self.state.quotas.accept_failed,
                            warn,
                            target: log::ENDPOINT,
                            %error,
                            "cannot accept connections",
                        );
                        // Otherwise, remotes that connect and stay silent would keep all others out.
                        let has_room = is_out_of_file_descriptors(&error)
                            && self.state.half_open.make_room();
                        let error = Arc::new(error);
                        self.state.publish(|| EventKind::AcceptFailed { error });
                        let pause = if has_room { EVICTION_PAUSE } else { ACCEPT_PAUSE };
                        tokio::select! {
                            () = time::sleep(pause) => {}
                            () = self.state.ended.cancelled() => return,
                            () = self.state.shared.full.cancelled() => return,
                        }
                    }
                },
                Some(_) = self.connections.join_next() => {}
                () = self.state.ended.cancelled() => return,
                () = self.state.shared.full.cancelled() => return,
            }
        }
    }

    fn spawn(&mut self, incoming: Incoming) {
        // While connections arrive continuously, `accept` might not await the tasks that have ended,
        // and would keep their memory.
        while self.connections.try_join_next().is_some() {}
        let ListenerState { endpoint, shared, .. } = &*self.state;
        let mut origin = incoming.origin();
        if incoming.is_proxied(&shared.options) {
            // Its socket is known only after the handshake.
            origin.proxy_address = origin.address.take();
        }
        let attached = incoming.endpoint();
        let endpoint = attached.as_ref().unwrap_or(endpoint);
        let span = shared.connection_span(endpoint, origin);
        if let Incoming::HandOver(call) = &incoming {
            span.follows_from(&call.span);
        }
        let arriving = self.state.shared.remotes.arrive();
        let address = incoming.address_of_stream().filter(|_| origin.proxy_address.is_none());
        if address.is_some_and(|address| !self.state.half_open.admits(address)) {
            // Reported from here: a refusal needs no task.
            span.in_scope(|| {
                let (_, subject) = self.state.accepted(endpoint.clone(), origin, arriving);
                self.state.refuse(&subject, origin, HandshakeFailure::TooManyHalfOpen);
            });
            return;
        }
        let state = Arc::clone(&self.state);
        // Tasks of types of their own: those of other transports do not reserve space for them.
        match &self.state.endpoint {
            #[cfg(feature = "tls")]
            Endpoint::Tls(_) => {
                self.connections.spawn(state.serve_tls(incoming, arriving).instrument(span))
            }
            #[cfg(feature = "ws")]
            Endpoint::WebSocket(_) => {
                self.connections.spawn(state.serve_websocket(incoming, arriving).instrument(span))
            }
            _ => self.connections.spawn(state.serve(incoming, arriving).instrument(span)),
        };
    }
}

impl ListenerState {
    fn publish(&self, kind: impl FnOnce() -> EventKind) {
        let subject = EventSource::endpoint(self.endpoint.clone());
        self.shared.publisher.publish(&subject, kind);
    }
}

/// The number of connections that are accepted before the listener yields.
const ACCEPTS_PER_WAKE: u32 = 16;

/// The pause when the system has no file descriptor for another connection: others may be
/// closed in between, and the backlog holds new ones.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The pause when a handshake has been evicted instead. Its connection is closed in between, and a
/// handshake that progresses is completed before many others have been accepted.
const EVICTION_PAUSE: Duration = Duration::from_millis(1);
