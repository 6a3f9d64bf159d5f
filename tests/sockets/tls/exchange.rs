//! Messages pass over TLS as they do over TCP.

use tokio_zmtp::auth::{CurveKeypair, Users};
use tokio_zmtp::{
    BindError, Client, ConnectError, ConnectPeerError, EndpointErrorKind, Mechanism, Peer, Pub,
    Pull, Push, Server, Sub, TlsConfigError, TlsServer,
};

use super::certificates::{Authority, exchange, port};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn messages_of_every_length_pass_in_order() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let pull = Pull::builder()
        .tls_server(authority.issue(&["127.0.0.1"]).server())
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let push = Push::builder()
        .tls_client(authority.client())
        .connect(pull.last_endpoint().unwrap())
        .await
        .unwrap();
    let sizes = [0, 1, 255, 256, 16_383, 16_384, 16_385, 32_768, 65_536, 1_000_000];
    let sending = async {
        for round in 0..20_u8 {
            for size in sizes {
                push.send(vec![round; size]).await.unwrap();
            }
        }
    };
    let receiving = async {
        for round in 0..20_u8 {
            for size in sizes {
                let message = pull.recv().await.unwrap();
                assert_eq!(message.len(), 1);
                assert!(message[0].len() == size && message[0].iter().all(|&byte| byte == round));
            }
        }
    };
    tokio::join!(sending, receiving);
    assert_eq!(push.close().await.undelivered, 0);
}

#[tokio::test]
async fn subscriptions_pass() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let publisher = Pub::builder()
        .tls_server(authority.issue(&["127.0.0.1"]).server())
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let subscriber = Sub::builder().tls_client(authority.client()).build();
    subscriber.subscribe("topic").unwrap();
    subscriber.connect(publisher.last_endpoint().unwrap()).await.unwrap();
    publisher.subscribed("topic").await.unwrap();
    for number in 0..100_u32 {
        publisher.send("other").await.unwrap();
        publisher.send(format!("topic {number}")).await.unwrap();
    }
    for number in 0..100_u32 {
        assert_eq!(subscriber.recv().await.unwrap(), [format!("topic {number}")]);
    }
}

#[tokio::test]
async fn mechanisms_work_inside() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let keypair = CurveKeypair::generate();
    let users = Users::new();
    users.insert("alice", "secret");
    for (server, client) in [
        (
            Server::builder().mechanism(Mechanism::curve_server(keypair.clone())),
            Mechanism::curve_client(keypair.public_key()),
        ),
        (
            Server::builder().mechanism(Mechanism::PlainServer).authenticator(users),
            Mechanism::plain_client("alice", "secret").unwrap(),
        ),
    ] {
        let server = server
            .tls_server(authority.issue(&["127.0.0.1"]).server())
            .bind("tls://127.0.0.1:*")
            .await
            .unwrap();
        let client = Client::builder()
            .mechanism(client)
            .tls_client(authority.client())
            .connect(server.last_endpoint().unwrap())
            .await
            .unwrap();
        exchange(&server, &client).await;
    }
}

#[tokio::test]
async fn the_certificate_may_be_for_the_name_that_is_connected() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let server = Server::builder()
        .tls_server(authority.issue(&["localhost"]).server())
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let port = port(&server.last_endpoint().unwrap());
    let builder = Client::builder().tls_client(authority.client());
    let client = builder.connect(format!("tls://localhost:{port}")).await.unwrap();
    exchange(&server, &client).await;

    // The addresses are dialed, and the name is verified.
    let client = Client::builder().tls_client(authority.client()).build();
    client.connect_all(format!("tls://localhost:{port}")).await.unwrap();
    exchange(&server, &client).await;

    let tls = authority.client().server_name("localhost").unwrap();
    let endpoint = format!("tls://127.0.0.1:{port}");
    let client = Client::builder().tls_client(tls).connect(endpoint).await.unwrap();
    exchange(&server, &client).await;
}

#[tokio::test]
async fn an_endpoint_without_the_option_is_refused() {
    let server = Server::new();
    let error = server.bind("tls://127.0.0.1:*").await.unwrap_err();
    assert!(matches!(error, BindError::NoTlsServer { .. }), "{error}");
    let client = Client::new();
    for error in [
        client.connect("tls://127.0.0.1:1").await.unwrap_err(),
        client.connect_all("tls://localhost:1").await.unwrap_err(),
    ] {
        assert!(matches!(error, ConnectError::NoTlsClient { .. }), "{error}");
    }
    let error = Peer::new().connect_peer("tls://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(error, ConnectPeerError::NoTlsClient { .. }), "{error}");
    let BindError::Endpoint(error) = server.bind("tls://127.0.0.1:1/a").await.unwrap_err() else {
        panic!("not an error of the endpoint");
    };
    assert_eq!(error.kind(), EndpointErrorKind::ResourceOverTls);
}

#[test]
fn certificates_that_cannot_be_used_are_refused() {
    let authority = Authority::new("authority");
    let (one, other) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let refused = |chain: &str, key: &str| TlsServer::new(chain, key).unwrap_err();
    assert!(matches!(refused(&one.pem, &other.key), TlsConfigError::KeyMismatch));
    assert!(matches!(refused(&one.key, &one.key), TlsConfigError::NoCertificate));
    assert!(matches!(refused(&one.pem, &one.pem), TlsConfigError::NoPrivateKey));
    assert!(matches!(refused("", ""), TlsConfigError::NoCertificate));
    let broken = one.pem.replacen('M', "-", 1);
    assert!(matches!(refused(&broken, &one.key), TlsConfigError::Unusable(_)));
    let error = authority.client().server_name("not a name").unwrap_err();
    assert!(matches!(error, TlsConfigError::ServerName { name } if name == "not a name"));
}
