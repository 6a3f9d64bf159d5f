//! Endpoints of `wss`.

use tokio_zmtp::monitor::{DialFailure, EventKind, HandshakeFailure, TlsFailure};
use tokio_zmtp::{BindError, Client, ConnectError, Endpoint, Pub, Server, Sub};

use super::at;
use crate::events;
use crate::tls::certificates::{Authority, exchange};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn both_ends_have_the_certificate_of_the_other() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let (of_server, of_client) = (authority.issue(&["localhost"]), authority.issue(&["alice"]));
    let server = Server::builder()
        .tls_server(of_server.server().require_client_certificates(&authority.pem).unwrap())
        .bind("wss://127.0.0.1:*/zmq")
        .await
        .unwrap();
    let tls = authority.client().with_certificate(&of_client.pem, &of_client.key).unwrap();
    let endpoint = at(&server, "/zmq").to_string().replace("127.0.0.1", "localhost");
    let client = Client::builder().tls_client(tls.clone()).connect(&endpoint).await.unwrap();
    let remote = exchange(&server, &client).await;
    assert_eq!(remote.certificate(), Some(&*of_client.der));
    let remote = client.remotes().list().remove(0);
    assert_eq!(remote.certificate(), Some(&*of_server.der));

    // The addresses are dialed, and the name is verified.
    let client = Client::builder().tls_client(tls).build();
    client.connect_all(&endpoint).await.unwrap();
    exchange(&server, &client).await;
}

#[tokio::test]
async fn sockets_with_the_same_certificate_share_a_port() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let tls = authority.issue(&["127.0.0.1"]).server();
    let server =
        Server::builder().tls_server(tls.clone()).bind("wss://127.0.0.1:*/zmq").await.unwrap();
    let news = Pub::builder().tls_server(tls.clone()).bind(at(&server, "/news")).await.unwrap();
    for _ in 0..10 {
        let client = Client::builder().tls_client(authority.client());
        let client = client.connect(at(&server, "/zmq")).await.unwrap();
        exchange(&server, &client).await;
        let subscriber = Sub::builder().tls_client(authority.client()).build();
        subscriber.subscribe("a").unwrap();
        subscriber.connect(at(&server, "/news")).await.unwrap();
        news.subscribed("a").await.unwrap();
        subscriber.close().await;
    }
    let other = Server::builder().tls_server(authority.issue(&["127.0.0.1"]).server()).build();
    let error = other.bind(at(&server, "/other")).await.unwrap_err();
    assert!(matches!(error, BindError::SecurityMismatch { .. }), "{error}");
    let plain = at(&server, "/other").to_string().replace("wss://", "ws://");
    let error = other.bind(plain).await.unwrap_err();
    assert!(matches!(error, BindError::AddrInUse { .. }), "{error}");
}

#[tokio::test]
async fn both_ends_report_why_tls_fails() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).server();
    let server = Server::builder().tls_server(tls).bind("wss://127.0.0.1:*/").await.unwrap();
    let (wrong_name, without_tls) =
        (at(&server, "/"), at(&server, "/").to_string().replace("wss://", "ws://"));
    for (endpoint, is_plain) in
        [(wrong_name, false), (without_tls.parse::<Endpoint>().unwrap(), true)]
    {
        let mut of_server = server.monitor();
        let client = Client::builder().tls_client(authority.client()).build();
        let mut of_client = client.monitor();
        client.connect(endpoint).await.unwrap();
        let failed =
            events::until(&mut of_client, |kind| matches!(kind, EventKind::ConnectFailed { .. }));
        let EventKind::ConnectFailed { reason } = failed.await.kind else { unreachable!() };
        let is_expected = match reason {
            DialFailure::Tls(TlsFailure::WrongHostName) => !is_plain,
            DialFailure::Upgrade(_) => is_plain,
            _ => false,
        };
        assert!(is_expected, "{reason:?}");
        let failed =
            events::until(&mut of_server, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        let EventKind::HandshakeFailed { reason: HandshakeFailure::Tls(reason) } =
            failed.await.kind
        else {
            panic!("not a failure of TLS")
        };
        assert_eq!(is_plain, matches!(reason, TlsFailure::NotTls), "{reason}");
    }
}

#[tokio::test]
async fn an_endpoint_without_the_option_is_refused() {
    let error = Server::new().bind("wss://127.0.0.1:*").await.unwrap_err();
    assert!(matches!(error, BindError::NoTlsServer { .. }), "{error}");
    let error = Client::new().connect("wss://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(error, ConnectError::NoTlsClient { .. }), "{error}");
}
