//! Revoked certificates are refused, and so are those whose state is not known.

use tokio_zmtp::monitor::{DialFailure, TlsFailure};
use tokio_zmtp::{Client, Server, TlsConfigError};

use super::certificates::{Authority, exchange};
use super::failures::{Ends, dial_failure, handshake_failure};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn both_ends_report_that_the_certificate_of_the_client_is_revoked() {
    let _watchdog = Watchdog::start();
    let (authority, clients) = (Authority::new("authority"), Authority::new("clients"));
    let of_server = authority.issue(&["127.0.0.1"]);
    let alice = clients.issue_numbered(&["alice"], 7);
    let other = Authority::new("other");
    for (lists, expected, alert) in [
        (clients.revoke(&[6, 7], 3001), "Revoked", 44),
        (clients.revoke(&[], 2002), "RevocationListExpired", 48),
        (other.revoke(&[], 3001), "RevocationListMissing", 48),
    ] {
        for requires in [true, false] {
            let tls = if requires {
                of_server.server().require_client_certificates(&clients.pem).unwrap()
            } else {
                of_server.server().request_client_certificates(&clients.pem).unwrap()
            };
            let tls = tls.with_revocation_lists(&lists).unwrap();
            let client = authority.client().with_certificate(&alice.pem, &alice.key).unwrap();
            let mut ends = Ends::new(tls, client).await;
            let reported = handshake_failure(&mut ends.of_client).await;
            assert!(
                matches!(reported, TlsFailure::Alert { code } if code == alert),
                "{reported:?}"
            );
            let reported = handshake_failure(&mut ends.of_server).await;
            assert_eq!(format!("{reported:?}"), expected);
            ends.is_dialed_rarely().await;
            assert_eq!(ends.server.stats().refused.security, 1);
        }
    }
}

#[tokio::test]
async fn both_ends_report_that_the_certificate_of_the_server_is_revoked() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let of_server = authority.issue_numbered(&["127.0.0.1"], 7);
    for (lists, expected, alert) in [
        (authority.revoke(&[7], 3001), "Revoked", 44),
        (authority.revoke(&[], 2002), "RevocationListExpired", 48),
        (Authority::new("other").revoke(&[], 3001), "RevocationListMissing", 48),
    ] {
        let client = authority.client().with_revocation_lists(lists).unwrap();
        let mut ends = Ends::new(of_server.server(), client).await;
        let DialFailure::Tls(failure) = dial_failure(&mut ends.of_client).await else {
            panic!("not a failure of TLS");
        };
        assert_eq!(format!("{failure:?}"), expected);
        let reported = handshake_failure(&mut ends.of_server).await;
        assert!(matches!(reported, TlsFailure::Alert { code } if code == alert), "{reported:?}");
        ends.is_dialed_rarely().await;
    }
}

#[tokio::test]
async fn a_list_that_is_reloaded_applies_to_later_connections() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let of_server = authority.issue_numbered(&["127.0.0.1"], 1);
    let load = |revoked: &[u64]| {
        let tls = of_server.server().require_client_certificates(&authority.pem).unwrap();
        tls.with_revocation_lists(authority.revoke(revoked, 3001)).unwrap()
    };
    let tls = load(&[]);
    let builder = Server::builder().tls_server(tls.clone());
    let server = builder.bind("tls://127.0.0.1:*").await.unwrap();
    let [alice, bob] = [2, 3].map(|number| {
        let certificate = authority.issue_numbered(&["client"], number);
        let tls = authority.client().with_revocation_lists(authority.revoke(&[], 3001)).unwrap();
        tls.with_certificate(certificate.pem, certificate.key).unwrap()
    });
    let connect = |tls| {
        let builder = Client::builder().tls_client(tls);
        builder.connect(server.last_endpoint().unwrap())
    };
    let early = connect(alice.clone()).await.unwrap();
    exchange(&server, &early).await;

    tls.reload(load(&[2])).unwrap();
    let later = connect(bob).await.unwrap();
    exchange(&server, &later).await;
    exchange(&server, &early).await;
    assert_eq!(early.stats().reconnects, 0);
    let mut ends = Ends::new(tls.clone(), alice).await;
    let reported = handshake_failure(&mut ends.of_server).await;
    assert!(matches!(reported, TlsFailure::Revoked), "{reported:?}");
}

#[test]
fn lists_that_cannot_be_used_are_refused() {
    let authority = Authority::new("authority");
    let list = authority.revoke(&[1], 3001);
    let plain = authority.issue(&["localhost"]).server();
    let error = plain.clone().with_revocation_lists(&list).unwrap_err();
    assert!(matches!(error, TlsConfigError::NoClientCertificates));
    let verifying = plain.require_client_certificates(&authority.pem).unwrap();
    // Its contents are not a list.
    let certificate = authority.pem.replace(" CERTIFICATE-", " X509 CRL-");
    let broken = list.replacen("\nM", "\n-", 1);
    for (pem, expected) in [
        (&authority.pem, "NoRevocationList"),
        (&certificate, "UnusableRevocationList"),
        (&broken, "UnusableRevocationList"),
    ] {
        for error in [
            verifying.clone().with_revocation_lists(pem).unwrap_err(),
            authority.client().with_revocation_lists(pem).unwrap_err(),
        ] {
            assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        }
    }
}
