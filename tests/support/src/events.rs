//! Functions that wait for events of a monitor.

use std::net::SocketAddr;

use tokio_zmtp::monitor::{DisconnectReason, DropCause, Event, EventKind, Monitor};
use tokio_zmtp::{ConnectionId, RoutingId};

/// The properties of an event in addition to its endpoint.
pub type About = (Option<SocketAddr>, Option<ConnectionId>, Option<RoutingId>);

/// Waits for the next event, and checks that none was missed.
pub async fn next(monitor: &mut Monitor) -> Event {
    monitor.recv().await.unwrap().unwrap()
}

/// Waits for a matching event, and skips earlier ones.
pub async fn until(monitor: &mut Monitor, wanted: impl Fn(&EventKind) -> bool) -> Event {
    loop {
        let event = next(monitor).await;
        if wanted(&event.kind) {
            return event;
        }
    }
}

/// Waits until a remote has completed its handshake.
pub async fn until_established(monitor: &mut Monitor) -> Event {
    until(monitor, |kind| matches!(kind, EventKind::HandshakeSucceeded)).await
}

/// Waits until a connection has ended. Returns the reason.
pub async fn until_disconnected(monitor: &mut Monitor) -> DisconnectReason {
    loop {
        if let EventKind::Disconnected { reason, .. } = next(monitor).await.kind {
            return reason;
        }
    }
}

/// Waits until `expected` messages were dropped for the cause `because`, and none for another.
/// Returns the subject of the last event.
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

/// Reads the remaining events after the end of a socket.
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
