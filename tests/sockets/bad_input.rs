//! Input that a socket accepts, and input that ends the connection (RFC 37).

use std::time::Duration;

use tokio::time::{self, Instant};
use tokio_zmtp::{Client, Server};

use crate::remote::{
    COMMAND, GREETING, LONG, LONGER_THAN_BUFFERS, MORE, Remote, RemoteListener, command, message,
    ping, property, ready,
};
use crate::served::Served;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn our_greeting_is_sent_immediately() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::dial(&server.endpoint).await;
    assert_eq!(remote.read(64).await, GREETING);

    let listener = RemoteListener::bind();
    let _client = Client::new();
    _client.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept().await;
    assert_eq!(remote.read(64).await, GREETING);
}

#[tokio::test]
async fn our_ready_follows_the_greeting_of_the_remote() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().handshake_interval(None);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&server.last_endpoint().unwrap()).await;
    assert_gets_ready_after_a_greeting(&mut remote, "SERVER").await;

    let listener = RemoteListener::bind();
    let client = Client::builder().handshake_interval(None);
    let _client = client.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept().await;
    assert_gets_ready_after_a_greeting(&mut remote, "CLIENT").await;
}

#[tokio::test]
async fn a_greeting_may_arrive_byte_by_byte() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::dial(&server.endpoint).await;
    for byte in GREETING.into_iter().chain(ready("CLIENT")).chain(message(b"x")) {
        remote.write(&[byte]).await;
    }
    assert_eq!(server.server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn a_handshake_and_messages_may_arrive_in_one_read() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::dial(&server.endpoint).await;
    let all = [&GREETING[..], &ready("CLIENT"), &message(b"x"), &ping(b"y"), &message(b"z")];
    remote.write(&all.concat()).await;
    assert_eq!(server.server.recv().await.unwrap(), "x");
    assert_eq!(server.server.recv().await.unwrap(), "z");
}

#[tokio::test]
async fn variations_of_a_greeting_are_accepted() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut greetings = Vec::new();
    // ZMTP 3.0, which libzmq up to 4.3.2 uses, and all versions after 3.1.
    for (major, minor) in [(3, 0), (3, 7), (4, 0), (255, 255)] {
        greetings.push(GREETING);
        greetings.last_mut().unwrap()[10..12].copy_from_slice(&[major, minor]);
    }
    // The padding of libzmq, and arbitrary padding.
    for padding in [*b"\0\0\0\0\0\0\0\x01", [0xFF; 8]] {
        greetings.push(GREETING);
        greetings.last_mut().unwrap()[1..9].copy_from_slice(&padding);
    }
    // As-server, which has no meaning with NULL.
    greetings.push(GREETING);
    greetings.last_mut().unwrap()[32] = 0x01;
    // The filler.
    greetings.push(GREETING);
    greetings.last_mut().unwrap()[33..].fill(0xAA);

    for greeting in greetings {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&[&greeting[..], &ready("CLIENT"), &message(b"x")].concat()).await;
        let request = server.server.recv().await.unwrap();
        assert_eq!(request, "x");
        server.server.reply(&request, "y").await.unwrap();
        assert_eq!(remote.read(64).await, GREETING);
        remote.read_frame().await;
        assert_eq!(remote.read_message().await, b"y");
    }
}

#[tokio::test]
async fn variations_of_a_ready_are_accepted() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let socket_type = property("Socket-Type", b"CLIENT");
    for properties in [
        // A Socket-Type is not required (SHOULD).
        Vec::new(),
        property("Identity", b"ignored"),
        // "The case of names SHALL NOT be significant."
        property("sOCKET-tYPE", b"CLIENT"),
        [property("X-Custom", &[0; 300]), socket_type.clone(), property("X-Empty", b"")].concat(),
        [socket_type, property("Resource", b"a/b")].concat(),
    ] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&GREETING).await;
        remote.write(&command("READY", &properties)).await;
        remote.write(&message(b"x")).await;
        assert_eq!(server.server.recv().await.unwrap(), "x");
    }
}

