//! WebSocket connections on streams of the application.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::monitor::{DisconnectReason, EventKind, HandshakeFailure};
use tokio_zmtp::ws::{RequestHeaders, UpgradeError, WebSocketAcceptor, WebSocketConnector};
use tokio_zmtp::{Client, Dish, Group, Mechanism, Pub, Pull, Push, Radio, Server, Socket, Sub};

use crate::bodies;
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn bodies_of_every_size_pass_both_ways() {
    let _watchdog = Watchdog::start();
    for capacity in [1, 100, 0x1_0000] {
        let (server, client) = (Server::new(), Client::new());
        join(&server, &client, [&Mechanism::Null; 2], capacity).await;
        bodies::pass_both_ways(&server, &client, [0, 1, 124, 125, 254, 255, 256, 32_768, 100_000])
            .await;
    }
}

#[tokio::test]
async fn many_messages_of_several_parts_pass_in_order() {
    let _watchdog = Watchdog::start();
    let (push, pull) = (Push::new(), Pull::new());
    join(&push, &pull, [&Mechanism::Null; 2], 0x1_0000).await;
    let sending = async {
        for number in 0..10_000_u32 {
            push.send([number.to_string(), "x".repeat(number as usize % 300)]).await.unwrap();
        }
        push.close().await
    };
    let receiving = async {
        for number in 0..10_000_u32 {
            let expected = [number.to_string(), "x".repeat(number as usize % 300)];
            assert_eq!(pull.recv().await.unwrap(), expected);
        }
    };
    let (report, ()) = tokio::join!(sending, receiving);
    assert_eq!((report.written, report.undelivered), (10_000, 0));
}

#[tokio::test]
async fn subscriptions_pass() {
    let _watchdog = Watchdog::start();
    let (publisher, subscriber) = (Pub::new(), Sub::new());
    join(&publisher, &subscriber, [&Mechanism::Null; 2], 100).await;
    subscriber.subscribe("topic").unwrap();
    publisher.subscribed("topic").await.unwrap();
    publisher.send("topic of the day").await.unwrap();
    assert_eq!(subscriber.recv().await.unwrap(), ["topic of the day"]);
}

#[tokio::test]
async fn traffic_is_encrypted_under_curve() {
    let _watchdog = Watchdog::start();
    let (ours, alice) = (CurveKeypair::generate(), CurveKeypair::generate());
    let of_client = Mechanism::curve_client((ours.public_key(), alice));
    let of_server = Mechanism::curve_server(ours);
    let server = Server::builder().mechanism(of_server.clone()).build();
    let client = Client::builder().mechanism(of_client.clone()).build();
    join(&server, &client, [&of_server, &of_client], 100).await;
    client.send("secret").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "secret");
}

#[tokio::test]
async fn closing_ends_the_connection_of_the_other_end() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    let mut monitor = server.monitor();
    join(&server, &client, [&Mechanism::Null; 2], 100).await;
    client.remotes().connected().await.unwrap();
    events::until_established(&mut monitor).await;
    client.close().await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
}

#[tokio::test]
async fn a_request_that_is_not_an_upgrade_gets_a_status() {
    let _watchdog = Watchdog::start();
    let acceptor =
        WebSocketAcceptor::new(&Mechanism::Null).path("/zmq").origins(["https://example.org"]);
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "404"),
        ("GET /zmq HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400"),
        ("POST /zmq HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400"),
        ("\u{fffd}\u{fffd}\u{fffd}\r\n\r\n".to_owned(), "400"),
        (upgrade("Sec-WebSocket-Version: 8"), "426"),
        (upgrade("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat"), "400"),
        (upgrade("Sec-WebSocket-Version: 13\r\nOrigin: https://evil.example"), "403"),
        (format!("GET /zmq HTTP/1.1\r\nX: {}", "x".repeat(9_000)), "431"),
    ] {
        let (near, mut far) = tokio::io::duplex(0x1_0000);
        let requesting = async {
            far.write_all(request.as_bytes()).await.unwrap();
            let mut response = String::new();
            far.read_to_string(&mut response).await.unwrap();
            drop(far);
            response
        };
        let (refused, response) = tokio::join!(acceptor.accept(near), requesting);
        refused.unwrap_err();
        assert_eq!(response.get(9..12), Some(status), "{request}: {response}");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_accepted() {
    let _watchdog = Watchdog::start();
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null).origins(["https://example.org"]);
    let headers = RequestHeaders::new().with("Origin", "https://example.org").unwrap();
    let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/zmq?token=1");
    let connector = connector.headers(headers);
    let (near, far) = tokio::io::duplex(0x1_0000);
    let (accepted, connected) = tokio::join!(acceptor.accept(near), connector.connect(far));
    assert!(accepted.is_ok() && connected.is_ok());
}

