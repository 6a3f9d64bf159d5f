//! The certificates of both ends are known to authenticators and in descriptions of remotes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_zmtp::auth::{Admission, Authenticator, Caller, Request, StatusCode};
use tokio_zmtp::{Client, Server};

use super::certificates::{Authority, exchange};
use crate::remote::{self, GREETING, Remote};
use crate::watchdog::Watchdog;

/// Admits the remote with this certificate, or without one.
struct Pinned(Option<Vec<u8>>);

impl Authenticator for Pinned {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        if request.caller.certificate() == self.0.as_deref() {
            Ok(Admission::user("pinned"))
        } else {
            Err(StatusCode::Denied)
        }
    }
}

#[tokio::test]
async fn both_ends_know_the_certificate_of_the_other() {
    let _watchdog = Watchdog::start();
    let (authority, clients) = (Authority::new("authority"), Authority::new("clients"));
    let (of_server, of_client) = (authority.issue(&["127.0.0.1"]), clients.issue(&["alice"]));
    let server = Server::builder()
        .tls_server(of_server.server().require_client_certificates(&clients.pem).unwrap())
        .authenticator(Pinned(Some(of_client.der.clone())))
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let client = Client::builder()
        .tls_client(authority.client().with_certificate(&of_client.pem, &of_client.key).unwrap())
        .authenticator(Pinned(Some(of_server.der.clone())))
        .connect(server.last_endpoint().unwrap())
        .await
        .unwrap();
    let remote = exchange(&server, &client).await;
    assert_eq!(remote.certificate(), Some(&*of_client.der));
    assert_eq!(remote.user_id(), Some("pinned"));
    assert_eq!(remote.endpoint().to_string(), server.last_endpoint().unwrap().to_string());
    assert!(remote.address().is_some());
    let remote = client.remotes().list().remove(0);
    assert_eq!(remote.certificate(), Some(&*of_server.der));
    assert_eq!(remote.endpoint(), &server.last_endpoint().unwrap());
}

#[tokio::test]
async fn a_remote_is_asked_about_once_before_its_handshake() {
    struct Counts(Arc<AtomicUsize>);

    impl Authenticator for Counts {
        async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
            assert!(request.caller.certificate().is_some());
            Ok(Admission::anonymous())
        }

        fn allows_handshake(&self, caller: &Caller) -> bool {
            // Nothing has been read from the remote.
            assert_eq!(caller.certificate(), None);
            self.0.fetch_add(1, Ordering::Relaxed);
            true
        }
    }

    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let (of_server, of_client) = (authority.issue(&["127.0.0.1"]), authority.issue(&["alice"]));
    let asked = Arc::new(AtomicUsize::new(0));
    let server = Server::builder()
        .tls_server(of_server.server().require_client_certificates(&authority.pem).unwrap())
        .authenticator(Counts(Arc::clone(&asked)))
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let client = Client::builder()
        .tls_client(authority.client().with_certificate(&of_client.pem, &of_client.key).unwrap())
        .connect(server.last_endpoint().unwrap())
        .await
        .unwrap();
    exchange(&server, &client).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_requested_certificate_may_be_missing() {
    let _watchdog = Watchdog::start();
    let (authority, clients) = (Authority::new("authority"), Authority::new("clients"));
    let tls = authority.issue(&["127.0.0.1"]).server();
    let server = Server::builder()
        .tls_server(tls.request_client_certificates(&clients.pem).unwrap())
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let without = Client::builder().tls_client(authority.client()).build();
    without.connect(&endpoint).await.unwrap();
    assert_eq!(exchange(&server, &without).await.certificate(), None);

    let alice = clients.issue(&["alice"]);
    let tls = authority.client().with_certificate(&alice.pem, &alice.key).unwrap();
    let with = Client::builder().tls_client(tls).connect(&endpoint).await.unwrap();
    assert_eq!(exchange(&server, &with).await.certificate(), Some(&*alice.der));
}

#[tokio::test]
async fn a_remote_cannot_claim_a_certificate() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().authenticator(Pinned(None)).build();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut forger = Remote::dial(&endpoint).await;
    let properties = [
        remote::property("Socket-Type", b"CLIENT"),
        remote::property("Tls-Certificate", b"forged"),
    ];
    let ready = remote::command("READY", &properties.concat());
    forger.write(&[&GREETING[..], &ready].concat()).await;
    server.remotes().connected().await.unwrap();
    let forger = server.remotes().list().remove(0);
    assert_eq!(forger.property("Tls-Certificate"), Some(&b"forged"[..]));
    assert_eq!(forger.certificate(), None);
}
