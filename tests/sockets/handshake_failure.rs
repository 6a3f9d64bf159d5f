//! Both ends report why a handshake failed.

use std::error::Error;
use std::time::Duration;

use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::monitor::{DialFailure, EventKind, ForeignProtocol, HandshakeFailure, Monitor};
use tokio_zmtp::{Client, Mechanism, NoRemoteError, Server, SocketType};

use crate::events::{self, About};
use crate::remote::{self, GREETING, Remote, RemoteListener};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn another_socket_type_is_reported_by_its_name() {
    let _watchdog = Watchdog::start();
    for (name, socket_type) in
        [("DEALER", SocketType::Dealer), ("REQ", SocketType::Req), ("RADIO", SocketType::Radio)]
    {
        let bytes = [&GREETING[..], &remote::ready(name)].concat();
        for (local, failure) in on_either_side(&bytes).await {
            let HandshakeFailure::IncompatibleSocketType { local: own, remote } = failure else {
                panic!("{failure:?}");
            };
            assert_eq!((own, remote), (local, socket_type));
        }
    }
}

#[tokio::test]
async fn two_incompatible_sockets_report_each_other() {
    let _watchdog = Watchdog::start();
    let bound = Server::new();
    let endpoint = bound.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut of_bound = bound.monitor();
    let connected = Server::builder().build();
    let mut of_connected = connected.monitor();
    connected.connect(endpoint).await.unwrap();

    for monitor in [&mut of_bound, &mut of_connected] {
        let (_, failure) = failure(monitor).await;
        let HandshakeFailure::IncompatibleSocketType { local, remote } = failure else {
            panic!("{failure:?}");
        };
        assert_eq!((local, remote), (SocketType::Server, SocketType::Server));
    }
}

#[tokio::test]
async fn another_mechanism_is_reported_by_its_name() {
    let _watchdog = Watchdog::start();
    let mut greeting = GREETING;
    greeting[12..17].copy_from_slice(b"CURVE");
    for (_, failure) in on_either_side(&greeting).await {
        let HandshakeFailure::MechanismMismatch { local, remote } = failure else {
            panic!("{failure:?}");
        };
        assert_eq!((&*local, &*remote), ("NULL", "CURVE"));
    }
}

