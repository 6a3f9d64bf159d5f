//! The status codes with which connections end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_zmtp::auth::{Admission, Authenticator, Request, StatusCode, Users};
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Mechanism, Pair, Pub, Router, Server, Socket};

use super::{NULL, dial, request};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_message_above_a_limit_ends_the_connection_with_1009() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().max_message_size(100).bind("ws://127.0.0.1:*").await.unwrap();
    // Not in fragments, and in fragments.
    for opcode in [0x82, 0x02] {
        let mut remote = established(&server, "CLIENT").await;
        remote.write_all(&[opcode, 0xFE, 0x03, 0xE9, 0, 0, 0, 0, 0]).await.unwrap();
        assert_eq!(close_code(&mut remote).await, 1_009);
    }
    let router = Router::builder().max_message_parts(2).bind("ws://127.0.0.1:*").await.unwrap();
    let mut remote = established(&router, "DEALER").await;
    remote.write_all(&masked(&[1]).repeat(3)).await.unwrap();
    assert_eq!(close_code(&mut remote).await, 1_009);
}

#[tokio::test]
async fn a_violation_of_zmtp_ends_the_connection_with_1002() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind("ws://127.0.0.1:*").await.unwrap();
    for (command, code) in
        [(&b"\x02\x05READY\xFF"[..], 1_002), (b"\x02\x05HELLO", 1_002), (b"\x00a message", 1_002)]
    {
        let mut remote = upgraded(&server, NULL).await;
        remote.write_all(&masked(command)).await.unwrap();
        assert_eq!(close_code(&mut remote).await, code, "{}", command.escape_ascii());
    }
    let mut remote = upgraded(&server, NULL).await;
    remote.write_all(&[0x82, 0xFF, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2]).await.unwrap();
    assert_eq!(close_code(&mut remote).await, 1_009);
    let mut remote = established(&server, "CLIENT").await;
    remote.write_all(&masked(b"\x02\x09")).await.unwrap();
    assert_eq!(close_code(&mut remote).await, 1_002);
}

#[tokio::test]
async fn a_remote_that_is_not_admitted_receives_1008() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind("ws://127.0.0.1:*").await.unwrap();
    let mut remote = upgraded(&server, NULL).await;
    remote.write_all(&ready("PULL")).await.unwrap();
    assert_eq!(close_code(&mut remote).await, 1_008);

    let pair = Pair::builder().bind("ws://127.0.0.1:*").await.unwrap();
    let _first = established(&pair, "PAIR").await;
    pair.remotes().connected().await.unwrap();
    let mut second = upgraded(&pair, NULL).await;
    second.write_all(&ready("PAIR")).await.unwrap();
    assert_eq!(close_code(&mut second).await, 1_008);

    let publisher = Pub::builder().max_topics_per_remote(1).bind("ws://127.0.0.1:*").await.unwrap();
    let mut subscriber = established(&publisher, "SUB").await;
    subscriber.write_all(&[masked(b"\0\x01a"), masked(b"\0\x01b")].concat()).await.unwrap();
    assert_eq!(close_code(&mut subscriber).await, 1_008);
}

