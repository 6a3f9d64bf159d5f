//! From where things happen to those who watch.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::{Event, EventKind, Monitor};
use crate::connection_id::ConnectionId;
use crate::endpoint::Endpoint;
use crate::remote::{Origin, Remote};
use crate::routing_id::RoutingId;

/// The source of a socket's events. Nothing is made or kept while nobody watches.
#[derive(Debug, Default)]
pub(crate) struct Publisher(Mutex<Subscriptions>);

#[derive(Debug, Default)]
enum Subscriptions {
    /// Nobody has watched yet.
    #[default]
    Unwatched,
    Watched(broadcast::Sender<Event>),
    /// There will be no more events.
    Ended,
}

/// What an event happens to.
#[derive(Clone, Debug)]
pub(crate) struct EventSource {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) connection_id: Option<ConnectionId>,
    pub(crate) routing_id: Option<RoutingId>,
}

impl Publisher {
    /// Watches from now on.
    pub(crate) fn monitor(&self) -> Monitor {
        let mut state = self.state();
        if let Subscriptions::Unwatched = *state {
            *state = Subscriptions::Watched(broadcast::Sender::new(EVENTS));
        }
        let events = match &*state {
            Subscriptions::Watched(events) => Some(BroadcastStream::new(events.subscribe())),
            Subscriptions::Unwatched | Subscriptions::Ended => None,
        };
        Monitor { events }
    }

    pub(crate) fn publish(&self, subject: &EventSource, kind: impl FnOnce() -> EventKind) {
        // Monitors are woken by this, which is not done under a lock.
        let events = match &*self.state() {
            Subscriptions::Watched(events) => events.clone(),
            Subscriptions::Unwatched | Subscriptions::Ended => return,
        };
        let EventSource { endpoint, address, connection_id, routing_id } = subject.clone();
        // That nobody watches any more is no error.
        let _ = events.send(Event { endpoint, address, connection_id, routing_id, kind: kind() });
    }

    /// Ends all monitors, once they have read what is published.
    pub(crate) fn end(&self) {
        *self.state() = Subscriptions::Ended;
    }

    fn state(&self) -> MutexGuard<'_, Subscriptions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSource {
    pub(crate) const fn endpoint(endpoint: Endpoint) -> Self {
        Self { endpoint, address: None, connection_id: None, routing_id: None }
    }

    /// The same endpoint's connection, before its handshake.
    pub(crate) fn connection(&self, id: ConnectionId, origin: Origin) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            address: origin.address,
            connection_id: Some(id),
            routing_id: None,
        }
    }
}

impl From<&Remote> for EventSource {
    fn from(remote: &Remote) -> Self {
        Self {
            endpoint: remote.endpoint().clone(),
            address: remote.address(),
            connection_id: Some(remote.connection_id()),
            routing_id: remote.routing_id(),
        }
    }
}

/// How many events wait for a monitor that is not read. A thousand connections make four each as they
/// come and go; the memory, some 200 KiB, is taken when the first monitor is made.
const EVENTS: usize = 1_024;
