//! The ability to send a message, in each state of a socket.
//!
//! More states are tested in `mute_state`, `immediate`, `routing` and `ending`.

use tokio_test::{assert_pending, task};
use tokio_zmtp::{Client, Message, RoutingId, Server, TryRouteError, TrySendError};

use crate::events;
use crate::remote::{self, LONGER_THAN_BUFFERS, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn without_an_endpoint_a_server_cannot_route() {
    let _watchdog = Watchdog::start();
    assert_unreachable(&Server::builder().build());
}

over_every_transport!(a_bound_server_without_remotes_cannot_route);

async fn a_bound_server_without_remotes_cannot_route(transport: Transport) {
    let _watchdog = Watchdog::start();
    assert_unreachable(&Server::builder().bind(transport.any()).await.unwrap());
}

#[tokio::test]
async fn a_server_that_dials_cannot_reach_a_remote_that_has_not_sent_yet() {
    let _watchdog = Watchdog::start();
    for immediate in [false, true] {
        let port = ReservedPort::reserve();
        let builder = Server::builder().immediate(immediate);
        let server = builder.connect(port.endpoint()).await.unwrap();
        assert_unreachable(&server);
    }
}

#[tokio::test]
async fn a_client_tries_other_remotes_until_all_are_full() {
    let _watchdog = Watchdog::start();
    let (full, free) = (RemoteListener::bind(), RemoteListener::bind());
    let client = Client::builder().send_hwm(2).build();
    client.connect(full.endpoint()).await.unwrap();
    let full = full.accept_as("SERVER").await;
    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    full.peek().await;
    assert_eq!(fill(&client), 2);

    client.connect(free.endpoint()).await.unwrap();
    let mut free = free.accept_as("SERVER").await;
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
        assert_eq!(free.read_message().await, [number]);
    }

    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    free.peek().await;
    assert_eq!(fill(&client), 2);
    assert_pending!(task::spawn(client.send("x")).poll());
}

#[tokio::test]
async fn while_its_remote_is_away_a_client_queues_up_to_the_high_water_mark() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder().send_hwm(3).connect(listener.endpoint()).await.unwrap();
    let mut monitor = client.monitor();
    drop(listener.accept_as("SERVER").await);
    events::until_disconnected(&mut monitor).await;

    assert_eq!(fill(&client), 3);
    let mut remote = listener.accept_as("SERVER").await;
    for _ in 0..3 {
        assert_eq!(remote.read_message().await, b"x");
    }
}

#[tokio::test]
async fn while_its_remote_is_away_a_server_queues_for_it_up_to_the_high_water_mark() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let server = Server::builder().send_hwm(3).connect(listener.endpoint()).await.unwrap();
    let mut monitor = server.monitor();
    let mut remote = listener.accept_as("CLIENT").await;
    remote.write(&remote::message(b"hello")).await;
    let id = server.recv().await.unwrap().routing_id().unwrap();
    drop(remote);
    events::until_disconnected(&mut monitor).await;

    for _ in 0..3 {
        server.try_route(id, "x").unwrap();
    }
    assert_eq!(server.try_route(id, "x"), Err(TryRouteError::Full(Message::from("x"))));
    let mut remote = listener.accept_as("CLIENT").await;
    for _ in 0..3 {
        assert_eq!(remote.read_message().await, b"x");
    }
}

fn assert_unreachable(server: &Server) {
    let unknown = RoutingId::new(7).unwrap();
    let routed = server.try_route(unknown, "x");
    assert_eq!(routed, Err(TryRouteError::HostUnreachable(Message::from("x"))));
    assert_eq!(server.remotes().list(), []);
}

/// Sends messages until the client is full. Returns their number.
fn fill(client: &Client) -> usize {
    let mut taken = 0;
    loop {
        match client.try_send("x") {
            Ok(()) => taken += 1,
            Err(full) => {
                assert_eq!(full, TrySendError::Full(Message::from("x")));
                return taken;
            }
        }
    }
}
