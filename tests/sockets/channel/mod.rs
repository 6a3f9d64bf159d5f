//! CHANNEL: exactly one remote.

mod handshakes;
mod occupied;
mod only_remote;
mod traffic;

use tokio_zmtp::monitor::{DialFailure, EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Builder, Channel, Endpoint, Mechanism};

use crate::events;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;
use crate::{remote, transports};

/// Returns a bound channel and its endpoint.
async fn bound(transport: Transport) -> (Channel, Endpoint) {
    let channel = Channel::new();
    let endpoint = channel.bind(transport.any()).await.unwrap();
    (channel, endpoint)
}

/// Returns a channel that is connected to `endpoint`, whose channel must have no other remote.
async fn connected(endpoint: &Endpoint) -> Channel {
    let channel = quick().connect(endpoint).await.unwrap();
    channel.remotes().connected().await.unwrap();
    channel
}

/// Returns options for a channel that is refused repeatedly.
fn quick() -> Builder<Channel> {
    use std::time::Duration;
    let builder = Channel::builder().reconnect_interval(Duration::from_millis(1));
    builder.reconnect_interval_max(Duration::from_millis(2))
}

/// Waits until a handshake has failed. Returns the event and the reason.
async fn until_failed(monitor: &mut Monitor) -> (events::About, HandshakeFailure) {
    let event =
        events::until(monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    let about = events::about(&event);
    let EventKind::HandshakeFailed { reason } = event.kind else { unreachable!() };
    (about, reason)
}

/// Waits until a channel is refused because the remote is occupied.
async fn until_refused(monitor: &mut Monitor) {
    let (_, failure) = until_failed(monitor).await;
    assert_occupied(&failure);
}

fn assert_occupied(failure: &HandshakeFailure) {
    let HandshakeFailure::Refused { reason } = failure else { panic!("{failure:?}") };
    assert_eq!(reason, "occupied");
}
