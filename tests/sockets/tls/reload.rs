//! The configurations of servers and clients are replaced while connections exist.

use tokio_zmtp::monitor::{EventKind, TlsFailure};
use tokio_zmtp::{Client, Server, TlsConfigError, TlsServer};

use super::certificates::{Authority, exchange};
use super::failures::{Ends, handshake_failure};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_new_certificate_applies_to_later_connections_of_all_sockets() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let (old, new) = (authority.issue(&["127.0.0.1"]), authority.issue(&["127.0.0.1"]));
    let tls = old.server();
    let servers = [Server::builder(), Server::builder()].map(|builder| {
        let tls = tls.clone();
        async move { builder.tls_server(tls).bind("tls://127.0.0.1:*").await.unwrap() }
    });
    let mut clients = Vec::new();
    let mut bound = Vec::new();
    for server in servers {
        let server = server.await;
        let client = connect(&authority, &server).await;
        assert_eq!(certificate_seen_by(&client), old.der);
        clients.push(client);
        bound.push(server);
    }

    // One that cannot be used changes nothing.
    let renewed = TlsServer::new(&new.pem, &old.key).and_then(|new| tls.reload(new));
    assert!(matches!(renewed, Err(TlsConfigError::KeyMismatch)));
    assert_eq!(certificate_seen_by(&connect(&authority, &bound[0]).await), old.der);

    tls.reload(new.server()).unwrap();
    for (server, client) in bound.iter().zip(&clients) {
        let later = connect(&authority, server).await;
        assert_eq!(certificate_seen_by(&later), new.der);
        // The earlier connection remains established.
        exchange(server, client).await;
        assert_eq!(certificate_seen_by(client), old.der);
        assert_eq!(client.stats().reconnects, 0);
    }
}

#[tokio::test]
async fn new_roots_of_clients_apply_to_later_connections() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let [old, new] = ["old", "new"].map(Authority::new);
    let of_server = authority.issue(&["127.0.0.1"]);
    let load =
        |clients: &Authority| of_server.server().require_client_certificates(&clients.pem).unwrap();
    let [of_old, of_new] = [&old, &new].map(|clients| {
        let certificate = clients.issue(&["client"]);
        authority.client().with_certificate(certificate.pem, certificate.key).unwrap()
    });
    let tls = load(&old);
    let builder = Server::builder().tls_server(tls.clone());
    let server = builder.bind("tls://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let builder = Client::builder().tls_client(of_old.clone());
    let early = builder.connect(&endpoint).await.unwrap();
    exchange(&server, &early).await;

    tls.reload(load(&new)).unwrap();
    let later = Client::builder().tls_client(of_new).connect(&endpoint).await.unwrap();
    exchange(&server, &later).await;
    exchange(&server, &early).await;
    assert_eq!(early.stats().reconnects, 0);
    let mut ends = Ends::new(tls.clone(), of_old).await;
    let reported = handshake_failure(&mut ends.of_server).await;
    assert!(matches!(reported, TlsFailure::UnknownIssuer), "{reported:?}");
}

#[tokio::test]
async fn a_new_configuration_of_a_client_applies_to_later_connections_of_all_sockets() {
    let _watchdog = Watchdog::start();
    let [old, new, clients] = ["old", "new", "clients"].map(Authority::new);
    let [alice, bob] = ["alice", "bob"].map(|name| clients.issue(&[name]));
    let of_server = old.issue(&["127.0.0.1"]).server();
    let tls_server = of_server.require_client_certificates(&clients.pem).unwrap();
    let builder = Server::builder().tls_server(tls_server.clone());
    let server = builder.bind("tls://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let tls = old.client().with_certificate(&alice.pem, &alice.key).unwrap();
    let early = Client::builder().tls_client(tls.clone()).connect(&endpoint).await.unwrap();
    assert_eq!(exchange(&server, &early).await.certificate(), Some(&*alice.der));

    // The certificates of both ends, and the roots of the server's, are replaced.
    tls.reload(new.client().with_certificate(&bob.pem, &bob.key).unwrap()).unwrap();
    let of_server = new.issue(&["127.0.0.1"]).server();
    tls_server.reload(of_server.require_client_certificates(&clients.pem).unwrap()).unwrap();
    let later = Client::builder().tls_client(tls).connect(&endpoint).await.unwrap();
    assert_eq!(exchange(&server, &later).await.certificate(), Some(&*bob.der));
    let remote = exchange(&server, &early).await;
    assert_eq!(remote.certificate(), Some(&*alice.der));
    assert_eq!(early.stats().reconnects, 0);

    // An endpoint that was connected earlier is dialed with the new configuration.
    let mut monitor = early.monitor();
    assert!(server.remotes().disconnect(remote.connection_id()));
    events::until(&mut monitor, |kind| matches!(kind, EventKind::Disconnected { .. })).await;
    assert_eq!(exchange(&server, &early).await.certificate(), Some(&*bob.der));
}

#[test]
fn a_reload_cannot_relax_the_verification() {
    let authority = Authority::new("authority");
    let list = authority.revoke(&[], 3001);
    let none = authority.issue(&["localhost"]).server();
    let requests = none.clone().request_client_certificates(&authority.pem).unwrap();
    let requires = none.clone().require_client_certificates(&authority.pem).unwrap();
    let checks = requires.clone().with_revocation_lists(&list).unwrap();
    for (current, stricter) in [(&none, &requests), (&requests, &requires), (&requires, &checks)] {
        let error = stricter.reload(current.clone()).unwrap_err();
        assert!(matches!(error, TlsConfigError::LessStrict));
        stricter.reload(stricter.clone()).unwrap();
    }
    none.reload(checks).unwrap();
    assert!(matches!(none.reload(requires), Err(TlsConfigError::LessStrict)));

    let client = authority.client();
    let checks = client.clone().with_revocation_lists(&list).unwrap();
    assert!(matches!(checks.reload(client.clone()), Err(TlsConfigError::LessStrict)));
    client.reload(checks).unwrap();
}

async fn connect(authority: &Authority, server: &Server) -> Client {
    let builder = Client::builder().tls_client(authority.client());
    let client = builder.connect(server.last_endpoint().unwrap()).await.unwrap();
    exchange(server, &client).await;
    client
}

fn certificate_seen_by(client: &Client) -> Vec<u8> {
    client.remotes().list().remove(0).certificate().unwrap().to_vec()
}