#[tokio::test]
async fn the_subprotocol_of_browsers_is_accepted() {
    let _watchdog = Watchdog::start();
    for (mechanism, subprotocol) in
        [(Mechanism::Null, "ZWS2.0-NULL"), (Mechanism::PlainServer, "ZWS2.0-PLAIN")]
    {
        let (near, mut far) = tokio::io::duplex(0x1_0000);
        let offered = format!("Sec-WebSocket-Protocol: a, {subprotocol}, ZWS2.0");
        let request = upgrade(&format!("Sec-WebSocket-Version: 13\r\n{offered}"));
        far.write_all(request.as_bytes()).await.unwrap();
        let accepted = WebSocketAcceptor::new(&mechanism).accept(near).await;
        drop(accepted.unwrap());
        let mut response = String::new();
        far.read_to_string(&mut response).await.unwrap();
        let chosen = format!("sec-websocket-protocol: {subprotocol}\r\n").to_ascii_lowercase();
        assert!(response.to_ascii_lowercase().contains(&chosen), "{response}");
    }
}

#[tokio::test]
async fn both_ends_report_an_upgrade_that_fails() {
    let _watchdog = Watchdog::start();
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null).path("/zmq");
    for (mechanism, path, status) in
        [(Mechanism::PlainServer, "/zmq", 400), (Mechanism::Null, "/other", 404)]
    {
        let (near, far) = tokio::io::duplex(0x1_0000);
        let connector = WebSocketConnector::new(&mechanism, "example.org", path);
        let (accepted, connected) = tokio::join!(acceptor.accept(near), connector.connect(far));
        assert!(matches!(
            (status, accepted),
            (400, Err(UpgradeError::Subprotocol { .. })) | (404, Err(UpgradeError::Path { .. }))
        ));
        let Err(UpgradeError::Refused { status: reported }) = connected else {
            panic!("{connected:?}")
        };
        assert_eq!(reported, status);
    }
}

#[cfg(feature = "http")]
#[tokio::test]
async fn a_response_that_does_not_match_the_request_is_refused() {
    let _watchdog = Watchdog::start();
    for (removed, added, expected) in [
        ("", "", "Ok"),
        ("connection", "Connection: close\r\n", "Invalid"),
        ("upgrade", "", "Invalid"),
        ("sec-websocket-accept", "Sec-WebSocket-Accept: x\r\n", "Invalid"),
        ("", "Sec-WebSocket-Extensions: permessage-deflate\r\n", "Invalid"),
        ("", "Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n", "Subprotocol"),
        ("sec-websocket-protocol", "", "Subprotocol"),
    ] {
        let (near, mut far) = tokio::io::duplex(0x1_0000);
        let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/zmq");
        let answering = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(far.read_u8().await.unwrap());
            }
            let mut request = http::Request::builder();
            for line in String::from_utf8(head).unwrap().lines().skip(1) {
                if let Some((name, value)) = line.split_once(": ") {
                    request = request.header(name, value);
                }
            }
            let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
            let response = acceptor.respond(&request.body(()).unwrap()).unwrap();
            let mut answer = "HTTP/1.1 101 Switching Protocols\r\n".to_owned();
            for (name, value) in response.headers().iter().filter(|(name, _)| *name != removed) {
                answer += &format!("{name}: {}\r\n", value.to_str().unwrap());
            }
            far.write_all(format!("{answer}{added}\r\n").as_bytes()).await.unwrap();
        };
        let (connected, ()) = tokio::join!(connector.connect(near), answering);
        let found = match connected {
            Ok(_) => "Ok".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        assert!(found.starts_with(expected), "{removed} {added}: {found}");
    }
}

