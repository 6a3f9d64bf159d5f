//! How a responder ends without losing a request.
//!
//! It stops accepting remotes, and notifies the connected ones that it drains. A requester that knows
//! this notice sends no more requests and acknowledges it. Until the acknowledgement arrives, its
//! requests are served, because they were sent before it received the notice. When all have
//! acknowledged, no request can arrive any more, and the connections can be closed without losing one.
//! The requests of a remote that does not acknowledge in time, because it does not know the notice or is
//! stuck, are refused from then on.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio_stream::wrappers::WatchStream;

use crate::connection_id::ConnectionId;
use crate::error::TryRouteError;
use crate::remote::Remote;
use crate::routing_id::RoutingId;
use crate::rpc::envelope::{CONNECTION, Content};
use crate::rpc::unaddressed;
use crate::runtime::Timer;
use crate::socket::tracked::Presence;
use crate::socket::{Server, Socket};

/// Which remotes know that the responder drains, and which have acknowledged it.
#[derive(Debug)]
pub(super) struct Draining {
    server: Server,
    notified: HashMap<RoutingId, Notified>,
    presence: Pin<Box<WatchStream<Presence>>>,
    /// How many listeners still accept, and how many remotes are in their handshake.
    arriving: usize,
    grace: Timer,
    /// Remotes that have not acknowledged are refused.
    is_overdue: bool,
}

/// A remote that was sent the notice.
#[derive(Clone, Copy, Debug)]
struct Notified {
    connection: ConnectionId,
    has_acknowledged: bool,
}

impl Draining {
    /// Begins: accepts no more remotes, and notifies those that are connected.
    pub(super) fn start(server: &Server) -> Self {
        let presence = server.presence();
        server.stop_accepting();
        let mut draining = Self {
            server: server.clone(),
            notified: HashMap::new(),
            presence: Box::pin(WatchStream::new(presence)),
            arriving: 0,
            grace: None,
            is_overdue: false,
        };
        draining.notify_all();
        draining
    }

    /// Whether a request of a remote is still accepted.
    pub(super) fn admits(&mut self, remote: &Remote) -> bool {
        self.notify(remote);
        let has_acknowledged = self.find(remote).is_none_or(|told| told.has_acknowledged);
        !has_acknowledged && !self.is_overdue
    }

    /// Notes that no more requests come from a remote.
    pub(super) fn acknowledge(&mut self, remote: &Remote) {
        if let Some(notified) = self.find(remote) {
            notified.has_acknowledged = true;
        }
    }

    /// Ready when no remote can send another request that would be accepted.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(presence)) = self.presence.as_mut().poll_next(cx) {
            self.arriving = presence.arriving;
            self.notify_all();
        }
        let is_settled =
            self.arriving == 0 && self.notified.values().all(|notified| notified.has_acknowledged);
        let Self { server, grace, .. } = self;
        self.is_overdue =
            self.is_overdue || server.runtime().poll_sleep(grace, GRACE, cx).is_ready();
        if is_settled || self.is_overdue { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Notifies new remotes, and removes those that have gone.
    fn notify_all(&mut self) {
        let remotes = self.server.remotes();
        for remote in &remotes {
            self.notify(remote);
        }
        if self.notified.len() > remotes.len() {
            let mut connected: HashMap<_, _> = remotes
                .iter()
                .filter_map(|remote| Some((remote.routing_id()?, remote.connection_id())))
                .collect();
            self.notified.retain(|id, told| connected.remove(id) == Some(told.connection));
        }
    }

    /// Notifies a remote, unless that was done through the same connection.
    fn notify(&mut self, remote: &Remote) {
        let Some(routing_id) = remote.routing_id() else { return };
        let connection = remote.connection_id();
        if self.find(remote).is_some() {
            return;
        }
        self.notified.insert(routing_id, Notified { connection, has_acknowledged: false });
        let notice = unaddressed::message(CONNECTION, Content::Drain);
        if let Err(TryRouteError::Full(notice)) = self.server.try_route(notice, routing_id) {
            let server = self.server.clone();
            // It ends when there is room, the remote leaves, or the server is closed.
            self.server.runtime().spawn(async move {
                let _ = server.route(notice, routing_id).await;
            });
        }
    }

    fn find(&mut self, remote: &Remote) -> Option<&mut Notified> {
        let notified = self.notified.get_mut(&remote.routing_id()?)?;
        (notified.connection == remote.connection_id()).then_some(notified)
    }
}

/// How long remotes have for the acknowledgement, which takes a round trip. It is enough for any
/// network, and short enough for a process that has to end while connected remotes do not know the
/// notice. Go's HTTP/2 server waits as long after its GOAWAY.
const GRACE: Duration = Duration::from_secs(1);
