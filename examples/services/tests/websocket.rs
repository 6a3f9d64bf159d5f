//! The program with an HTTP port and a ZeroMQ socket behind it, as a process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_zmtp::Client;
use tokio_zmtp::monitor::{DialFailure, EventKind, Monitor};
use tokio_zmtp::ws::RequestHeaders;

use self::process::Process;

#[tokio::test]
async fn a_route_upgrades_requests_of_authenticated_users() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_websocket"), &[]).await;
    let mut clients = Vec::new();
    for user in ["alice", "bob"] {
        let (client, _) = connect(&process.address, &format!("Bearer {user}")).await;
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
    let (_client, mut monitor) = connect(&process.address, "Basic x").await;
    let error = loop {
        if let EventKind::ConnectFailed { reason } = monitor.recv().await.unwrap().unwrap().kind {
            let DialFailure::Upgrade(error) = reason else { panic!("{reason:?}") };
            break error;
        }
    };
    assert_eq!(error.to_string(), "the server answers with the status 401");
    let refused = get(&process.address, "/zmq", "Authorization: Bearer alice\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
}

async fn connect(address: &str, authorization: &str) -> (Client, Monitor) {
    let headers = RequestHeaders::new().with("Authorization", authorization).unwrap();
    let client = Client::builder().websocket_headers(headers).build();
    let monitor = client.monitor();
    client.connect(format!("ws://{address}/zmq")).await.unwrap();
    (client, monitor)
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
