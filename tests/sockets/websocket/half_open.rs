//! Many remotes that begin an upgrade and do not complete it.

use tokio::io::AsyncWriteExt;
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Client, Server};

use super::{at, dial};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn unfinished_requests_occupy_only_the_half_open_connections() {
    let _watchdog = Watchdog::start();
    const LIMIT: usize = 16;
    let server = Server::builder()
        .max_half_open(LIMIT)
        .max_half_open_per_address(LIMIT)
        .bind("ws://127.0.0.1:*/zmq")
        .await
        .unwrap();
    let honest = Client::builder().connect(at(&server, "/zmq")).await.unwrap();
    honest.send("before").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "before");
    let mut monitor = server.monitor();
    let mut unfinished = Vec::new();
    for number in 0..LIMIT * 2 {
        let mut stream = dial(&server).await;
        // Half of them send nothing.
        if number % 2 == 0 {
            stream.write_all(b"GET /zmq HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        }
        unfinished.push(stream);
    }
    for _ in 0..LIMIT {
        let failed =
            events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        let EventKind::HandshakeFailed { reason } = failed.await.kind else { unreachable!() };
        assert!(matches!(reason, HandshakeFailure::TooManyHalfOpen), "{reason}");
    }
    let late = Client::builder().connect(at(&server, "/zmq")).await.unwrap();
    for client in [&honest, &late] {
        client.send("after").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "after");
    }
}
