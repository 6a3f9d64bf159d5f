//! Floods of connections whose handshakes never complete.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::{self, JoinSet};
use tokio_zmtp::auth::{CurveKeypair, CurvePublicKey};
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};
use tokio_zmtp::{Client, Mechanism, Server};

use crate::remote::{self, GREETING, RemoteListener};
use crate::watchdog::Watchdog;

/// The attackers send a HELLO, as a client of the server does, and never an INITIATE. They occupy
/// more connections than may be half-open, and reconnect when they have lost one.
#[tokio::test]
async fn clients_connect_while_an_address_floods_the_server_with_hellos() {
    let attackers = attackers();
    connect_during_flood(attackers, |_| Ipv4Addr::new(127, 1, 0, 1)).await;
}

#[tokio::test]
async fn clients_connect_while_many_addresses_flood_the_server_with_hellos() {
    let attackers = attackers();
    let addresses = attackers / 4;
    let address = move |number: usize| {
        let [high, low] = u16::try_from(number % addresses).unwrap().to_be_bytes();
        Ipv4Addr::new(127, 2, high, low)
    };
    connect_during_flood(attackers, address).await;
}

async fn connect_during_flood(attackers: usize, address: impl Fn(usize) -> Ipv4Addr) {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let server_key = keypair.public_key();
    let server = Server::builder()
        .mechanism(Mechanism::curve_server(keypair))
        .max_half_open(attackers / 2)
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let mut events = server.monitor();
    let endpoint = server.last_endpoint().unwrap();
    let before = client(server_key, &endpoint.to_string()).await;
    exchange(&server, &before).await;

    let hello = hello(server_key).await;
    let mut flood = JoinSet::new();
    for number in 0..attackers {
        let (from, to) = (address(number), remote::address(&endpoint));
        let hello = hello.clone();
        flood.spawn(async move {
            loop {
                attack(from, to, &hello).await;
                task::yield_now().await;
            }
        });
    }
    let is_evicted = |kind: &EventKind| {
        matches!(kind, EventKind::HandshakeFailed { reason: HandshakeFailure::TooManyHalfOpen })
    };
    crate::events::until(&mut events, is_evicted).await;
    for _ in 0..CLIENTS {
        exchange(&server, &client(server_key, &endpoint.to_string()).await).await;
        exchange(&server, &before).await;
    }
}

/// Holds a connection until the server closes it.
async fn attack(from: Ipv4Addr, to: SocketAddr, hello: &[u8]) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    // A flood may exhaust what it needs itself.
    let Ok(mut stream) = socket.connect(to).await else { return };
    if stream.write_all(hello).await.is_ok() {
        while stream.read(&mut [0; 0x100]).await.is_ok_and(|count| count > 0) {}
    }
}

async fn exchange(server: &Server, client: &Client) {
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

async fn client(server_key: CurvePublicKey, endpoint: &str) -> Client {
    Client::builder()
        .mechanism(Mechanism::curve_client(server_key))
        .connect(endpoint)
        .await
        .unwrap()
}

/// Returns the greeting and the HELLO of a client.
async fn hello(server_key: CurvePublicKey) -> Vec<u8> {
    let listener = RemoteListener::bind();
    let _client = client(server_key, &listener.endpoint().to_string()).await;
    let mut remote = listener.accept().await;
    let mut greeting = GREETING;
    greeting[12..17].copy_from_slice(b"CURVE");
    // As the server.
    greeting[32] = 0x01;
    let mut bytes = remote.exchange(&greeting, 64).await;
    bytes.extend(remote.read(2 + HELLO).await);
    bytes
}

fn attackers() -> usize {
    env::var("ATTACKERS").map_or(ATTACKERS, |attackers| attackers.parse().unwrap())
}

const ATTACKERS: usize = 200;

/// The clients that connect during a flood.
const CLIENTS: usize = 10;

/// RFC 26, The HELLO Command: the length of its body.
const HELLO: usize = 200;