#[tokio::test]
async fn the_verdict_of_an_authenticator_determines_the_code() {
    let _watchdog = Watchdog::start();
    for (verdict, code) in [
        (StatusCode::Denied, 1_008),
        (StatusCode::InternalError, 1_011),
        (StatusCode::TemporaryError, 1_013),
    ] {
        let server = Server::builder()
            .mechanism(Mechanism::PlainServer)
            .authenticator(Always(verdict))
            .bind("ws://127.0.0.1:*")
            .await
            .unwrap();
        let mut remote = upgraded(&server, &NULL.replace("NULL", "PLAIN")).await;
        remote.write_all(&masked(b"\x02\x05HELLO\x05alice\x06secret")).await.unwrap();
        assert_eq!(close_code(&mut remote).await, code, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_remote_that_does_not_complete_the_handshake_receives_1008() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .handshake_interval(Duration::from_millis(50))
        .bind("ws://127.0.0.1:*")
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let mut remote = upgraded(&server, NULL).await;
    assert_eq!(close_code(&mut remote).await, 1_008);
    let failed =
        events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    assert!(matches!(
        failed.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::TimedOut { .. } }
    ));
}

#[tokio::test]
async fn a_connection_that_ends_normally_is_closed_with_1000_or_the_code_of_the_remote() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind("ws://127.0.0.1:*").await.unwrap();
    let mut refusing = upgraded(&server, NULL).await;
    refusing.write_all(&masked(b"\x02\x05ERROR\x03400")).await.unwrap();
    assert_eq!(close_code(&mut refusing).await, 1_000);
    let mut refusing = established(&server, "CLIENT").await;
    refusing.write_all(&masked(b"\x02\x05ERROR\x03400")).await.unwrap();
    assert_eq!(close_code(&mut refusing).await, 1_000);

    let mut leaving = established(&server, "CLIENT").await;
    leaving.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9]).await.unwrap();
    assert_eq!(close_code(&mut leaving).await, 1_001);

    let server = Server::builder().bind("ws://127.0.0.1:*").await.unwrap();
    let mut remote = established(&server, "CLIENT").await;
    server.remotes().connected().await.unwrap();
    let (code, _) = tokio::join!(close_code(&mut remote), server.close());
    assert_eq!(code, 1_000);
}

#[tokio::test]
async fn passwords_that_are_wrong_receive_1008_after_the_error() {
    let _watchdog = Watchdog::start();
    let users = Users::new();
    users.insert("alice", "secret");
    let server = Server::builder()
        .mechanism(Mechanism::PlainServer)
        .authenticator(users)
        .bind("ws://127.0.0.1:*")
        .await
        .unwrap();
    let mut remote = upgraded(&server, &NULL.replace("NULL", "PLAIN")).await;
    remote.write_all(&masked(b"\x02\x05HELLO\x05alice\x05wrong")).await.unwrap();
    let mut received = [0; 13];
    remote.read_exact(&mut received).await.unwrap();
    assert_eq!(received[..], b"\x82\x0B\x02\x05ERROR\x03400"[..]);
    assert_eq!(close_code(&mut remote).await, 1_008);
}

struct Always(StatusCode);

impl Authenticator for Always {
    async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
        Err(self.0)
    }
}

/// Reads frames until a close frame and the end of the stream. Returns the code.
async fn close_code(remote: &mut TcpStream) -> u16 {
    loop {
        let mut header = [0; 2];
        remote.read_exact(&mut header).await.unwrap();
        assert!(header[1] < 126, "{header:?}");
        let mut payload = vec![0; header[1].into()];
        remote.read_exact(&mut payload).await.unwrap();
        if header[0] == 0x88 {
            assert_eq!(remote.read(&mut [0]).await.unwrap(), 0);
            return u16::from_be_bytes(payload[..2].try_into().unwrap());
        }
    }
}

/// Returns a WebSocket to a socket after its handshake.
async fn established(socket: &impl Socket, socket_type: &str) -> TcpStream {
    let mut remote = upgraded(socket, NULL).await;
    remote.write_all(&ready(socket_type)).await.unwrap();
    remote
}

async fn upgraded(socket: &impl Socket, headers: &str) -> TcpStream {
    let mut remote = dial(socket).await;
    let response = request(&mut remote, "/", headers).await;
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    remote
}

fn ready(socket_type: &str) -> Vec<u8> {
    let len = u8::try_from(socket_type.len()).unwrap();
    let property = [b"\x0BSocket-Type\0\0\0", &[len][..], socket_type.as_bytes()].concat();
    masked(&[b"\x02\x05READY", &property[..]].concat())
}

/// Returns a short binary frame of a client, whose mask changes nothing.
fn masked(payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    assert!(len < 126);
    [&[0x82, 0x80 | len, 0, 0, 0, 0], payload].concat()
}
