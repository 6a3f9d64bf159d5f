//! The program with an HTTP port and a ZeroMQ socket behind it, as a process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process;

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_zmtp::monitor::{DialFailure, EventKind};
use tokio_zmtp::ws::WebSocketConnector;
use tokio_zmtp::{Client, Mechanism};

use self::process::Process;

#[tokio::test]
async fn a_route_upgrades_requests_of_authenticated_users() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_websocket"), &[]).await;
    let mut clients = Vec::new();
    for user in ["alice", "bob"] {
        let client = connected(&process.address, &format!("Bearer {user}")).await;
        client.send("hello").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), format!("hello {user}").as_str());
        clients.push(client);
    }
    // The other routes of the port still work.
    assert!(get(&process.address, "/", "").await.ends_with("a page\n"));
    let users = get(&process.address, "/remotes", "Authorization: Bearer carol\r\n").await;
    assert!(users.ends_with("\r\n\r\nalice\nbob\n"), "{users}");
    process.signal("INT").await;
    process.finish().await;
}

#[tokio::test]
async fn a_request_without_a_user_or_an_upgrade_is_refused() {
    let process = Process::start(env!("CARGO_BIN_EXE_websocket"), &[]).await;
    let client = Client::new();
    let mut monitor = client.monitor();
    connect(&client, &process.address, "Basic x").await;
    let error = loop {
        if let EventKind::ConnectFailed { reason } = monitor.recv().await.unwrap().unwrap().kind {
            let DialFailure::Transport(error) = reason else { panic!("{reason:?}") };
            break error;
        }
    };
    assert_eq!(error.to_string(), "the server answers with the status 401");
    let refused = get(&process.address, "/zmq", "Authorization: Bearer alice\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
}

async fn connected(address: &str, authorization: &str) -> Client {
    let client = Client::new();
    connect(&client, address, authorization).await;
    client
}

async fn connect(client: &Client, address: &str, authorization: &str) {
    let connector = WebSocketConnector::new(&Mechanism::Null, address, "/zmq")
        .header("Authorization", authorization)
        .unwrap();
    let address = address.to_owned();
    let dialer = move |_| {
        let (connector, address) = (connector.clone(), address.clone());
        async move {
            let stream = TcpStream::connect(address).await?;
            connector.connect(stream).await.map_err(io::Error::other)
        }
    };
    client.connect_with("stream://zmq", dialer).await.unwrap();
}

/// Sends a request; returns the response.
async fn get(address: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}