#[tokio::test]
async fn an_invalid_frame_ends_only_its_connection_with_a_close_code() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    join(&server, &client, [&Mechanism::Null; 2], 4_096).await;
    for (frame, code) in [
        // Without a mask, a fragment of no message, a message between fragments, fragments that are
        // too long, text, with reserved bits, without flags.
        (&[0x82, 0x01, 0x00][..], 1_002_u16),
        (&[0x80, 0x81, 0, 0, 0, 0, 0], 1_002),
        (&[0x02, 0x81, 0, 0, 0, 0, 0, 0x82, 0x81, 0, 0, 0, 0, 0], 1_002),
        (&[0x02, 0xFF, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0], 1_009),
        (&[0x81, 0x81, 0, 0, 0, 0, b'x'], 1_003),
        (&[0xC2, 0x81, 0, 0, 0, 0, 0], 1_002),
        (&[0x82, 0x80, 0, 0, 0, 0], 1_002),
    ] {
        let mut monitor = server.monitor();
        let mut far = upgraded(&server).await;
        far.write_all(frame).await.unwrap();
        let failed =
            events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        let EventKind::HandshakeFailed { reason: HandshakeFailure::Io(error) } = failed.await.kind
        else {
            panic!("{frame:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest[rest.len() - 4..], [&[0x88, 2][..], &code.to_be_bytes()].concat());
    }
    client.send("hello").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "hello");
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_writes_before_it_reads_receives_the_close_code() {
    let _watchdog = Watchdog::start();
    for violates in [true, false] {
        let server = Server::builder().max_message_size(100).build();
        let mut far = upgraded(&server).await;
        let ready = b"\x82\x9D\0\0\0\0\x02\x05READY\x0BSocket-Type\0\0\0\x06CLIENT";
        far.write_all(ready).await.unwrap();
        // Text, or a message above the limit.
        far.write_all(&[if violates { 0x81 } else { 0x82 }]).await.unwrap();
        far.write_all(&[0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let begun = tokio::time::Instant::now();
        far.write_all(&vec![0; 0x10_0000]).await.unwrap();
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
        let code = if violates { 1_003_u16 } else { 1_009 };
        assert_eq!(rest[rest.len() - 4..], [&[0x88, 2][..], &code.to_be_bytes()].concat());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_does_not_close_delays_the_end_of_the_socket_for_linger_at_most() {
    let _watchdog = Watchdog::start();
    let linger = Duration::from_millis(100);
    for (linger, longest) in [(linger, linger), (Duration::from_secs(30), Duration::from_secs(1))] {
        let server = Server::builder().linger(linger).max_message_size(100).build();
        let mut far = upgraded(&server).await;
        let ready = b"\x82\x9D\0\0\0\0\x02\x05READY\x0BSocket-Type\0\0\0\x06CLIENT";
        far.write_all(ready).await.unwrap();
        server.remotes().connected().await.unwrap();
        far.write_all(&[0x82, 0xFE, 0x10, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        let begun = tokio::time::Instant::now();
        server.close().await;
        assert!(begun.elapsed() <= longest + Duration::from_millis(2), "{:?}", begun.elapsed());
        assert_eq!(far.write(&[0]).await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

#[tokio::test]
async fn a_bad_request_with_a_body_gets_its_status() {
    let _watchdog = Watchdog::start();
    let (near, mut far) = tokio::io::duplex(4_096);
    let requesting = async {
        far.write_all(b"POST /zmq HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            .await
            .unwrap();
        far.write_all(&vec![b'x'; 1_000_000]).await.unwrap();
        let mut response = String::new();
        far.read_to_string(&mut response).await.unwrap();
        drop(far);
        response
    };
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
    let (refused, response) = tokio::join!(acceptor.accept(near), requesting);
    refused.unwrap_err();
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
}

#[tokio::test]
async fn pings_are_answered_between_messages() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let mut far = upgraded(&server).await;
    // A ping, an unsolicited pong, and a close frame with a code.
    far.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    far.write_all(&[0x8A, 0x80, 0, 0, 0, 0]).await.unwrap();
    far.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9]).await.unwrap();
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.unwrap();
    let end = rest.len() - 8;
    assert_eq!(rest[end..], [0x8A, 2, b'h', b'i', 0x88, 2, 0x03, 0xE9]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_remote_is_disconnected_after_the_timeout_of_a_ping() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(3));
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null).heartbeat(interval, timeout);
    let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/");
    let (near, far) = tokio::io::duplex(4_096);
    let (mut cut, relayed) = tokio::io::duplex(4_096);
    let (accepted, connected) = tokio::join!(acceptor.accept(near), async {
        let mut far = far;
        let (stopped_tx, stopped) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut far, &mut cut) => {}
                _ = stopped => {}
            }
            // Neither forwards nor closes.
            std::future::pending::<()>().await;
            drop((far, cut));
        });
        (connector.connect(relayed).await, stopped_tx)
    });
    let mut monitor = server.monitor();
    server.attach(accepted.unwrap()).await.unwrap();
    let (connected, stopped) = connected;
    client.attach(connected.unwrap()).await.unwrap();
    events::until_established(&mut monitor).await;

    // The remote answers pings.
    tokio::time::sleep(interval * 5).await;
    assert_eq!(server.remotes().len(), 1);

    let begun = tokio::time::Instant::now();
    stopped.send(()).unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    assert!(begun.elapsed() >= timeout && begun.elapsed() <= interval + timeout);
}

#[tokio::test]
async fn groups_pass() {
    let _watchdog = Watchdog::start();
    let (radio, dish) = (Radio::new(), Dish::new());
    let group: Group = "news".parse().unwrap();
    dish.join(&group);
    join(&radio, &dish, [&Mechanism::Null; 2], 100).await;
    while radio.members(&group).is_empty() {
        tokio::task::yield_now().await;
    }
    radio.send(&group, "of today").await.unwrap();
    assert_eq!(dish.recv().await.unwrap().to_str().unwrap(), "of today");
}

/// Joins two sockets by a WebSocket over a stream that buffers `capacity` bytes each way.
async fn join(
    one: &impl Socket,
    other: &impl Socket,
    [of_one, of_other]: [&Mechanism; 2],
    capacity: usize,
) {
    let (near, far): (DuplexStream, DuplexStream) = tokio::io::duplex(capacity);
    let (acceptor, connector) =
        (WebSocketAcceptor::new(of_one), WebSocketConnector::new(of_other, "example.org", "/"));
    let (accepted, connected) = tokio::join!(acceptor.accept(near), connector.connect(far));
    one.attach(accepted.unwrap()).await.unwrap();
    other.attach(connected.unwrap()).await.unwrap();
}

/// Returns the client's end of a WebSocket to a socket, after the response.
async fn upgraded(server: &Server) -> DuplexStream {
    let (near, mut far) = tokio::io::duplex(0x1_0000);
    let request = upgrade("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, ZWS2.0/NULL");
    far.write_all(request.as_bytes()).await.unwrap();
    let stream = WebSocketAcceptor::new(&Mechanism::Null).accept(near).await.unwrap();
    server.attach(stream).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(far.read_u8().await.unwrap());
    }
    let response = String::from_utf8(response).unwrap().to_ascii_lowercase();
    assert!(response.contains("\r\nsec-websocket-protocol: zws2.0/null\r\n"), "{response}");
    far
}

fn upgrade(headers: &str) -> String {
    format!(
        "GET /zmq HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n\r\n"
    )
}
