//! Another implementation of WebSockets and TLS as the remote: Node.js with the npm package `ws`.

use support::node;
use support::script::ScriptRemote;
use tokio::task;
use tokio_zmtp::monitor::{DialFailure, DisconnectReason, EventKind, HandshakeFailure, TlsFailure};
use tokio_zmtp::{Client, Server};

use super::at;
use crate::events;
use crate::tls::certificates::Authority;
use crate::tls::pem_file::PemFile;
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_checks_certificates_exchanges_messages() {
    let _watchdog = Watchdog::start();
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let server = Server::builder()
        .tls_server(authority.issue(&["localhost"]).server())
        .bind("wss://127.0.0.1:*/zmq")
        .await
        .unwrap();
    let by_address = at(&server, "/zmq").to_string();
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let [trusted, untrusted] =
        [&authority, &other].map(|authority| PemFile::of_text("authority", &authority.pem));

    let Some(mut remote) = client(&by_name, &trusted) else { return };
    let (request, remote_of_request) = server.recv_from().await.unwrap();
    assert_eq!(request, "request");
    assert_eq!(*remote_of_request.endpoint(), at(&server, "/zmq"));
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(task::spawn_blocking(move || remote.line()).await.unwrap(), "reply reply");

    let mut monitor = server.monitor();
    for (url, ca, expected) in [
        (&by_address, &trusted, "error ERR_TLS_CERT_ALTNAME_INVALID"),
        (&by_name, &untrusted, "error UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    ] {
        let mut remote = client(url, ca).unwrap();
        assert_eq!(task::spawn_blocking(move || remote.line()).await.unwrap(), expected);
        let failed =
            events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        let EventKind::HandshakeFailed { reason } = failed.await.kind else { unreachable!() };
        let is_expected = matches!(
            reason,
            HandshakeFailure::Tls(TlsFailure::Alert { .. })
                | HandshakeFailure::ClosedByRemote
                | HandshakeFailure::Io(_)
        );
        assert!(is_expected, "{reason:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_certificate_is_checked_exchanges_messages() {
    let _watchdog = Watchdog::start();
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let certificate = authority.issue(&["localhost"]);
    let both = PemFile::new("server", &certificate);
    let Some(mut remote) = start(&["server", &both.display().to_string()]) else { return };
    let (port, _remote) = task::spawn_blocking(move || (remote.line(), remote)).await.unwrap();
    let endpoint = format!("wss://localhost:{port}/any/path?query");

    let client = Client::builder().tls_client(authority.client()).connect(&endpoint).await.unwrap();
    for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        client.send("x".repeat(size)).await.unwrap();
        let expected = format!("reply to {}", "x".repeat(size));
        assert!(client.recv().await.unwrap() == expected.as_str());
    }

    let client = Client::builder().tls_client(other.client()).build();
    let mut monitor = client.monitor();
    client.connect(&endpoint).await.unwrap();
    let failed =
        events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectFailed { .. })).await;
    let EventKind::ConnectFailed { reason } = failed.kind else { unreachable!() };
    assert!(matches!(reason, DialFailure::Tls(TlsFailure::UnknownIssuer)), "{reason:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_message_is_too_long_receives_the_status_code() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let pem = PemFile::of_text("authority", &authority.pem);
    for scheme in ["ws", "wss"] {
        let server = Server::builder()
            .max_message_size(1_000)
            .tls_server(authority.issue(&["localhost"]).server())
            .bind(format!("{scheme}://127.0.0.1:*/zmq"))
            .await
            .unwrap();
        let mut monitor = server.monitor();
        let url = at(&server, "/zmq").to_string().replace("127.0.0.1", "localhost");
        let Some(mut remote) = start(&["excess", &url, &pem.display().to_string()]) else { return };
        assert_eq!(task::spawn_blocking(move || remote.line()).await.unwrap(), "closed 1009");
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::MessageTooLarge { .. }), "{reason:?}");
    }
}

fn client(url: &str, authority: &PemFile) -> Option<ScriptRemote> {
    start(&["client", url, &authority.display().to_string()])
}

fn start(arguments: &[&str]) -> Option<ScriptRemote> {
    node::start(env!("CARGO_TARGET_TMPDIR"), "tests/sockets/websocket_remote.mjs", arguments)
}