#[tokio::test]
async fn a_remote_with_another_protocol_is_disconnected() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut unversioned = GREETING;
    unversioned[9] = 0x7E;
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03",
        b"\0",
        &[0xAA; 10_000],
        // ZMTP 2.0, with a socket type and an empty identity.
        b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05\0\0",
        // ZMTP 1.0, with a long and with a short empty identity.
        &unversioned,
        b"\x01\0",
    ] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write_what_is_taken(bytes).await;
        assert!(GREETING.starts_with(&remote.read_to_end().await));
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn a_remote_with_another_mechanism_is_disconnected_without_a_ready() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for mechanism in [*b"PLAIN\0\0\0", *b"CURVE\0\0\0", *b"NULL2\0\0\0", *b"null\0\0\0\0", [0; 8]] {
        let mut greeting = GREETING;
        greeting[12..20].copy_from_slice(&mechanism);
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&greeting).await;
        assert_eq!(remote.read_to_end().await, GREETING);
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn a_truncated_greeting_does_not_affect_other_remotes() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for bytes in [0, 1, 10, 11, 63, 64] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&GREETING[..bytes]).await;
        remote.shut_down().await;
        assert!(remote.read_to_end().await.starts_with(&GREETING));
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn a_silent_remote_is_disconnected_after_the_handshake_interval() {
    let _watchdog = Watchdog::start();
    let interval = Duration::from_secs(5);
    let server = Served::with(Server::builder().handshake_interval(interval)).await;

    // From here on, time passes only while the remote is silent.
    time::pause();
    for bytes in
        [&GREETING[..0], &GREETING[..20], &GREETING, &[&GREETING[..], b"\x04\x1C"].concat()]
    {
        let before = Instant::now();
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(bytes).await;
        assert!(remote.read_to_end().await.starts_with(&GREETING));
        let waited = before.elapsed();
        assert!((interval..interval * 2).contains(&waited), "{waited:?}");
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn an_incompatible_socket_type_is_answered_with_an_error() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for socket_type in ["DEALER", "SERVER", "REQ", "client", "nonsense", ""] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&GREETING).await;
        remote.write(&ready(socket_type)).await;
        assert_eq!(remote.read(64).await, GREETING);
        assert_eq!(remote.read_frame().await, (COMMAND, ready("SERVER")[2..].to_vec()));
        let expected = b"\x05ERROR\x13invalid-socket-type".to_vec();
        assert_eq!(remote.read_frame().await, (COMMAND, expected));
        assert_eq!(remote.read_to_end().await, b"");
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn any_command_except_ready_ends_the_handshake() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for bytes in [
        message(b"too soon"),
        ping(b""),
        command("HELLO", b"\x01u\x01p"),
        command("ERROR", b"\x03400"),
        // An empty name, a truncated name, and a name with a NUL.
        b"\x04\x01\0".to_vec(),
        b"\x04\x03\x05RE".to_vec(),
        b"\x04\x06\x05RE\0DY".to_vec(),
        // Truncated properties.
        command("READY", b"\x0BSocket-Type\0\0\0\x06CLIEN"),
        command("READY", b"\x0BSocket-Type\xFF\xFF\xFF\xFFCLIENT"),
        command("READY", b"\x0BSock"),
        command("READY", b"\0\0\0\0\0"),
        // A size beyond the limit of handshakes, refused before the body arrives.
        b"\x06\0\0\0\0\0\x01\0\x01\x05READY".to_vec(),
        b"\x06\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x05READY".to_vec(),
    ] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&GREETING).await;
        assert_eq!(remote.read(64).await, GREETING);
        remote.read_frame().await;
        remote.write(&bytes).await;
        assert_eq!(remote.read_to_end().await, b"", "after {}", bytes.escape_ascii());
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn frames_that_violate_the_grammar_end_the_connection() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for frame in bad_frames() {
        let mut remote = Remote::client(&server.endpoint).await;
        remote.write(&[message(b"before"), frame.clone()].concat()).await;
        assert_eq!(remote.read_to_end().await, b"", "after {}", frame.escape_ascii());
        // Messages before the error are received.
        assert_eq!(server.server.recv().await.unwrap(), "before");
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn messages_after_a_malformed_frame_are_not_received() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for frame in bad_frames() {
        let mut remote = Remote::client(&server.endpoint).await;
        remote.write(&[frame.clone(), message(b"behind")].concat()).await;
        assert_eq!(remote.read_to_end().await, b"");
        let received = server.server.try_recv();
        assert!(received.is_err(), "{received:?} after {}", frame.escape_ascii());
    }
}

