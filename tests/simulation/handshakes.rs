//! Handshakes over streams that buffer one byte, while heartbeats are due.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::time;
use tokio_zmtp::{Client, Server};

use crate::scenario::{run, seeds};

#[test]
fn ends_that_wait_for_one_another_to_read_complete_their_handshake() {
    for seed in seeds() {
        run(seed, async |_| {
            let (server, client) = sockets();
            let (near, far) = slow_stream();
            server.attach(near).await.unwrap();
            client.attach(far).await.unwrap();
            exchange(&server, &client).await;
        });
    }
}

#[cfg(feature = "ws")]
#[test]
fn pings_of_websockets_do_not_block_a_handshake() {
    use tokio_zmtp::Mechanism;
    use tokio_zmtp::ws::{WebSocketAcceptor, WebSocketConnector};

    for seed in seeds() {
        run(seed, async |_| {
            let (server, client) = sockets();
            let (near, far) = slow_stream();
            let acceptor = WebSocketAcceptor::new(&Mechanism::Null).heartbeat(INTERVAL, TIMEOUT);
            let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/");
            let connector = connector.heartbeat(INTERVAL, TIMEOUT);
            let (accepted, connected) =
                tokio::try_join!(acceptor.accept(near), connector.connect(far)).unwrap();
            server.attach(accepted).await.unwrap();
            client.attach(connected).await.unwrap();
            exchange(&server, &client).await;
        });
    }
}

fn sockets() -> (Server, Client) {
    let server = Server::builder().heartbeat_interval(INTERVAL).heartbeat_timeout(TIMEOUT).build();
    let client = Client::builder().heartbeat_interval(INTERVAL).heartbeat_timeout(TIMEOUT).build();
    (server, client)
}

/// Exchanges messages before a handshake can time out.
async fn exchange(server: &Server, client: &Client) {
    let exchanging = async {
        client.send("hello").await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, "world").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "world");
    };
    time::timeout(LIMIT, exchanging).await.unwrap();
}

/// Returns the ends of a stream whose bytes pass one by one, each after a random time.
fn slow_stream() -> (DuplexStream, DuplexStream) {
    let ((near, one), (far, other)) = (duplex(1), duplex(1));
    let ((from_near, to_near), (from_far, to_far)) = (split(one), split(other));
    tokio::spawn(pass(from_near, to_far));
    tokio::spawn(pass(from_far, to_near));
    (near, far)
}

async fn pass(mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>) {
    while let Ok(byte) = from.read_u8().await {
        time::sleep(Duration::from_micros(fastrand::u64(0..2_000))).await;
        if to.write_u8(byte).await.is_err() {
            return;
        }
    }
}

const INTERVAL: Duration = Duration::from_millis(1);

/// Longer than a frame takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Shorter than `handshake_interval`.
const LIMIT: Duration = Duration::from_secs(15);
