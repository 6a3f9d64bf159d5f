//! WebSockets over TLS: `wss`.

use tokio_zmtp::ws::{WebSocketAcceptor, WebSocketConnector};
use tokio_zmtp::{Client, Mechanism, Server};

use super::certificates::{Authority, exchange};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_websocket_over_tls_has_both_certificates() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let (of_server, of_client) = (authority.issue(&["example.org"]), authority.issue(&["alice"]));
    let tls_server = of_server.server().require_client_certificates(&authority.pem).unwrap();
    let tls_client = authority.client().with_certificate(&of_client.pem, &of_client.key).unwrap();
    let (near, far) = tokio::io::duplex(4_096);
    let (accepted, dialed) =
        tokio::try_join!(tls_server.accept(near), tls_client.connect(far, "example.org")).unwrap();

    let acceptor = WebSocketAcceptor::new(&Mechanism::Null).path("/zmq");
    let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/zmq");
    let (accepted, dialed) =
        tokio::try_join!(acceptor.accept(accepted), connector.connect(dialed)).unwrap();
    let (server, client) = (Server::new(), Client::new());
    server.attach(accepted).await.unwrap();
    client.attach(dialed).await.unwrap();

    let remote = exchange(&server, &client).await;
    assert_eq!(remote.certificate(), Some(&*of_client.der));
    let remote = client.remotes().list().remove(0);
    assert_eq!(remote.certificate(), Some(&*of_server.der));
}
