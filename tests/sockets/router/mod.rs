//! ROUTER (RFC 28): remotes are addressed by their identities.

mod connect_identity;
mod duplicates;
mod exchange;
mod handover;
mod proxied;
mod unroutable;
mod wire;

use std::time::Duration;

use tokio_zmtp::monitor::{EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Builder, Dealer, Endpoint, Identity, Router};

use crate::events;
use crate::transports::Transport;

/// Returns a bound router and its endpoint.
async fn bound(builder: Builder<Router>, transport: Transport) -> (Router, Endpoint) {
    let router = builder.build();
    let endpoint = router.bind(transport.any()).await.unwrap();
    (router, endpoint)
}

/// Returns options for a dealer that announces an identity, and is refused repeatedly.
fn dealer(identity: &str) -> Builder<Dealer> {
    let builder = Dealer::builder().identity(self::identity(identity));
    builder
        .reconnect_interval(Duration::from_millis(1))
        .reconnect_interval_max(Duration::from_millis(2))
}

/// Returns a connected dealer that announces an identity, which no other remote may have.
async fn connected(identity: &str, endpoint: &Endpoint) -> Dealer {
    let dealer = dealer(identity).connect(endpoint).await.unwrap();
    dealer.remotes().connected().await.unwrap();
    dealer
}

/// Waits until a remote that is connected can be routed to.
async fn until_known(router: &Router, identity: &Identity) {
    while router.remote(identity).is_none() {
        tokio::task::yield_now().await;
    }
}

/// Waits until a handshake has failed. Returns the event and the reason.
async fn until_failed(monitor: &mut Monitor) -> (events::About, HandshakeFailure) {
    let event =
        events::until(monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    let about = events::about(&event);
    let EventKind::HandshakeFailed { reason } = event.kind else { unreachable!() };
    (about, reason)
}

/// Waits until a remote refuses this socket with a reason.
async fn until_refused(monitor: &mut Monitor, expected: &str) {
    let (_, failure) = until_failed(monitor).await;
    let HandshakeFailure::Refused { reason } = failure else { panic!("{failure:?}") };
    assert_eq!(reason, expected);
}

fn identity(text: &str) -> Identity {
    text.parse().unwrap()
}