#[tokio::test]
async fn two_ends_report_that_they_have_the_same_role() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    for (mechanism, expected) in [
        (Mechanism::PlainServer, "both ends are servers of PLAIN"),
        (Mechanism::plain_client("alice", "secret").unwrap(), "both ends are clients of PLAIN"),
        (Mechanism::curve_client(keypair.public_key()), "both ends are clients of CURVE"),
        (Mechanism::curve_server(keypair), "both ends are servers of CURVE"),
    ] {
        let server = Server::builder().mechanism(mechanism.clone()).handshake_interval(None);
        let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let mut of_server = server.monitor();
        let client = Client::builder().mechanism(mechanism).handshake_interval(None).build();
        let mut of_client = client.monitor();
        client.connect(server.last_endpoint().unwrap()).await.unwrap();

        for monitor in [&mut of_server, &mut of_client] {
            let (_, failure) = failure(monitor).await;
            assert_eq!(failure.to_string(), expected);
            assert!(matches!(
                failure,
                HandshakeFailure::BothClients { .. } | HandshakeFailure::BothServers { .. }
            ));
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_a_hello_may_have_another_key() {
    let _watchdog = Watchdog::start();
    let server_key = CurveKeypair::generate().public_key();
    let mut greeting = GREETING;
    greeting[12..17].copy_from_slice(b"CURVE");
    for (sent, may_have_another_key) in [(&greeting[..20], false), (&greeting[..], true)] {
        let listener = RemoteListener::bind();
        let client = Client::builder().mechanism(Mechanism::curve_client(server_key)).build();
        let mut monitor = client.monitor();
        client.connect(listener.endpoint()).await.unwrap();
        let mut remote = listener.accept().await;
        let ((_, failure), ()) =
            tokio::join!(failure(&mut monitor), send_and_close(&mut remote, sent));

        let shown = failure.to_string();
        assert!(shown.starts_with("closed by the remote during the handshake"), "{shown}");
        assert_eq!(shown.ends_with("(the server may have another key)"), may_have_another_key);
    }
}

#[tokio::test]
async fn a_refusal_is_reported_with_its_reason() {
    let _watchdog = Watchdog::start();
    let bytes = [&GREETING[..], &remote::command("ERROR", b"\x0Bno\nlonger\x1B.")].concat();
    for (_, failure) in on_either_side(&bytes).await {
        let HandshakeFailure::Refused { reason } = failure else { panic!("{failure:?}") };
        assert!(reason.contains("longer"));
        assert!(!reason.contains(char::is_control), "{reason:?}");
    }
}

#[tokio::test]
async fn malformed_input_is_reported_as_a_protocol_violation() {
    let _watchdog = Watchdog::start();
    for bytes in [
        &b"hello"[..],
        &[&GREETING[..], &remote::message(b"too soon")].concat(),
        &[&GREETING[..], &remote::command("READY", b"\x0BSocket-Type\xFF\xFF\xFF\xFF")].concat(),
    ] {
        for (_, failure) in on_either_side(bytes).await {
            let HandshakeFailure::Protocol(_) = failure else { panic!("{failure:?}") };
            assert_eq!(failure.to_string(), "the remote violated the protocol");
            assert!(!failure.source().unwrap().to_string().is_empty());
        }
    }
}

#[tokio::test]
async fn a_foreign_protocol_is_reported_by_its_name() {
    let _watchdog = Watchdog::start();
    let mut unversioned = GREETING;
    unversioned[9] = 0x7E;
    for (bytes, protocol, name) in [
        (&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], ForeignProtocol::Http, "HTTP/1"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", ForeignProtocol::Tls, "TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", ForeignProtocol::Ssh, "SSH"),
        (b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05\0\0", ForeignProtocol::Zmtp2, "ZMTP 2"),
        (&unversioned, ForeignProtocol::Zmtp1, "ZMTP 1"),
        (b"\x01\0", ForeignProtocol::Zmtp1, "ZMTP 1"),
    ] {
        for (_, failure) in on_either_side(bytes).await {
            assert_eq!(failure.to_string(), format!("the remote speaks {name}, not ZMTP 3"));
            let HandshakeFailure::ForeignProtocol { protocol: reported } = failure else {
                panic!("{failure:?}");
            };
            assert_eq!(reported, protocol);
        }
    }
}

#[tokio::test]
async fn a_remote_that_disconnects_is_reported() {
    let _watchdog = Watchdog::start();
    for bytes in [&GREETING[..0], &GREETING[..20], &GREETING] {
        for (_, failure) in on_either_side(bytes).await {
            assert!(matches!(failure, HandshakeFailure::ClosedByRemote), "{failure:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_remote_is_reported_when_the_time_limit_expires() {
    let _watchdog = Watchdog::start();
    let interval = Duration::from_secs(7);
    let server =
        Server::builder().handshake_interval(interval).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let _silent = Remote::dial(&server.last_endpoint().unwrap()).await;
    let (_, of_server) = failure(&mut monitor).await;

    let listener = RemoteListener::bind();
    let client = Client::builder().connect_timeout(None).handshake_interval(interval).build();
    let mut monitor = client.monitor();
    client.connect(listener.endpoint()).await.unwrap();
    let (_, of_client) = failure(&mut monitor).await;

    for failure in [of_server, of_client] {
        let HandshakeFailure::TimedOut { limit } = failure else { panic!("{failure:?}") };
        assert_eq!(limit, interval);
    }
}

#[tokio::test]
async fn waiting_for_a_remote_reports_the_refusal() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let refuse = async {
        let mut remote = listener.accept().await;
        remote.write(&[&GREETING[..], &remote::command("ERROR", b"\x03400")].concat()).await;
        remote.read_to_end().await;
    };

    let (connected, ()) = tokio::join!(client.remotes().connected(), refuse);

    let Err(NoRemoteError::Failed(DialFailure::Handshake(failure))) = connected else {
        panic!("{connected:?}");
    };
    assert!(matches!(failure, HandshakeFailure::Refused { reason } if reason == "400"));
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_wait_for_a_remote_reports_a_wrong_mechanism_and_a_wrong_key() {
    let _watchdog = Watchdog::start();
    let wrong_key = CurveKeypair::generate().public_key();
    for (of_client, reason) in [
        (Mechanism::Null, "the remote uses the mechanism CURVE, this socket uses NULL"),
        (
            Mechanism::curve_client(wrong_key),
            "closed by the remote during the handshake (the server may have another key)",
        ),
    ] {
        let keypair = CurveKeypair::generate();
        let server = Server::builder().mechanism(Mechanism::curve_server(keypair));
        let server = server.handshake_interval(None).bind("tcp://127.0.0.1:*").await.unwrap();
        let client = Client::builder().mechanism(of_client);
        let client = client.connect_timeout(None).handshake_interval(None).build();
        let mut monitor = client.monitor();
        client.connect(server.last_endpoint().unwrap()).await.unwrap();
        failure(&mut monitor).await;

        let limit = Duration::from_secs(1);
        let failure = client.remotes().connected_timeout(limit).await.unwrap_err();

        let NoRemoteError::Timeout(Some(failure)) = failure else { panic!("{failure:?}") };
        assert_eq!(failure.source().unwrap().to_string(), reason);
    }
}

/// Returns the reasons that a server and a client report for a remote that sends these bytes and
/// disconnects.
async fn on_either_side(bytes: &[u8]) -> [(SocketType, HandshakeFailure); 2] {
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let mut remote = Remote::dial(&endpoint).await;
    let of_server = tokio::join!(failure(&mut monitor), send_and_close(&mut remote, bytes)).0;
    assert_eq!(of_server.0.0, Some(remote.address()));

    let listener = RemoteListener::bind();
    let client = Client::builder().build();
    let mut monitor = client.monitor();
    client.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept().await;
    let of_client = tokio::join!(failure(&mut monitor), send_and_close(&mut remote, bytes)).0;
    assert_eq!(of_client.0.0, Some(remote.address()));

    for ((_, connection_id, routing_id), _) in [&of_server, &of_client] {
        assert!(connection_id.is_some());
        assert_eq!(*routing_id, None);
    }
    [(SocketType::Server, of_server.1), (SocketType::Client, of_client.1)]
}

/// Writes the bytes until the socket stops reading, and reads its output, so that the handshake
/// fails for no other reason.
async fn send_and_close(remote: &mut Remote, bytes: &[u8]) {
    remote.write_what_is_taken(bytes).await;
    remote.shut_down().await;
    remote.read_to_end().await;
}

/// Waits until a handshake has failed. Returns the subject of the event and the reason.
async fn failure(monitor: &mut Monitor) -> (About, HandshakeFailure) {
    loop {
        let event = events::next(monitor).await;
        let about = events::about(&event);
        match event.kind {
            EventKind::HandshakeFailed { reason } => return (about, reason),
            EventKind::HandshakeSucceeded => panic!("the handshake has not failed"),
            _ => {}
        }
    }
}
