//! Unread messages of remotes that have ended.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_test::{assert_pending, task};
use tokio_zmtp::monitor::{EventKind, Monitor};
use tokio_zmtp::{Client, Endpoint, Server};

use crate::events;
use crate::over_transport::OverTransport;
use crate::remote::{GREETING, MORE, Remote, RemoteListener, command, message, property};
use crate::transports::{Transport, over_every_transport_and_layer};
use crate::watchdog::Watchdog;

over_every_transport_and_layer!(messages_of_ended_remotes_pause_accepting_until_they_are_received);

async fn messages_of_ended_remotes_pause_accepting_until_they_are_received(transport: Transport) {
    const CLIENTS: usize = 3 * EACH;
    const EACH: usize = 15;
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .over(transport)
        .ended_hwm_bytes(LITTLE)
        .bind(transport.any())
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS / EACH {
        let endpoint = server.last_endpoint().unwrap();
        clients.spawn(async move {
            for _ in 0..EACH {
                come_and_go(transport, &endpoint).await;
            }
        });
    }
    let mut accepted = until_paused(&mut monitor).await;
    assert!(accepted < CLIENTS);
    let ended = server.stats().ended;
    assert!(ended.bytes > LITTLE, "{ended:?}");
    assert!(ended.remotes > 0 && ended.messages == ended.remotes, "{ended:?}");

    let mut received = 0;
    while received < CLIENTS {
        tokio::select! {
            biased;
            event = events::next(&mut monitor) => match event.kind {
                EventKind::Accepted => accepted += 1,
                EventKind::ConnectionsPaused { ended } => {
                    assert!(ended.bytes > LITTLE);
                    // No remote is accepted before there is capacity.
                    while received < accepted && server.stats().ended.bytes > LITTLE / 2 {
                        let taken = server.recv().await.unwrap();
                        assert_eq!(taken, "left");
                        received += 1;
                    }
                    let kind = events::until(&mut monitor, is_pause_or_resume).await.kind;
                    assert!(matches!(kind, EventKind::ConnectionsResumed), "{kind:?}");
                }
                _ => {}
            },
            message = server.recv() => {
                assert_eq!(message.unwrap(), "left");
                received += 1;
            }
        }
    }
    while let Some(gone) = clients.join_next().await {
        gone.unwrap();
    }
    let stats = server.stats();
    assert_eq!((stats.ended.remotes, stats.ended.messages, stats.ended.bytes), (0, 0, 0));
    assert_eq!(stats.dropped.unread, 0);
}

over_every_transport_and_layer!(a_paused_endpoint_can_be_removed);

async fn a_paused_endpoint_can_be_removed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, endpoint, left) = paused(transport).await;
    let waiting = Client::builder().over(transport).build();
    waiting.connect(&endpoint).await.unwrap();
    server.unbind(&endpoint).await.unwrap();
    let other = Server::builder().over(transport).build();
    other.bind(&endpoint).await.unwrap();
    waiting.remotes().connected().await.unwrap();
    other.close().await;
    server.close().await;
    assert_eq!(drain(&server).await, left);
}

over_every_transport_and_layer!(a_socket_that_is_paused_can_be_closed);

async fn a_socket_that_is_paused_can_be_closed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, endpoint, left) = paused(transport).await;
    let _waiting = Client::builder().over(transport).build();
    _waiting.connect(&endpoint).await.unwrap();
    server.close().await;
    assert_eq!(drain(&server).await, left);
}

over_every_transport_and_layer!(another_limit_ends_a_pause);

async fn another_limit_ends_a_pause(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, endpoint, _) = paused(transport).await;
    let mut monitor = server.monitor();
    assert_eq!(server.ended_hwm_bytes(), LITTLE);
    server.set_ended_hwm_bytes(0);
    assert_eq!(server.ended_hwm_bytes(), 0);
    let event = events::next(&mut monitor).await;
    assert!(matches!(event.kind, EventKind::ConnectionsResumed), "{event:?}");
    assert_eq!(event.endpoint, endpoint);
    come_and_go(transport, &endpoint).await;
    // The remaining messages count against the new limit.
    server.set_ended_hwm_bytes(LITTLE);
    let event = events::until(&mut monitor, is_pause_or_resume).await;
    assert!(!matches!(event.kind, EventKind::ConnectionsResumed), "{event:?}");
}

#[tokio::test]
async fn the_memory_that_a_message_keeps_alive_counts() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();

    // A message after discarded parts, in a buffer of 64 KiB.
    let mut remote = Remote::client(&endpoint).await;
    for _ in 0..100 {
        remote.write(&[&[MORE, 0xFF][..], &[0; 0xFF]].concat().repeat(0x80)).await;
    }
    remote.write(&[0, 0]).await;
    remote.write(&message(&[0; 100])).await;
    remote.sync().await;
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    let bytes = server.stats().ended.bytes;
    assert!((0x1_0000..0x4_0000).contains(&bytes), "{bytes}");
    assert_eq!(server.recv().await.unwrap().len(), 100);

    // A message, and the metadata of the remote.
    let mut remote = Remote::dial(&server.last_endpoint().unwrap()).await;
    let properties = [property("Socket-Type", b"CLIENT"), property("X-Long", &[0; 60_000])];
    remote.write(&GREETING).await;
    remote.write(&command("READY", &properties.concat())).await;
    remote.write(&message(b"x")).await;
    remote.read(GREETING.len()).await;
    remote.read_frame().await;
    remote.sync().await;
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    let bytes = server.stats().ended.bytes;
    assert!((60_000..200_000).contains(&bytes), "{bytes}");
    server.recv().await.unwrap();
    assert_eq!(server.stats().ended.bytes, 0);
}

