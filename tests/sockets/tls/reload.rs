//! The certificate of a server is replaced while connections exist.

use tokio_zmtp::{Client, Server, TlsConfigError};

use super::certificates::{Authority, exchange};
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
    let error = tls.reload(&new.pem, &old.key).unwrap_err();
    assert!(matches!(error, TlsConfigError::KeyMismatch));
    assert_eq!(certificate_seen_by(&connect(&authority, &bound[0]).await), old.der);

    tls.reload(&new.pem, &new.key).unwrap();
    for (server, client) in bound.iter().zip(&clients) {
        let later = connect(&authority, server).await;
        assert_eq!(certificate_seen_by(&later), new.der);
        // The earlier connection remains established.
        exchange(server, client).await;
        assert_eq!(certificate_seen_by(client), old.der);
        assert_eq!(client.stats().reconnects, 0);
    }
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
