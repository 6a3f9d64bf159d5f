//! Keys of CURVE that change while sockets use them.

mod load;
mod revocation;
mod rotation;

use std::time::Duration;

use tokio::time;
use tokio_zmtp::auth::{ClientKeys, CurveKeypair, CurvePublicKey, ServerKeys};
use tokio_zmtp::monitor::{EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Builder, Client, Endpoint, Mechanism, Server};

/// Returns the builder of a server with these keys.
fn server_with(keys: &ServerKeys) -> Builder<Server> {
    Server::builder().mechanism(Mechanism::curve_server(keys.clone()))
}

/// Returns the builder of a client with these keys, which reconnects early.
fn client_with(keys: impl Into<ClientKeys>) -> Builder<Client> {
    Client::builder()
        .mechanism(Mechanism::curve_client(keys))
        .reconnect_interval(Duration::from_millis(2))
}

/// Connects a client that knows this key of the server, and exchanges messages.
async fn connect(server: &Server, server_key: CurvePublicKey) -> Client {
    let client = client_with(server_key).connect(endpoint(server)).await.unwrap();
    exchange(&client, server).await;
    client
}

/// Exchanges messages in both directions.
async fn exchange(client: &Client, server: &Server) {
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

fn endpoint(server: &Server) -> Endpoint {
    server.last_endpoint().unwrap()
}

/// Waits until a handshake fails.
async fn failure(events: &mut Monitor) -> HandshakeFailure {
    loop {
        if let EventKind::HandshakeFailed { reason } = next(events).await {
            return reason;
        }
    }
}

async fn next(events: &mut Monitor) -> EventKind {
    events.recv().await.unwrap().unwrap().kind
}

/// Lets the clock of the runtime advance.
async fn advance(duration: Duration) {
    time::pause();
    time::advance(duration).await;
    time::resume();
}

fn pairs<const N: usize>() -> [CurveKeypair; N] {
    [(); N].map(|()| CurveKeypair::generate())
}

const ANY_PORT: &str = "tcp://127.0.0.1:*";
const WINDOW: Duration = Duration::from_secs(3_600);
