//! Sockets that follow sets of endpoints, which the tests provide.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use support::transports::own_address;
use support::watchdog::Watchdog;
use tokio::sync::{mpsc, watch};
use tokio::time::{self, Instant};
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Client, Endpoint, ReconnectStop, Server};
use tokio_zmtp_discovery::{Discover, State, connect_all};

/// The endpoints in a `watch` channel.
pub(crate) struct Watched(watch::Receiver<Vec<Endpoint>>);

/// Returns the sender of a set that is empty at first.
pub(crate) fn watched() -> (watch::Sender<Vec<Endpoint>>, Watched) {
    let (endpoints, watched) = watch::channel(Vec::new());
    (endpoints, Watched(watched))
}

impl Discover for Watched {
    type Error = Infallible;

    async fn changed(&mut self) -> Result<Option<Vec<Endpoint>>, Infallible> {
        let changed = self.0.changed().await;
        Ok(changed.is_ok().then(|| self.0.borrow_and_update().clone()))
    }
}

/// Answers with what a test sends, and reports each refresh.
struct Scripted {
    answers: mpsc::Receiver<io::Result<Vec<Endpoint>>>,
    refreshed: mpsc::UnboundedSender<()>,
}

impl Discover for Scripted {
    type Error = io::Error;

    async fn changed(&mut self) -> io::Result<Option<Vec<Endpoint>>> {
        self.answers.recv().await.transpose()
    }

    fn refresh(&mut self) {
        let _ = self.refreshed.send(());
    }
}

fn scripted() -> (mpsc::Sender<io::Result<Vec<Endpoint>>>, mpsc::UnboundedReceiver<()>, Scripted) {
    let (script, answers) = mpsc::channel(1);
    let (refreshed, refreshes) = mpsc::unbounded_channel();
    (script, refreshes, Scripted { answers, refreshed })
}