#[tokio::test]
async fn a_socket_that_dials_anew_for_each_remote_pauses_as_well() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .immediate(true)
        .ended_hwm_bytes(LITTLE)
        .reconnect_interval(Duration::from_millis(1))
        .build();
    let mut monitor = client.monitor();
    client.connect(listener.endpoint()).await.unwrap();
    let mut left = 0;
    let paused = until_paused(&mut monitor);
    let mut paused = task::spawn(Box::pin(paused));
    while client.stats().ended.bytes <= LITTLE {
        assert_pending!(paused.poll());
        let mut remote = listener.accept_as("SERVER").await;
        remote.write(&message(b"left")).await;
        remote.sync().await;
        left += 1;
        remote.shut_down().await;
        remote.read_to_end().await;
        while client.stats().ended.remotes < left {
            tokio::task::yield_now().await;
        }
    }
    paused.await;
    assert_eq!(drain_now(&client), left);
    events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectionsResumed)).await;
    listener.accept_as("SERVER").await;
}

#[tokio::test]
async fn messages_of_disconnected_endpoints_pause_the_next_one() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().ended_hwm_bytes(LITTLE).build();
    let mut monitor = client.monitor();
    let mut left = 0;
    while client.stats().ended.bytes <= LITTLE {
        let listener = RemoteListener::bind();
        client.connect(listener.endpoint()).await.unwrap();
        let mut remote = listener.accept_as("SERVER").await;
        remote.write(&message(b"left")).await;
        remote.sync().await;
        client.disconnect(listener.endpoint()).await.unwrap();
        drop(remote);
        left += 1;
        while client.stats().ended.remotes < left {
            tokio::task::yield_now().await;
        }
    }
    let listener = RemoteListener::bind();
    client.connect(listener.endpoint()).await.unwrap();
    until_paused(&mut monitor).await;
    assert_eq!(drain_now(&client), left);
    listener.accept_as("SERVER").await;
}

#[tokio::test]
async fn remotes_that_are_disconnected_by_their_id_also_count() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().ended_hwm_bytes(LITTLE).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut monitor = server.monitor();
    for left in 1.. {
        let mut remote = Remote::client(&endpoint).await;
        remote.write(&message(b"left")).await;
        remote.sync().await;
        server.remotes().disconnect(server.remotes().list()[0].connection_id());
        drop(remote);
        events::until_disconnected(&mut monitor).await;
        while server.stats().ended.remotes < left {
            tokio::task::yield_now().await;
        }
        if server.stats().ended.bytes > LITTLE {
            break;
        }
    }
    until_paused(&mut monitor).await;
}

/// Returns a server whose endpoint is paused, and the number of unread messages of ended remotes.
async fn paused(transport: Transport) -> (Server, Endpoint, usize) {
    let server = Server::builder()
        .over(transport)
        .ended_hwm_bytes(LITTLE)
        .bind(transport.any())
        .await
        .unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut monitor = server.monitor();
    let mut left = 0;
    while server.stats().ended.bytes <= LITTLE {
        come_and_go(transport, &endpoint).await;
        left += 1;
        while server.stats().ended.remotes < left {
            tokio::task::yield_now().await;
        }
    }
    until_paused(&mut monitor).await;
    (server, endpoint, left)
}

/// Connects a client, which sends a message and ends.
async fn come_and_go(transport: Transport, endpoint: &Endpoint) {
    let client = Client::builder().over(transport).build();
    client.connect(endpoint).await.unwrap();
    client.remotes().connected().await.unwrap();
    client.send("left").await.unwrap();
    assert_eq!(client.close().await.undelivered, 0);
}

/// Waits until an endpoint pauses. Returns the number of connections accepted before.
async fn until_paused(monitor: &mut Monitor) -> usize {
    let mut accepted = 0;
    loop {
        match events::next(monitor).await.kind {
            EventKind::Accepted => accepted += 1,
            EventKind::ConnectionsPaused { ended } => {
                assert!(ended.bytes > LITTLE, "{ended:?}");
                return accepted;
            }
            _ => {}
        }
    }
}

fn is_pause_or_resume(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Accepted | EventKind::ConnectionsPaused { .. } | EventKind::ConnectionsResumed
    )
}

/// Receives until the end of a closed socket.
async fn drain(server: &Server) -> usize {
    let mut received = 0;
    while server.recv().await.is_ok() {
        received += 1;
    }
    received
}

/// Receives all available messages.
fn drain_now(client: &Client) -> usize {
    std::iter::from_fn(|| client.try_recv().ok()).count()
}

/// The memory that a few ended remotes occupy.
const LITTLE: usize = 10_000;
