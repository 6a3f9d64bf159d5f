//! One end uses TLS and the other does not, or sends nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_zmtp::monitor::{
    DialFailure, EventKind, ForeignProtocol, HandshakeFailure, Monitor, TlsFailure,
};
use tokio_zmtp::{Client, Server};

use super::certificates::{Authority, exchange, port};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_client_without_tls_is_reported_by_both_ends() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let server = Server::builder().tls_server(authority.issue(&["127.0.0.1"]).server()).build();
    let mut of_server = server.monitor();
    let port = port(&server.bind("tls://127.0.0.1:*").await.unwrap());
    let client = Client::new();
    let mut of_client = client.monitor();
    client.connect(format!("tcp://127.0.0.1:{port}")).await.unwrap();
    let reason = failure(&mut of_server).await;
    assert!(matches!(reason, HandshakeFailure::Tls(TlsFailure::NotTls)), "{reason:?}");
    let reason = failure(&mut of_client).await;
    let HandshakeFailure::ForeignProtocol { protocol } = reason else { panic!("{reason:?}") };
    assert_eq!(protocol, ForeignProtocol::Tls);
}

#[tokio::test]
async fn a_server_without_tls_is_reported_by_both_ends() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let mut of_server = server.monitor();
    let port = port(&server.bind("tcp://127.0.0.1:*").await.unwrap());
    let client = Client::builder().tls_client(Authority::new("authority").client()).build();
    let mut of_client = client.monitor();
    client.connect(format!("tls://127.0.0.1:{port}")).await.unwrap();
    let is_failed = |kind: &EventKind| matches!(kind, EventKind::ConnectFailed { .. });
    let failed = events::until(&mut of_client, is_failed).await.kind;
    assert!(
        matches!(failed, EventKind::ConnectFailed { reason: DialFailure::Tls(TlsFailure::NotTls) }),
        "{failed:?}"
    );
    let reason = failure(&mut of_server).await;
    let HandshakeFailure::ForeignProtocol { protocol } = reason else { panic!("{reason:?}") };
    assert_eq!(protocol, ForeignProtocol::Tls);
}

#[tokio::test]
async fn a_silent_client_is_dropped_after_the_handshake_interval() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let limit = Duration::from_millis(50);
    let server = Server::builder()
        .tls_server(authority.issue(&["127.0.0.1"]).server())
        .handshake_interval(limit)
        .build();
    let mut monitor = server.monitor();
    let port = port(&server.bind("tls://127.0.0.1:*").await.unwrap());
    // Nothing, and the beginning of a record.
    for sent in [&b""[..], b"\x16\x03\x01\x02\x00"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let reason = failure(&mut monitor).await;
        assert!(
            matches!(reason, HandshakeFailure::TimedOut { limit: reported } if reported == limit)
        );
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_the_handshake_is_reported() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let server = Server::builder().tls_server(authority.issue(&["127.0.0.1"]).server()).build();
    let mut monitor = server.monitor();
    let port = port(&server.bind("tls://127.0.0.1:*").await.unwrap());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00").await.unwrap();
    stream.shutdown().await.unwrap();
    let reason = failure(&mut monitor).await;
    assert!(matches!(reason, HandshakeFailure::ClosedByRemote), "{reason:?}");
}

#[tokio::test]
async fn half_open_connections_do_not_keep_others_out() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let server = Server::builder()
        .tls_server(authority.issue(&["127.0.0.1"]).server())
        .max_half_open(4)
        .build();
    let mut monitor = server.monitor();
    let endpoint = server.bind("tls://127.0.0.1:*").await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(("127.0.0.1", port(&endpoint))).await.unwrap());
    }
    for _ in 0..16 {
        let reason = failure(&mut monitor).await;
        assert!(matches!(reason, HandshakeFailure::TooManyHalfOpen), "{reason:?}");
    }
    let client = Client::builder().tls_client(authority.client()).build();
    client.connect(endpoint).await.unwrap();
    exchange(&server, &client).await;
}

async fn failure(monitor: &mut Monitor) -> HandshakeFailure {
    let is_failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    match events::until(monitor, is_failed).await.kind {
        EventKind::HandshakeFailed { reason } => reason,
        _ => unreachable!(),
    }
}