#[tokio::test]
async fn a_new_endpoint_receives_messages_and_a_removed_one_does_not() {
    let _watchdog = Watchdog::start();
    let (one, first) = server().await;
    let (two, second) = server().await;
    let client = Client::new();
    let (endpoints, watched) = watched();
    let discovery = connect_all(&client, watched);
    // The same endpoint twice is one connection.
    endpoints.send(vec![first.clone(), first.clone()]).unwrap();
    client.send("a").await.unwrap();
    assert_eq!(one.recv().await.unwrap(), "a");
    assert_eq!(discovery.state().endpoints, std::slice::from_ref(&first));

    endpoints.send(vec![second.clone(), first.clone()]).unwrap();
    client.remotes().at_least(2).await.unwrap();
    client.send("b").await.unwrap();
    client.send("c").await.unwrap();
    assert!(["b", "c"].contains(&one.recv().await.unwrap().to_str().unwrap()));
    assert!(["b", "c"].contains(&two.recv().await.unwrap().to_str().unwrap()));

    endpoints.send(vec![second.clone()]).unwrap();
    let is_leaving = |state: &State| state.leaving.contains(&first);
    discovery.wait_for(is_leaving).await.unwrap();
    one.close().await;
    let state = discovery.wait_for(|state| state.leaving.is_empty()).await.unwrap();
    assert_eq!(state.endpoints, [second]);
    for message in ["d", "e"] {
        client.send(message).await.unwrap();
        assert_eq!(two.recv().await.unwrap(), message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_keeps_the_endpoints_and_is_retried_after_a_delay() {
    // Waiting for the system would advance the clock.
    let server = Server::new();
    let endpoint = server.bind("inproc://retried").await.unwrap();
    let client = Client::new();
    let (script, _refreshes, source) = scripted();
    let discovery = connect_all(&client, source);
    script.send(Ok(vec![endpoint.clone()])).await.unwrap();
    discovery.wait_for(|state| state.updates == 1).await.unwrap();
    let begun = Instant::now();
    for _ in 0..4 {
        script.send(Err(io::ErrorKind::TimedOut.into())).await.unwrap();
    }
    let failed = discovery.wait_for(|state| state.failure.is_some()).await.unwrap();
    assert_eq!(failed.endpoints, std::slice::from_ref(&endpoint));
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    script.send(Ok(vec![endpoint])).await.unwrap();
    let state = discovery.wait_for(|state| state.failure.is_none()).await.unwrap();
    assert_eq!(state.updates, 2);
    // Delays of 1 s, 2 s, 4 s and 8 s, or half of them.
    let elapsed = begun.elapsed();
    assert!((Duration::from_millis(7_500)..Duration::from_secs(16)).contains(&elapsed));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_does_not_prolong_the_delay_after_an_error() {
    let server = Server::new();
    let endpoint = server.bind("inproc://prolonged").await.unwrap();
    let client = Client::new();
    let (script, mut refreshes, source) = scripted();
    let _discovery = connect_all(&client, source);
    script.send(Ok(vec![endpoint])).await.unwrap();
    client.remotes().connected().await.unwrap();
    // The delays are up to 1 s, 2 s, 4 s, 8 s and 16 s.
    for _ in 0..6 {
        // Returns when the source has returned the one before.
        script.send(Err(io::ErrorKind::TimedOut.into())).await.unwrap();
    }
    let failed = Instant::now();
    time::sleep(Duration::from_millis(7_990)).await;
    server.close().await;
    refreshes.recv().await.unwrap();
    script.send(Ok(Vec::new())).await.unwrap();
    assert!(failed.elapsed() <= Duration::from_millis(16_010), "{:?}", failed.elapsed());
}

#[tokio::test]
async fn the_source_is_asked_to_look_soon_when_a_connection_ends() {
    let _watchdog = Watchdog::start();
    let (server, endpoint) = server().await;
    let client = Client::new();
    let (script, mut refreshes, source) = scripted();
    let _discovery = connect_all(&client, source);
    script.send(Ok(vec![endpoint])).await.unwrap();
    client.remotes().connected().await.unwrap();
    server.close().await;
    refreshes.recv().await.unwrap();
}

#[tokio::test]
async fn the_set_stays_when_the_source_ends() {
    let _watchdog = Watchdog::start();
    let (server, endpoint) = server().await;
    let client = Client::new();
    let (endpoints, watched) = watched();
    let _discovery = connect_all(&client, watched);
    endpoints.send(vec![endpoint]).unwrap();
    drop(endpoints);
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn the_socket_stays_connected_when_the_handle_is_dropped() {
    let _watchdog = Watchdog::start();
    let (_one, first) = server().await;
    let (two, second) = server().await;
    let client = Client::new();
    let (endpoints, watched) = watched();
    let discovery = connect_all(&client, watched);
    endpoints.send(vec![first, second.clone()]).unwrap();
    client.remotes().at_least(2).await.unwrap();
    endpoints.send(vec![second]).unwrap();
    discovery.wait_for(|state| !state.leaving.is_empty()).await.unwrap();
    let mut monitor = client.monitor();
    drop(discovery);
    // The task disconnects the removed endpoint, and drops the source.
    endpoints.closed().await;
    while !matches!(monitor.recv().await.unwrap().unwrap().kind, EventKind::Closed) {}
    client.send("x").await.unwrap();
    assert_eq!(two.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn following_ends_with_the_socket() {
    let _watchdog = Watchdog::start();
    let client = Client::new();
    let (endpoints, watched) = watched();
    let discovery = connect_all(&client, watched);
    client.close().await;
    endpoints.closed().await;
    assert!(discovery.wait_for(|state| state.updates > 0).await.is_none());
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_connected_is_reported() {
    let _watchdog = Watchdog::start();
    let (server, endpoint) = server().await;
    let client = Client::new();
    let (endpoints, watched) = watched();
    let discovery = connect_all(&client, watched);
    endpoints.send(vec!["tcp://*:5555".parse().unwrap(), endpoint.clone()]).unwrap();
    let state = discovery.wait_for(|state| state.updates == 1).await.unwrap();
    assert_eq!(state.endpoints, [endpoint]);
    assert!(state.failure.is_some());
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn an_abandoned_endpoint_is_connected_again_when_it_returns_to_the_set() {
    let _watchdog = Watchdog::start();
    // No other test uses the address, so that the port stays free.
    let server = Server::builder().bind(own_address()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    server.close().await;
    let client = Client::builder().reconnect_stop([ReconnectStop::ConnectionRefused]).build();
    let mut monitor = client.monitor();
    let (endpoints, watched) = watched();
    let discovery = connect_all(&client, watched);
    endpoints.send(vec![endpoint.clone()]).unwrap();
    while !matches!(monitor.recv().await.unwrap().unwrap().kind, EventKind::Closed) {}
    assert_eq!(discovery.state().endpoints, std::slice::from_ref(&endpoint));
    endpoints.send(Vec::new()).unwrap();
    let is_gone = |state: &State| state.updates == 2 && state.leaving.is_empty();
    discovery.wait_for(is_gone).await.unwrap();
    let server = Server::builder().bind(endpoint.clone()).await.unwrap();
    endpoints.send(vec![endpoint]).unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

async fn server() -> (Server, Endpoint) {
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    (server, endpoint)
}
