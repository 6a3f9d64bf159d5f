//! Several sockets at one port, each of which serves a path.

use std::net::TcpListener;
use std::thread;

use tokio_zmtp::auth::{CurveKeypair, Users};
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::ws::UpgradeError;
use tokio_zmtp::{BindError, Client, Mechanism, Pub, Server, Sub};

use super::{NULL, at, dial, request};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn sockets_of_any_type_and_mechanism_share_a_port() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let orders = Server::builder().bind("ws://127.0.0.1:*/orders").await.unwrap();
    let secret = Server::builder().mechanism(Mechanism::curve_server(keypair.clone()));
    let secret = secret.bind(at(&orders, "/secret")).await.unwrap();
    let users = Users::new();
    users.insert("alice", "secret");
    let news = Pub::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let news = news.bind(at(&orders, "/news")).await.unwrap();

    // Each of the sockets accepts some of the connections.
    for _ in 0..20 {
        let client = Client::builder().connect(at(&orders, "/orders")).await.unwrap();
        client.send("order").await.unwrap();
        let (request, remote) = orders.recv_from().await.unwrap();
        assert_eq!(request, "order");
        assert_eq!(*remote.endpoint(), at(&orders, "/orders"));
        let client = Client::builder().mechanism(Mechanism::curve_client(keypair.public_key()));
        let client = client.connect(at(&orders, "/secret")).await.unwrap();
        client.send("secret").await.unwrap();
        assert_eq!(secret.recv().await.unwrap(), "secret");
        let mechanism = Mechanism::plain_client("alice", "secret").unwrap();
        let subscriber = Sub::builder().mechanism(mechanism).build();
        subscriber.subscribe("a").unwrap();
        subscriber.connect(at(&orders, "/news")).await.unwrap();
        news.subscribed("a").await.unwrap();
        subscriber.close().await;
    }
}

#[tokio::test]
async fn a_path_that_no_socket_serves_is_not_found() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("ws://127.0.0.1:*/orders").await.unwrap();
    let billing = Server::builder().bind(at(&orders, "/billing")).await.unwrap();
    for path in ["/", "/order", "/orders/", "/Orders", "/%6Frders", "//orders"] {
        let response = request(&mut dial(&orders).await, path, NULL).await;
        assert!(response.starts_with("HTTP/1.1 404 "), "{path}: {response}");
    }
    billing.close().await;
    let mut monitor = orders.monitor();
    let response = request(&mut dial(&orders).await, "/billing", NULL).await;
    assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
    let failed =
        events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    let EventKind::HandshakeFailed {
        reason: HandshakeFailure::Upgrade(UpgradeError::Path { path }),
    } = failed.kind
    else {
        panic!("{failed:?}")
    };
    assert_eq!(path, "/billing");
    let response = request(&mut dial(&orders).await, "/orders?x", NULL).await;
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
}

#[tokio::test]
async fn a_path_and_a_port_have_one_owner() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("ws://127.0.0.1:*/orders").await.unwrap();
    let other = Server::new();
    let tcp = at(&orders, "").to_string().replace("ws://", "tcp://");
    for endpoint in [at(&orders, "/orders").to_string(), tcp[..tcp.len() - 1].to_owned()] {
        let error = other.bind(&endpoint).await.unwrap_err();
        assert!(matches!(error, BindError::AddrInUse { .. }), "{endpoint}: {error}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("ws://{}/orders", port.local_addr().unwrap());
    let error = other.bind(taken).await.unwrap_err();
    assert!(matches!(error, BindError::AddrInUse { .. }), "{error}");

    // The port is free when the last of its sockets has ended.
    other.bind(at(&orders, "/other")).await.unwrap();
    orders.close().await;
    let client = Client::builder().connect(at(&other, "/other")).await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "hello");
    let endpoint = other.last_endpoint().unwrap();
    other.close().await;
    Server::builder().bind(endpoint).await.unwrap();
}

#[tokio::test]
async fn sockets_of_several_runtimes_share_a_port() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("ws://127.0.0.1:*/orders").await.unwrap();
    let endpoint = at(&orders, "/billing");
    let (bound_tx, bound) = tokio::sync::oneshot::channel();
    let billing = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let billing = Server::builder().bind(endpoint).await.unwrap();
            bound_tx.send(()).unwrap();
            for _ in 0..20 {
                let request = billing.recv().await.unwrap();
                billing.reply(&request, "billed").await.unwrap();
            }
            billing.close().await;
        });
    });
    bound.await.unwrap();
    for _ in 0..20 {
        let client = Client::builder().connect(at(&orders, "/billing")).await.unwrap();
        client.send("bill").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "billed");
        let client = Client::builder().connect(at(&orders, "/orders")).await.unwrap();
        client.send("order").await.unwrap();
        assert_eq!(orders.recv().await.unwrap(), "order");
    }
    billing.join().unwrap();
}
