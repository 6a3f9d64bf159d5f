//! What happens to the messages of endpoints that are removed.

use std::time::Duration;

use support::watchdog::Watchdog;
use tokio::sync::watch;
use tokio::time::{self, Instant};
use tokio_zmtp::{Client, Endpoint, Pull, Push, Server};
use tokio_zmtp_discovery::{Builder, Discovery, connect_all};

use crate::following::watched;

#[tokio::test]
async fn the_reply_of_a_removed_server_is_received() {
    let _watchdog = Watchdog::start();
    let Followed { server, endpoint, client, endpoints, discovery } =
        followed("tcp://127.0.0.1:*", Discovery::builder()).await;
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    endpoints.send(Vec::new()).unwrap();
    let state = discovery.wait_for(|state| !state.leaving.is_empty()).await.unwrap();
    assert_eq!((state.endpoints, state.leaving), (Vec::new(), vec![endpoint]));

    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
    server.close().await;
    discovery.wait_for(|state| state.leaving.is_empty()).await.unwrap();
    // There is no endpoint left that would queue the message.
    assert!(client.try_send("late").is_err());
}

#[tokio::test]
async fn a_removed_receiver_gets_what_is_queued_for_it_and_nothing_else() {
    let _watchdog = Watchdog::start();
    let [one, two] = [(); 2].map(|()| Pull::builder().recv_hwm(1));
    let one = one.bind("tcp://127.0.0.1:*").await.unwrap();
    let two = two.bind("tcp://127.0.0.1:*").await.unwrap();
    let (first, second) = (one.last_endpoint().unwrap(), two.last_endpoint().unwrap());
    let push = Push::new();
    let (endpoints, watched) = watched();
    let discovery = connect_all(&push, watched);
    endpoints.send(vec![first]).unwrap();
    for number in 0..500 {
        push.send(number.to_string()).await.unwrap();
    }
    endpoints.send(vec![second.clone()]).unwrap();
    // It leaves immediately, although its remote is connected.
    let moved = |state: &tokio_zmtp_discovery::State| {
        state.endpoints == [second.clone()] && state.leaving.is_empty()
    };
    discovery.wait_for(moved).await.unwrap();
    push.send("for the other").await.unwrap();
    for number in 0..500 {
        assert_eq!(one.recv().await.unwrap(), [number.to_string()]);
    }
    assert_eq!(two.recv().await.unwrap(), ["for the other"]);
    assert_eq!(push.close().await.undelivered, 0);
    assert!(one.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_removed_server_that_stays_is_disconnected_after_the_grace_period() {
    let grace = Duration::from_secs(7);
    let builder = Discovery::builder().grace(grace);
    // Waiting for the system would advance the clock.
    let Followed { server: _server, client, endpoints, discovery, .. } =
        followed("inproc://overdue", builder).await;
    client.remotes().connected().await.unwrap();
    endpoints.send(Vec::new()).unwrap();
    discovery.wait_for(|state| !state.leaving.is_empty()).await.unwrap();
    let begun = Instant::now();
    discovery.wait_for(|state| state.leaving.is_empty()).await.unwrap();
    // The clock has a resolution of a millisecond.
    assert!((grace..grace + Duration::from_millis(2)).contains(&begun.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_removed_server_stays_connected_during_a_grace_period_without_end() {
    let builder = Discovery::builder().grace(Duration::MAX);
    let Followed { server, client, endpoints, discovery, .. } =
        followed("inproc://endless", builder).await;
    client.remotes().connected().await.unwrap();
    endpoints.send(Vec::new()).unwrap();
    discovery.wait_for(|state| !state.leaving.is_empty()).await.unwrap();
    time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(client.remotes().len(), 1);
    server.close().await;
    discovery.wait_for(|state| state.leaving.is_empty()).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_returns_keeps_its_connection() {
    let _watchdog = Watchdog::start();
    let Followed { server: _server, endpoint, client, endpoints, discovery } =
        followed("tcp://127.0.0.1:*", Discovery::builder()).await;
    client.remotes().connected().await.unwrap();
    let connection = client.remotes().list()[0].connection_id();
    endpoints.send(Vec::new()).unwrap();
    discovery.wait_for(|state| !state.leaving.is_empty()).await.unwrap();
    endpoints.send(vec![endpoint.clone()]).unwrap();
    let state = discovery.wait_for(|state| state.leaving.is_empty()).await.unwrap();
    assert_eq!(state.endpoints, [endpoint]);
    assert_eq!(client.remotes().list()[0].connection_id(), connection);
}

/// A client that follows a set, in which its server is the only endpoint.
struct Followed {
    server: Server,
    endpoint: Endpoint,
    client: Client,
    endpoints: watch::Sender<Vec<Endpoint>>,
    discovery: Discovery,
}

async fn followed(bound: &str, builder: Builder) -> Followed {
    let server = Server::new();
    let endpoint = server.bind(bound).await.unwrap();
    let client = Client::new();
    let (endpoints, watched) = watched();
    let discovery = builder.connect_all(&client, watched);
    endpoints.send(vec![endpoint.clone()]).unwrap();
    Followed { server, endpoint, client, endpoints, discovery }
}
