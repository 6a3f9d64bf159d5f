//! Messages pass over WebSockets as they do over TCP.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_zmtp::auth::{
    Admission, Authenticator, CurveKeypair, Networks, Request, StatusCode, Users,
};
use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::ws::RequestHeaders;
use tokio_zmtp::{Client, Mechanism, Pair, Pub, Pull, Push, Router, Server, Sub};

use super::{NULL, at, dial, request};
use crate::bodies;
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn bodies_of_every_size_pass_both_ways() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind("ws://127.0.0.1:*/orders").await.unwrap();
    let client = Client::builder().connect(server.last_endpoint().unwrap()).await.unwrap();
    let sizes = [0, 1, 124, 125, 126, 254, 255, 256, 65_535, 65_536, 1_000_000];
    bodies::pass_both_ways(&server, &client, sizes).await;

    client.send("hello").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(Some(remote.endpoint()), server.last_endpoint().as_ref());
    assert!(remote.address().unwrap().ip().is_loopback());
    let remote = client.remotes().list().remove(0);
    assert_eq!(Some(remote.endpoint()), client.last_endpoint().as_ref());
}

#[tokio::test]
async fn a_name_is_resolved_and_a_query_is_sent() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().bind("ws://127.0.0.1:*/orders").await.unwrap();
    let endpoint = at(&server, "/orders?room=7").to_string().replace("127.0.0.1", "localhost");
    let client = Client::builder().connect(&endpoint).await.unwrap();
    client.send("one").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "one");

    let client = Client::new();
    client.connect_all(&endpoint).await.unwrap();
    client.send("two").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "two");
}

#[tokio::test]
async fn sockets_that_may_refuse_their_remotes_are_joined() {
    let _watchdog = Watchdog::start();
    let pair = Pair::builder().bind("ws://127.0.0.1:*").await.unwrap();
    let other = Pair::builder().connect(pair.last_endpoint().unwrap()).await.unwrap();
    other.send("hello").await.unwrap();
    assert_eq!(pair.recv().await.unwrap(), ["hello"]);

    let router = Router::builder().bind("ws://127.0.0.1:*").await.unwrap();
    let other = Router::builder().connect(router.last_endpoint().unwrap()).await.unwrap();
    router.remotes().connected().await.unwrap();
    other.remotes().connected().await.unwrap();
}

#[tokio::test]
async fn subscriptions_pass() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::builder().bind("ws://127.0.0.1:*/news").await.unwrap();
    let subscriber = Sub::builder().connect(publisher.last_endpoint().unwrap()).await.unwrap();
    subscriber.subscribe("topic").unwrap();
    publisher.subscribed("topic").await.unwrap();
    for number in 0..100 {
        publisher.send("other").await.unwrap();
        publisher.send(format!("topic {number}")).await.unwrap();
    }
    for number in 0..100 {
        assert_eq!(subscriber.recv().await.unwrap(), [format!("topic {number}")]);
    }
}

#[tokio::test]
async fn every_mechanism_works_inside() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let users = Users::new();
    users.insert("alice", "secret");
    for (server, client) in [
        (Server::builder(), Mechanism::Null),
        (
            Server::builder().mechanism(Mechanism::PlainServer).authenticator(users),
            Mechanism::plain_client("alice", "secret").unwrap(),
        ),
        (
            Server::builder().mechanism(Mechanism::curve_server(keypair.clone())),
            Mechanism::curve_client(keypair.public_key()),
        ),
    ] {
        let server = server.bind("ws://127.0.0.1:*").await.unwrap();
        let client = Client::builder().mechanism(client);
        let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn messages_queued_for_a_server_that_returns_are_delivered() {
    let _watchdog = Watchdog::start();
    let pull = Pull::builder().bind("ws://127.0.0.1:*/jobs").await.unwrap();
    let endpoint = pull.last_endpoint().unwrap();
    let push = Push::builder().reconnect_interval(Duration::from_millis(1));
    let push = push.connect(&endpoint).await.unwrap();
    push.send("first").await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["first"]);
    let mut monitor = push.monitor();
    pull.close().await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
    push.send("second").await.unwrap();
    let pull = Pull::builder().bind(&endpoint).await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["second"]);
}

