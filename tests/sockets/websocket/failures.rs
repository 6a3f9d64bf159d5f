//! Both ends report why a WebSocket is refused, and the remote is not dialed again soon.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_zmtp::monitor::{DialFailure, EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::ws::UpgradeError;
use tokio_zmtp::{Builder, Client, Mechanism, Server};

use super::{NULL, at, dial, request};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn bad_requests_get_a_status_and_others_are_served() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .websocket_origins(["https://example.org"])
        .bind("ws://127.0.0.1:*/zmq")
        .await
        .unwrap();
    let client = Client::builder().connect(at(&server, "/zmq")).await.unwrap();
    client.send("before").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "before");
    let long = format!("X: {}\r\n", "x".repeat(9_000));
    for (path, headers, status) in [
        ("/other", NULL, "404"),
        ("/zmq", "", "426"),
        ("/zmq", "Sec-WebSocket-Version: 8\r\n", "426"),
        ("/zmq", "Sec-WebSocket-Version: 13\r\n", "400"),
        ("/zmq", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0/CURVE\r\n", "400"),
        ("/zmq", &format!("{NULL}Origin: https://example.com\r\n"), "403"),
        ("/zmq", &format!("{NULL}Origin: https://example.org\r\n"), "101"),
        ("/zmq", &long, "431"),
        ("/\u{fffd}", NULL, "404"),
        ("", NULL, "400"),
    ] {
        let response = request(&mut dial(&server).await, path, headers).await;
        assert_eq!(response.get(9..12), Some(status), "{path} {headers}: {response}");
    }
    for start in [&crate::remote::GREETING[..], b"GET /\xFF\xFE HTTP/1.1\r\n\r\n"] {
        let mut stream = dial(&server).await;
        stream.write_all(start).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert_eq!(response.get(9..12), Some("400"), "{response}");
    }

    client.send("after").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "after");
    let refused = server.stats().refused;
    assert_eq!((refused.denied, refused.incompatible, refused.security), (1, 2, 2));
}

#[tokio::test]
async fn both_ends_report_a_refusal() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind("ws://127.0.0.1:*/zmq").await.unwrap();
    let mut of_server = server.monitor();
    for (mechanism, path, expected) in
        [(Mechanism::Null, "/other", 404), (Mechanism::PlainServer, "/zmq", 400)]
    {
        let client = dialing().mechanism(mechanism).build();
        let mut of_client = client.monitor();
        client.connect(at(&server, path)).await.unwrap();
        let DialFailure::Upgrade(UpgradeError::Refused { status }) =
            dial_failure(&mut of_client).await
        else {
            panic!("not refused");
        };
        assert_eq!(status, expected);
        let failed =
            events::until(&mut of_server, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        let EventKind::HandshakeFailed { reason: HandshakeFailure::Upgrade(error) } =
            failed.await.kind
        else {
            panic!("not an error of the upgrade");
        };
        assert_eq!(status == 404, matches!(error, UpgradeError::Path { .. }), "{error}");
        is_retried_after(&mut of_client, |delay| delay >= LONGEST / 2).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_one_of_websockets_is_reported() {
    let _watchdog = Watchdog::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for (response, expected, is_rare) in [
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "Refused", false),
        ("HTTP/1.1 429 Too Many Requests\r\n\r\n", "Refused", false),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", "Refused", true),
        ("HTTP/1.1 200 OK\r\n\r\n", "Refused", true),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "Invalid", true),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "Invalid", true),
    ] {
        let client = dialing().build();
        let mut monitor = client.monitor();
        client.connect(format!("ws://127.0.0.1:{port}/")).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(response.as_bytes()).await.unwrap();
        let DialFailure::Upgrade(error) = dial_failure(&mut monitor).await else {
            panic!("{response}");
        };
        assert!(format!("{error:?}").starts_with(expected), "{response}: {error:?}");
        is_retried_after(&mut monitor, |delay| is_rare == (delay >= LONGEST / 2)).await;
        client.close().await;
    }
}

/// Returns a client whose short and long delays before an attempt can be distinguished.
fn dialing() -> Builder<Client> {
    Client::builder().reconnect_interval(Duration::from_millis(1)).reconnect_interval_max(LONGEST)
}

async fn dial_failure(monitor: &mut Monitor) -> DialFailure {
    let failed =
        events::until(monitor, |kind| matches!(kind, EventKind::ConnectFailed { .. })).await;
    let EventKind::ConnectFailed { reason } = failed.kind else { unreachable!() };
    reason
}

async fn is_retried_after(monitor: &mut Monitor, expected: impl Fn(Duration) -> bool) {
    let retried =
        events::until(monitor, |kind| matches!(kind, EventKind::ConnectRetried { .. })).await;
    let EventKind::ConnectRetried { delay } = retried.kind else { unreachable!() };
    assert!(expected(delay), "{delay:?}");
}

/// The longest delay before an attempt. The jitter shortens a delay by up to half.
const LONGEST: Duration = Duration::from_secs(30);
