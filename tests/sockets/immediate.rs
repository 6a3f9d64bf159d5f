//! Remotes that have a queue only while they are connected.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_test::{assert_pending, task};
use tokio_zmtp::auth::{Admission, Authenticator, Request, StatusCode};
use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{
    Builder, Client, Message, Pair, Push, Router, Server, Socket, TryRouteError, TrySendError,
};

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

#[tokio::test]
async fn a_handshake_that_is_completed_while_its_endpoint_is_disconnected_connects_no_remote() {
    let _watchdog = Watchdog::start();
    // The task of the endpoint detects both events together, and handles either of them first.
    for _ in 0..32 {
        disconnect_at_the_end_of_the_handshake(Push::builder().immediate(true), "PULL").await;
        disconnect_at_the_end_of_the_handshake(Pair::builder().immediate(true), "PAIR").await;
        // Its pipe does not exist before the identity of the remote is known.
        disconnect_at_the_end_of_the_handshake(Router::builder(), "DEALER").await;
    }
}

async fn disconnect_at_the_end_of_the_handshake<S: Socket>(builder: Builder<S>, socket_type: &str) {
    let listener = RemoteListener::bind();
    let gate = Arc::new(Gate::default());
    let builder = builder.authenticator(Arc::clone(&gate));
    let socket = builder.connect(listener.endpoint()).await.unwrap();
    let hello = [&remote::GREETING[..], &remote::ready(socket_type)].concat();
    let mut remote = listener.accept().await;
    remote.exchange(&hello, remote::GREETING.len()).await;
    gate.is_asked.notified().await;

    let (disconnected, ()) = tokio::join!(socket.disconnect(listener.endpoint()), async {
        gate.is_open.notify_one();
    });

    disconnected.unwrap();
    remote.read_to_end().await;
    drop(remote);
    while !socket.remotes().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// An authenticator that admits a remote when the test permits it.
#[derive(Default)]
struct Gate {
    is_asked: Notify,
    is_open: Notify,
}

impl Authenticator for Gate {
    async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
        self.is_asked.notify_one();
        self.is_open.notified().await;
        Ok(Admission::anonymous())
    }
}

fn assert_full(client: &Client) {
    let full = client.try_send("x");
    assert_eq!(full, Err(TrySendError::Full(Message::from("x"))));
}