#[tokio::test]
async fn a_frame_that_announces_a_huge_size_reserves_no_memory() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    for flags in [0, MORE] {
        let mut remote = Remote::client(&server.endpoint).await;
        remote.sync().await;
        remote.write(&[flags | LONG]).await;
        remote.write(b"\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF").await;
        remote.write(&[0; 100_000]).await;
        server.assert_in_use().await;
        remote.shut_down().await;
        assert_eq!(remote.read_to_end().await, b"");
    }
    server.server.try_recv().unwrap_err();
}

#[tokio::test]
async fn a_message_above_the_limit_ends_the_connection() {
    let _watchdog = Watchdog::start();
    let server = Served::with(Server::builder().max_message_size(1_000)).await;
    for excessive in [
        message(&[1; 1_001]),
        // Refused by its header.
        b"\x02\0\0\0\0\0\0\x03\xE9".to_vec(),
        b"\x03\0\0\0\0\0\0\x03\xE9".to_vec(),
    ] {
        let mut remote = Remote::client(&server.endpoint).await;
        remote.write(&message(&[1; 1_000])).await;
        remote.sync().await;
        remote.write_what_is_taken(&excessive).await;
        assert_eq!(remote.read_to_end().await, b"");
        assert_eq!(server.server.recv().await.unwrap(), [1; 1_000]);
        server.assert_in_use().await;
    }
}

#[tokio::test]
async fn a_message_within_a_limit_of_one_byte_is_received() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().max_message_size(1).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&[message(b""), message(b"x"), message(b"xy")].concat()).await;
    assert_eq!(server.recv().await.unwrap(), "");
    assert_eq!(server.recv().await.unwrap(), "x");
    assert_eq!(remote.read_to_end().await, b"");
}

#[tokio::test]
async fn multipart_messages_are_discarded_entirely() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::client(&server.endpoint).await;
    let long = [&[LONG | MORE][..], &70_000_u64.to_be_bytes(), &[7; 70_000]].concat();
    remote.write(&message(b"before")).await;
    remote.write(&[&[MORE, 1][..], b"a", &message(b"b")].concat()).await;
    remote.write(&message(b"between")).await;
    remote.write(&[&[MORE, 0][..], &long, &long, &ping(b"mid"), &message(b"")].concat()).await;
    remote.write(&message(b"after")).await;

    // Commands may arrive between the parts.
    assert_eq!(remote.read_frame().await.1, b"\x04PONGmid");
    remote.sync().await;
    for expected in ["before", "between", "after"] {
        assert_eq!(server.server.recv().await.unwrap(), expected);
    }
    server.server.try_recv().unwrap_err();
    server.assert_in_use().await;
}

#[tokio::test]
async fn a_long_header_may_announce_a_short_body() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::client(&server.endpoint).await;
    remote.write(b"\x02\0\0\0\0\0\0\0\x02hi").await;
    remote.write(b"\x06\0\0\0\0\0\0\0\x07\x04PING\0\0").await;
    assert_eq!(remote.read_frame().await, (COMMAND, b"\x04PONG".to_vec()));
    assert_eq!(server.server.recv().await.unwrap(), "hi");
}

#[tokio::test]
async fn irrelevant_commands_are_ignored() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::client(&server.endpoint).await;
    for command in [
        command("SUBSCRIBE", b"topic"),
        command("JOIN", b"group"),
        command("FromTheFuture", &[0xFF; 60_000]),
        command("PONG", b"never asked"),
        ready("CLIENT"),
    ] {
        remote.write(&command).await;
    }
    remote.sync().await;
    remote.write(&message(b"x")).await;
    assert_eq!(server.server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn a_ping_is_answered_by_a_pong_with_its_context() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::client(&server.endpoint).await;
    for context in [&b""[..], b"\0", b"x", b"\0\x01\x02\xFF\xFE", b"0123456789abcdef"] {
        // The time-to-live is a hint, and not part of the context.
        for ttl in [0_u16, 1_000, u16::MAX] {
            remote.write(&command("PING", &[&ttl.to_be_bytes(), context].concat())).await;
            let expected = [b"\x04PONG", context].concat();
            assert_eq!(remote.read_frame().await, (COMMAND, expected));
        }
    }
}

