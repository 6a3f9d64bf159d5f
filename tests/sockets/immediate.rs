//! Remotes that have a queue only while they are connected.

use std::time::Duration;

use tokio_test::{assert_pending, task};
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Client, Message, Server, TryRouteError, TrySendError};

use crate::events;
use crate::remote::{self, LONGER_THAN_BUFFERS, RemoteListener};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_client_is_mute_until_it_is_connected() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder().immediate(true).connect(listener.endpoint()).await.unwrap();
    assert_full(&client);
    let mut send = task::spawn(client.send("waits"));
    assert_pending!(send.poll());

    // An established stream is not sufficient.
    let mut remote = listener.accept().await;
    remote.read(remote::GREETING.len()).await;
    assert_pending!(send.poll());
    remote.write(&[&remote::GREETING[..], &remote::ready("SERVER")].concat()).await;
    remote.read_frame().await;

    send.await.unwrap();
    assert_eq!(remote.read_message().await, b"waits");
}

#[tokio::test]
async fn queued_messages_are_dropped_and_counted_with_their_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder().immediate(true).connect(listener.endpoint()).await.unwrap();
    let mut monitor = client.monitor();
    let first = listener.accept_as("SERVER").await;
    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    first.peek().await;
    client.send("a").await.unwrap();
    client.send("b").await.unwrap();

    drop(first);

    let (address, connection_id, _) =
        events::until_dropped(&mut monitor, 3, DropCause::Undelivered).await;
    assert_eq!(address, Some(remote::address(&listener.endpoint())));
    assert!(connection_id.is_some());
    assert_full(&client);
    assert_eq!(client.stats().dropped.undelivered, 3);

    let mut second = listener.accept_as("SERVER").await;
    client.send("later").await.unwrap();
    assert_eq!(second.read_message().await, b"later");
}

#[tokio::test]
async fn messages_go_to_connected_remotes() {
    let _watchdog = Watchdog::start();
    let (absent, present) = (RemoteListener::bind(), RemoteListener::bind());
    let client = Client::builder().immediate(true).build();
    client.connect(absent.endpoint()).await.unwrap();
    client.connect(present.endpoint()).await.unwrap();
    let mut remote = present.accept_as("SERVER").await;
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
        assert_eq!(remote.read_message().await, [number]);
    }
}

#[tokio::test]
async fn each_connection_of_a_server_has_a_separate_routing_id() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let server = Server::builder()
        .immediate(true)
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut remote = listener.accept_as("CLIENT").await;
        remote.write(&remote::message(b"hello")).await;
        ids.push(server.recv().await.unwrap().routing_id().unwrap());
        drop(remote);
        events::until_disconnected(&mut monitor).await;
        for id in &ids {
            let gone = server.try_route(*id, "x");
            assert_eq!(gone, Err(TryRouteError::HostUnreachable(Message::from("x"))));
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

fn assert_full(client: &Client) {
    let full = client.try_send("x");
    assert_eq!(full, Err(TrySendError::Full(Message::from("x"))));
}
