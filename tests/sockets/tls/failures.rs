//! Both ends report why a certificate is refused, and do not dial again soon.

use std::time::Duration;

use rcgen::date_time_ymd;
use tokio_zmtp::monitor::{DialFailure, EventKind, HandshakeFailure, Monitor, TlsFailure};
use tokio_zmtp::{Client, Endpoint, Server, TlsClient, TlsServer};

use super::certificates::Authority;
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn both_ends_report_why_the_certificate_of_the_server_is_refused() {
    let _watchdog = Watchdog::start();
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let expired = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let future = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_before = date_time_ymd(3001, 1, 1);
        params.not_after = date_time_ymd(3002, 1, 1);
    });
    for (certificate, expected, alert) in [
        (expired, "Expired", 45),
        (future, "NotYetValid", 45),
        (other.issue(&["127.0.0.1"]), "UnknownIssuer", 48),
        (authority.issue(&["localhost", "127.0.0.2"]), "WrongHostName", 42),
    ] {
        let mut ends = Ends::new(certificate.server(), authority.client()).await;
        let DialFailure::Tls(failure) = dial_failure(&mut ends.of_client).await else {
            panic!("not a failure of TLS");
        };
        assert_eq!(format!("{failure:?}"), expected);
        let reported = handshake_failure(&mut ends.of_server).await;
        assert!(
            matches!(reported, TlsFailure::Alert { code } if code == alert || code == 42),
            "{expected}: {reported:?}"
        );
        ends.is_dialed_rarely().await;
    }
}

#[tokio::test]
async fn both_ends_report_a_missing_client_certificate() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let tls = authority.issue(&["127.0.0.1"]).server();
    let tls = tls.require_client_certificates(&authority.pem).unwrap();
    // The client sends its greeting before it learns that it is refused: the reason is not lost.
    for _ in 0..20 {
        let mut ends = Ends::new(tls.clone(), authority.client()).await;
        let reported = handshake_failure(&mut ends.of_client).await;
        assert!(matches!(reported, TlsFailure::CertificateRequired), "{reported:?}");
        let reported = handshake_failure(&mut ends.of_server).await;
        assert!(matches!(reported, TlsFailure::NoCertificate), "{reported:?}");
        ends.is_dialed_rarely().await;
        assert_eq!(ends.server.stats().refused.security, 1);
    }
}

#[tokio::test]
async fn both_ends_report_why_the_certificate_of_the_client_is_refused() {
    let _watchdog = Watchdog::start();
    let (authority, clients) = (Authority::new("authority"), Authority::new("clients"));
    let tls = authority.issue(&["127.0.0.1"]).server();
    let tls = tls.request_client_certificates(&clients.pem).unwrap();
    let expired = clients.issue_with(&["alice"], |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    for (certificate, expected, alert) in
        [(expired, "Expired", 45), (authority.issue(&["alice"]), "UnknownIssuer", 48)]
    {
        let client = authority.client().with_certificate(&certificate.pem, &certificate.key);
        let mut ends = Ends::new(tls.clone(), client.unwrap()).await;
        let reported = handshake_failure(&mut ends.of_client).await;
        assert!(matches!(reported, TlsFailure::Alert { code } if code == alert), "{reported:?}");
        let reported = handshake_failure(&mut ends.of_server).await;
        assert_eq!(format!("{reported:?}"), expected);
        ends.is_dialed_rarely().await;
    }
}

/// Two sockets whose connection fails, and their monitors.
pub(super) struct Ends {
    pub(super) server: Server,
    _client: Client,
    pub(super) of_server: Monitor,
    pub(super) of_client: Monitor,
}

impl Ends {
    pub(super) async fn new(server: TlsServer, client: TlsClient) -> Self {
        let server = Server::builder().tls_server(server).build();
        let of_server = server.monitor();
        let endpoint: Endpoint = server.bind("tls://127.0.0.1:*").await.unwrap();
        let client = Client::builder()
            .tls_client(client)
            .reconnect_interval(Duration::from_millis(1))
            .reconnect_interval_max(LONGEST)
            .build();
        let of_client = client.monitor();
        client.connect(endpoint).await.unwrap();
        Self { server, _client: client, of_server, of_client }
    }

    pub(super) async fn is_dialed_rarely(&mut self) {
        let is_retried = |kind: &EventKind| matches!(kind, EventKind::ConnectRetried { .. });
        let retried = events::until(&mut self.of_client, is_retried).await;
        let EventKind::ConnectRetried { delay } = retried.kind else { unreachable!() };
        // The jitter shortens a delay by up to half.
        assert!(delay >= LONGEST / 2, "{delay:?}");
    }
}

pub(super) async fn dial_failure(monitor: &mut Monitor) -> DialFailure {
    let is_failed = |kind: &EventKind| matches!(kind, EventKind::ConnectFailed { .. });
    match events::until(monitor, is_failed).await.kind {
        EventKind::ConnectFailed { reason } => reason,
        _ => unreachable!(),
    }
}

pub(super) async fn handshake_failure(monitor: &mut Monitor) -> TlsFailure {
    let is_failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    match events::until(monitor, is_failed).await.kind {
        EventKind::HandshakeFailed { reason: HandshakeFailure::Tls(failure) } => failure,
        other => panic!("{other:?}"),
    }
}

const LONGEST: Duration = Duration::from_secs(1_000);
