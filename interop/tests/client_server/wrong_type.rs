//! A socket of an incompatible type is refused, without any effect on other remotes.

use interop::{EventKind, Monitor, SocketType};
use tokio::time;

use crate::pairing::{
    ANY_PORT, ClientSide, DEFAULT_HWM, POLL_INTERVAL, ServerSide, Side, greet, guarded,
};
use crate::{ours, theirs};

#[tokio::test]
async fn a_dealer_that_connects_to_our_server_is_refused() {
    guarded(async {
        let server = ours::server(DEFAULT_HWM);
        let endpoint = server.bind(ANY_PORT).await;
        let client = theirs::client(DEFAULT_HWM);
        client.connect(&endpoint).await;

        let dealer = theirs::socket(SocketType::Dealer, DEFAULT_HWM);
        let monitor = dealer.monitor().unwrap();
        dealer.connect(&endpoint).unwrap();
        dealer.send(b"hello from a dealer").unwrap();
        serves_only_its_client(&client, &server, &monitor).await;
    })
    .await;
}

#[tokio::test]
async fn a_dealer_that_our_server_connects_to_is_refused() {
    guarded(async {
        let dealer = theirs::socket(SocketType::Dealer, DEFAULT_HWM);
        let monitor = dealer.monitor().unwrap();
        dealer.bind(ANY_PORT).unwrap();

        let server = ours::server(DEFAULT_HWM);
        let client = theirs::client(DEFAULT_HWM);
        client.connect(&server.bind(ANY_PORT).await).await;
        server.connect(&dealer.last_endpoint().unwrap()).await;
        serves_only_its_client(&client, &server, &monitor).await;
    })
    .await;
}

/// Expects the handshake of the dealer to fail, and the client to be served meanwhile.
async fn serves_only_its_client(
    client: &impl ClientSide,
    server: &impl ServerSide,
    monitor: &Monitor,
) {
    // Fails if the dealer's message arrives.
    let id = greet(client, server).await;
    while !is_refused(monitor) {
        assert_eq!(greet(client, server).await, id);
        time::sleep(POLL_INTERVAL).await;
    }
    for _ in 0..10 {
        assert_eq!(greet(client, server).await, id);
    }
}

/// Reads the events so far, and returns whether the handshake has failed.
fn is_refused(monitor: &Monitor) -> bool {
    let mut refused = false;
    while let Some(event) = monitor.try_next().unwrap() {
        assert_ne!(event.kind, EventKind::HandshakeSucceeded);
        refused |= event.kind == EventKind::Disconnected || event.kind.is_handshake_failure();
    }
    refused
}
