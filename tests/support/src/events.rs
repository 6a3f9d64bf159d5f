//! What a monitor tells, one event after the other.

use std::net::SocketAddr;

use tokio_zmtp::monitor::{DisconnectReason, DropCause, Event, EventKind, Monitor};
use tokio_zmtp::{ConnectionId, RoutingId};

/// What an event is about, next to the endpoint.
pub type About = (Option<SocketAddr>, Option<ConnectionId>, Option<RoutingId>);

/// Waits for the next event, none having been missed.
pub async fn next(monitor: &mut Monitor) -> Event {
    monitor.recv().await.unwrap().unwrap()
}

/// Waits for an event, and passes over those before it.
pub async fn until(monitor: &mut Monitor, wanted: impl Fn(&EventKind) -> bool) -> Event {
    loop {
        let event = next(monitor).await;
        if wanted(&event.kind) {
            return event;
        }
    }
}

/// Waits until a remote has finished its handshake.
pub async fn until_established(monitor: &mut Monitor) -> Event {
    until(monitor, |kind| matches!(kind, EventKind::HandshakeSucceeded)).await
}

/// Waits until a connection has ended; returns why.
pub async fn until_disconnected(monitor: &mut Monitor) -> DisconnectReason {
    loop {
        if let EventKind::Disconnected { reason } = next(monitor).await.kind {
            return reason;
        }
    }
}

/// Waits until so many messages were dropped for one cause, and none for another; returns what the
/// last event is about.
pub async fn until_dropped(monitor: &mut Monitor, expected: u64, because: DropCause) -> About {
    let mut dropped = 0;
    loop {
        let event = until(monitor, |kind| matches!(kind, EventKind::MessagesDropped { .. })).await;
        if let EventKind::MessagesDropped { messages, cause } = event.kind {
            assert_eq!(cause, because);
            dropped += messages;
            assert!(dropped <= expected, "{dropped} of {expected}");
            if dropped == expected {
                return about(&event);
            }
        }
    }
}

/// Reads what is left after the end of a socket.
pub async fn rest(mut monitor: Monitor) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = monitor.recv().await {
        events.push(event.unwrap());
    }
    events
}

pub fn about(event: &Event) -> About {
    (event.address, event.connection_id, event.routing_id)
}

pub const NO_CONNECTION: About = (None, None, None);
