//! The path of events to monitors.

use std::net::SocketAddr;

use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::identity::Identity;

use super::{Event, EventKind, Monitor};
use crate::connection_id::ConnectionId;
use crate::remote::{Origin, Remote};
use crate::routing_id::RoutingId;
use crate::sync::Lock;

/// The source of a socket's events. Without monitors, events are neither created nor kept.
#[derive(Debug, Default)]
pub(crate) struct EventPublisher(Lock<Subscriptions>);

#[derive(Debug, Default)]
enum Subscriptions {
    /// There has been no monitor yet.
    #[default]
    Unwatched,
    Watched(broadcast::Sender<Event>),
    /// No further events follow.
    Ended,
}

/// The endpoint and connection of an event.
#[derive(Clone, Debug)]
pub(crate) struct EventSource {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) connection_id: Option<ConnectionId>,
    pub(crate) routing_id: Option<RoutingId>,
    /// Boxed, because it is rare, and every attachment has a source.
    pub(crate) identity: Option<Box<Identity>>,
}

impl EventPublisher {
    /// Creates a monitor.
    pub(crate) fn monitor(&self) -> Monitor {
        let mut state = self.0.lock();
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
        // This wakes monitors, which must not happen under a lock.
        let events = match &*self.0.lock() {
            Subscriptions::Watched(events) => events.clone(),
            Subscriptions::Unwatched | Subscriptions::Ended => return,
        };
        let EventSource { endpoint, address, connection_id, routing_id, identity } =
            subject.clone();
        let identity = identity.map(|identity| *identity);
        let kind = kind();
        // It is not an error if there is no monitor left.
        let _ = events.send(Event { endpoint, address, connection_id, routing_id, identity, kind });
    }

    /// Ends all monitors once they have read the published events.
    pub(crate) fn end(&self) {
        *self.0.lock() = Subscriptions::Ended;
    }
}

impl EventSource {
    pub(crate) const fn endpoint(endpoint: Endpoint) -> Self {
        Self { endpoint, address: None, connection_id: None, routing_id: None, identity: None }
    }

    /// Returns the source for a connection of the endpoint, before its handshake.
    pub(crate) fn connection(&self, id: ConnectionId, origin: Origin) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            address: origin.address,
            connection_id: Some(id),
            routing_id: None,
            identity: None,
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
            identity: remote.identity().cloned().map(Box::new),
        }
    }
}

/// The events that wait for a monitor that is not read. A thousand connections cause four each as
/// they begin and end. The memory, about 200 KiB, is allocated with the first monitor.
const EVENTS: usize = 1_024;
