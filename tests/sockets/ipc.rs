//! The `ipc` transport: files, abstract names, and the processes of remotes.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process;

use futures::{FutureExt, StreamExt};
#[cfg(target_os = "linux")]
use tokio_zmtp::InprocEndpoint;
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{BindError, Client, Endpoint, Server};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_fresh_path_is_reported_and_removed_afterwards() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("ipc://*").await.unwrap();
    let path = path_of(&server);
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    assert_exchange(&client, &server).await;
    server.close().await;
    assert!(!path.exists());
    assert!(!path.parent().unwrap().exists());
}

#[tokio::test]
async fn unbinding_removes_the_file() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let endpoint = server.bind("ipc://*").await.unwrap();
    let path = path_of(&server);
    assert!(path.exists());
    server.unbind(endpoint).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn the_path_of_a_live_server_is_not_taken_over() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("ipc://*").await.unwrap();
    let refused = Server::builder().bind(&endpoint).await.unwrap_err();
    assert!(matches!(refused, BindError::AddrInUse { endpoint: named } if named == endpoint));
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    assert_exchange(&client, &server).await;
}

#[tokio::test]
async fn the_path_of_a_dead_server_is_taken_over() {
    let _watchdog = Watchdog::start();
    let other = Server::new();
    other.bind("ipc://*").await.unwrap();
    let stale = path_of(&other).with_file_name("stale");
    drop(UnixListener::bind(&stale).unwrap());
    let server = Server::new();
    let endpoint = server.bind(format!("ipc://{}", stale.display())).await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    assert_exchange(&client, &server).await;
    server.close().await;
    assert!(!stale.exists());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_abstract_name_is_not_in_the_file_system() {
    let _watchdog = Watchdog::start();
    let name = InprocEndpoint::unique();
    let endpoint: Endpoint = format!("ipc://@{}", name.name()).parse().unwrap();
    let server = Server::new();
    server.bind(&endpoint).await.unwrap();
    assert_eq!(server.last_endpoint(), Some(endpoint.clone()));
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    assert_exchange(&client, &server).await;
    let refused = Server::builder().bind(&endpoint).await.unwrap_err();
    assert!(matches!(refused, BindError::AddrInUse { .. }));
}

#[tokio::test]
async fn a_remote_is_identified_by_its_process() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("ipc://*").await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    client.send("x").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    let credentials = remote.credentials().unwrap();
    assert!(credentials.pid.is_none_or(|pid| pid == process::id()));
    assert_eq!(remote.address(), None);
    assert_eq!(credentials.uid, fs::metadata(path_of(&server)).unwrap().uid());
}

#[tokio::test]
async fn a_path_in_a_missing_directory_is_refused() {
    let _watchdog = Watchdog::start();
    let refused = Server::builder().bind("ipc:///no/such/directory/socket").await.unwrap_err();
    assert!(matches!(refused, BindError::Io { .. }));
    assert_eq!(refused.to_string(), "cannot bind ipc:///no/such/directory/socket");
}

#[tokio::test]
async fn a_file_that_is_not_a_socket_is_reported_and_kept() {
    let _watchdog = Watchdog::start();
    let other = Server::new();
    other.bind("ipc://*").await.unwrap();
    let path = path_of(&other).with_file_name("other");
    let refused = async |what: &str| {
        let endpoint = format!("ipc://{}", path.display());
        let refused = Server::builder().bind(&*endpoint).await.unwrap_err();
        assert!(matches!(&refused, BindError::NotASocket { .. }));
        assert_eq!(refused.to_string(), format!("cannot bind {endpoint}: its path holds {what}"));
    };
    fs::write(&path, "precious").unwrap();
    refused("a regular file").await;
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("a directory").await;
    fs::remove_dir(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    refused("a symbolic link that does not lead to a listening socket").await;
    fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn a_socket_is_bound_under_its_own_name_and_leaves_no_other_file() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("ipc://*").await.unwrap();
    let path = path_of(&server);
    let stream = UnixStream::connect(&path).unwrap();
    assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*path));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn binding_causes_no_event_of_a_connection() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let mut events = server.monitor();
    let endpoint = server.bind("ipc://*").await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    assert_exchange(&client, &server).await;
    let mut accepted = 0;
    while let Some(Ok(event)) = events.next().now_or_never().flatten() {
        assert!(!matches!(event.kind, EventKind::HandshakeFailed { .. }));
        accepted += usize::from(matches!(event.kind, EventKind::Accepted));
    }
    assert_eq!(accepted, 1);
}

pub(crate) async fn assert_exchange(client: &Client, server: &Server) {
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    assert_eq!(request, "request");
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

pub(crate) fn path_of(server: &Server) -> PathBuf {
    let Some(Endpoint::Ipc(ipc)) = server.last_endpoint() else { panic!("not an ipc endpoint") };
    ipc.path().unwrap().to_owned()
}