#[tokio::test]
async fn heartbeats_are_pings_of_the_websocket() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .heartbeat_interval(Duration::from_millis(1))
        .heartbeat_timeout(Duration::from_millis(50))
        .bind("ws://127.0.0.1:*")
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let mut silent = dial(&server).await;
    request(&mut silent, "/", NULL).await;
    silent.write_all(READY).await.unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    let mut received = Vec::new();
    silent.read_to_end(&mut received).await.unwrap();
    // A ping, after the READY command.
    assert!(received.windows(2).any(|header| header[0] == 0x89), "{received:?}");
}

#[tokio::test]
async fn a_remote_that_answers_pings_of_the_websocket_is_alive() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .heartbeat_interval(Duration::from_millis(20))
        .heartbeat_timeout(Duration::from_secs(10))
        .bind("ws://127.0.0.1:*")
        .await
        .unwrap();
    let mut page = dial(&server).await;
    request(&mut page, "/", NULL).await;
    page.write_all(READY).await.unwrap();
    let mut ready = [0; 31];
    page.read_exact(&mut ready).await.unwrap();
    assert_eq!(ready[..2], [0x82, 29]);
    // A page ignores commands after the handshake: there are none.
    for _ in 0..10 {
        let mut header = [0; 2];
        page.read_exact(&mut header).await.unwrap();
        assert_eq!(header[0], 0x89, "{header:?}");
        let mut payload = vec![0; header[1].into()];
        page.read_exact(&mut payload).await.unwrap();
        let pong = [&[0x8A, 0x80 | header[1], 0, 0, 0, 0][..], &payload].concat();
        page.write_all(&pong).await.unwrap();
    }
}

#[tokio::test]
async fn a_header_is_added_to_the_request() {
    let _watchdog = Watchdog::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let headers = RequestHeaders::new().with("Authorization", "Bearer token").unwrap();
    let _client = Client::builder()
        .websocket_headers(headers)
        .connect(format!("ws://localhost:{port}/orders?room=7"))
        .await
        .unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    let request = String::from_utf8(request).unwrap();
    assert!(request.starts_with("GET /orders?room=7 HTTP/1.1\r\n"), "{request}");
    let lines = request.to_ascii_lowercase();
    for line in [format!("host: localhost:{port}"), "authorization: bearer token".to_owned()] {
        assert!(lines.contains(&format!("\r\n{line}\r\n")), "{request}");
    }

    for (name, value) in
        [("a b", "x"), ("A", "x\r\ny"), ("Host", "x"), ("Sec-WebSocket-Key", "x"), ("", "x")]
    {
        let refused = RequestHeaders::new().with(name, value);
        assert_eq!(refused.unwrap_err().name, name);
    }
}

#[tokio::test]
async fn the_authenticator_learns_the_endpoint_with_its_path() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .authenticator(NamesTheEndpoint)
        .bind("ws://127.0.0.1:*/orders")
        .await
        .unwrap();
    let client = Client::builder().connect(server.last_endpoint().unwrap()).await.unwrap();
    client.send("hello").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.user_id(), Some(&*server.last_endpoint().unwrap().to_string()));
}

/// Admits every remote as the user that is named like the endpoint.
struct NamesTheEndpoint;

impl Authenticator for NamesTheEndpoint {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        Ok(Admission::user(request.caller.endpoint.to_string()))
    }
}

#[tokio::test]
async fn a_proxy_can_state_the_address_of_the_client() {
    let _watchdog = Watchdog::start();
    let networks = Networks::new();
    networks.allow("192.0.2.0/24".parse().unwrap());
    let server = Server::builder()
        .proxy_protocol(["127.0.0.0/8".parse().unwrap()])
        .authenticator(networks)
        .bind("ws://127.0.0.1:*")
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let mut proxy = dial(&server).await;
    proxy.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n").await.unwrap();
    let response = request(&mut proxy, "/", NULL).await;
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    let event = events::next(&mut monitor).await;
    assert_eq!(event.address, Some("192.0.2.7:4711".parse().unwrap()));
}

/// The READY command of a CLIENT, with a mask that changes nothing.
const READY: &[u8] = b"\x82\x9D\0\0\0\0\x02\x05READY\x0BSocket-Type\0\0\0\x06CLIENT";