#[tokio::test]
async fn a_pong_waits_for_the_end_of_a_frame() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::client(&server.endpoint).await;
    remote.write(&message(b"hello")).await;
    let id = server.server.recv().await.unwrap().routing_id().unwrap();
    server.server.route(id, vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    server.server.route(id, "after").await.unwrap();
    remote.peek().await;
    remote.write(&ping(b"x")).await;

    assert!(remote.read_message().await == vec![7; LONGER_THAN_BUFFERS]);
    let mut frames = [remote.read_frame().await, remote.read_frame().await];
    frames.sort();
    assert_eq!(frames, [(0, b"after".to_vec()), (COMMAND, b"\x04PONGx".to_vec())]);
}

#[tokio::test]
async fn a_ping_after_a_full_queue_is_answered_when_there_is_capacity() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&message(b"x").repeat(10)).await;
    remote.write(&ping(b"y")).await;
    for _ in 0..10 {
        assert_eq!(server.recv().await.unwrap(), "x");
    }
    assert_eq!(remote.read_frame().await, (COMMAND, b"\x04PONGy".to_vec()));
}

#[tokio::test]
async fn every_ping_of_a_flood_is_answered() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut remote = Remote::client(&server.endpoint).await;
    let contexts = (0..100_000_u32).map(|number| [number.to_be_bytes(); 4].concat());
    let questions: Vec<_> = contexts.clone().flat_map(|context| ping(&context)).collect();
    let answers: Vec<_> = contexts.flat_map(|context| command("PONG", &context)).collect();

    let answered = remote.exchange(&questions, answers.len()).await;

    assert!(answered == answers);
    server.assert_in_use().await;
}

#[tokio::test]
async fn many_misbehaving_remotes_do_not_affect_a_server() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let mut crowd = Vec::new();
    for number in 0..200 {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write_what_is_taken(&GREETING[..number % 65]).await;
        crowd.push(remote);
    }
    server.assert_in_use().await;
    drop(crowd);
    server.assert_in_use().await;
}

#[tokio::test]
async fn a_misbehaving_server_does_not_affect_a_client_of_another() {
    let _watchdog = Watchdog::start();
    let client = Client::new();
    let endpoint = client.bind("tcp://127.0.0.1:*").await.unwrap();
    let good = Server::new();
    good.connect(endpoint.clone()).await.unwrap();
    for bytes in [&b"HTTP/1.1 200 OK\r\n"[..], &[&GREETING[..], &ready("CLIENT")].concat()] {
        let mut bad = Remote::dial(&endpoint).await;
        bad.write_what_is_taken(bytes).await;
        bad.read_to_end().await;
        // A remote whose handshake failed receives nothing.
        for number in 0..10_u8 {
            client.send([number]).await.unwrap();
            assert_eq!(good.recv().await.unwrap(), [number]);
        }
    }
}

/// Sends a greeting, and expects the READY of the socket although nothing else is sent.
async fn assert_gets_ready_after_a_greeting(remote: &mut Remote, socket_type: &str) {
    assert_eq!(remote.read(64).await, GREETING);
    remote.write(&GREETING).await;
    let expected = [b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06", socket_type.as_bytes()].concat();
    let ready = time::timeout(Duration::from_secs(10), remote.read(expected.len())).await;
    assert_eq!(ready.expect("the socket has not sent its READY"), expected);
}

/// Returns frames that RFC 37 forbids, each by a different rule.
fn bad_frames() -> Vec<Vec<u8>> {
    let mut frames = vec![
        // 2^63 bytes, and one less than 2^64.
        b"\x02\x80\0\0\0\0\0\0\0".to_vec(),
        b"\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(),
        // Commands are one frame.
        vec![COMMAND | MORE, 0],
        vec![COMMAND | MORE | LONG, 0],
        // A command of more than 64 KiB, refused before its body arrives.
        b"\x06\0\0\0\0\0\x01\0\x01\x04PING".to_vec(),
        // Commands without a name, with a truncated name, and with truncated data.
        b"\x04\0".to_vec(),
        b"\x04\x01\0".to_vec(),
        b"\x04\x03\x05PI".to_vec(),
        b"\x04\x06\x04PING\0".to_vec(),
    ];
    frames.extend((3..8).map(|reserved| vec![1 << reserved, 0]));
    frames
}
