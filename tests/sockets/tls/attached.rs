//! TLS over streams of the application.

use std::io;

use tokio::sync::mpsc;
use tokio_zmtp::auth::Admission;
use tokio_zmtp::monitor::{DialFailure, EventKind, TlsFailure};
use tokio_zmtp::{Client, Server};

use super::certificates::{Authority, exchange};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn tls_over_streams_of_the_application_has_both_certificates() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let (of_server, of_client) = (authority.issue(&["example.org"]), authority.issue(&["alice"]));
    let tls_server = of_server.server().require_client_certificates(&authority.pem).unwrap();
    let tls_client = authority.client().with_certificate(&of_client.pem, &of_client.key).unwrap();
    let (server, client) = (Server::new(), Client::new());
    let (near, far) = tokio::io::duplex(4_096);
    let (accepted, dialed) =
        tokio::try_join!(tls_server.accept(near), tls_client.connect(far, "example.org")).unwrap();
    server.attach(accepted.admitted(Admission::user("alice"))).await.unwrap();
    client.attach(dialed).await.unwrap();
    let remote = exchange(&server, &client).await;
    assert_eq!((remote.certificate(), remote.user_id()), (Some(&*of_client.der), Some("alice")));
    let remote = client.remotes().list().remove(0);
    assert_eq!(remote.certificate(), Some(&*of_server.der));
}

#[tokio::test]
async fn a_dialer_that_uses_tls_reports_its_failures() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let tls_server = authority.issue(&["example.org"]).server();
    let tls_client = authority.client();
    let (streams_tx, mut streams) = mpsc::unbounded_channel();
    let client = Client::new();
    let mut monitor = client.monitor();
    client
        .connect_with("stream://wrong-name", move |_| {
            let (near, far) = tokio::io::duplex(4_096);
            let (sent, tls) = (streams_tx.send(far), tls_client.clone());
            async move {
                sent.map_err(io::Error::other)?;
                tls.connect(near, "example.com").await
            }
        })
        .await
        .unwrap();
    let error = tls_server.accept(streams.recv().await.unwrap()).await.unwrap_err();
    let failure = error.get_ref().unwrap().downcast_ref::<TlsFailure>().unwrap();
    assert!(matches!(failure, TlsFailure::Alert { code: 42 }), "{failure:?}");
    let is_failed = |kind: &EventKind| matches!(kind, EventKind::ConnectFailed { .. });
    let failed = events::until(&mut monitor, is_failed).await.kind;
    let EventKind::ConnectFailed { reason: DialFailure::Tls(TlsFailure::WrongHostName) } = failed
    else {
        panic!("{failed:?}");
    };
}
