//! The routing of messages to remotes (RFC 41).

use std::collections::HashSet;

use futures::FutureExt;
use tokio::task;
use tokio_test::assert_pending;
use tokio_zmtp::{Client, Message, RouteError, RoutingId, Server, TryRouteError};

use crate::over_transport::OverTransport;
use crate::remote::{self, LONGER_THAN_BUFFERS, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(a_client_sends_to_three_servers_in_turn);

async fn a_client_sends_to_three_servers_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let client = Client::builder().over(transport).build();
    let mut servers = Vec::new();
    for _ in 0..3 {
        let server = Server::builder().over(transport).build();
        let endpoint = server.bind(transport.any()).await.unwrap();
        transport.connect(&client, &server, endpoint).await;
        servers.push(server);
    }

    for number in 0..30_u8 {
        client.send([number]).await.unwrap();
    }

    for (turn, server) in (0_u8..).zip(&servers) {
        for number in (turn..30).step_by(3) {
            assert_eq!(server.recv().await.unwrap(), [number]);
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_is_passed_over() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder().send_hwm(2).connect(listener.endpoint()).await.unwrap();
    let mut idle = listener.accept_as("SERVER").await;
    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    idle.peek().await;
    client.send("for the idle one").await.unwrap();
    client.send("for the idle one").await.unwrap();
    client.try_send("x").unwrap_err();

    let busy = Server::new();
    let endpoint = busy.bind("tcp://127.0.0.1:*").await.unwrap();
    client.connect(endpoint).await.unwrap();
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
        assert_eq!(busy.recv().await.unwrap(), [number]);
    }

    assert_eq!(idle.read_message().await.len(), LONGER_THAN_BUFFERS);
    assert_eq!(idle.read_message().await, b"for the idle one");
    assert_eq!(idle.read_message().await, b"for the idle one");
}

#[tokio::test]
async fn a_server_that_starts_late_gets_its_share() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let early = Server::new();
    let endpoint = early.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(port.endpoint()).await.unwrap();
    client.connect(endpoint).await.unwrap();

    for number in 0..20_u8 {
        client.send([number]).await.unwrap();
    }

    for number in (1..20).step_by(2) {
        assert_eq!(early.recv().await.unwrap(), [number]);
    }
    let mut late = port.listen().accept_as("SERVER").await;
    for number in (0..20).step_by(2) {
        assert_eq!(late.read_message().await, [number]);
    }
}

#[tokio::test]
async fn one_message_is_received_from_each_remote_in_turn() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remotes = Vec::new();
    for name in ["a", "b", "c"] {
        let mut remote = Remote::client(&endpoint).await;
        for number in 0..4 {
            remote.write(&remote::message(format!("{name}{number}").as_bytes())).await;
        }
        remote.sync().await;
        remotes.push(remote);
    }

    let mut received = Vec::new();
    while let Ok(message) = server.try_recv() {
        received.push(message);
    }
    let expected =
        ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3"].map(Message::from);
    assert_eq!(received, expected);
}

#[tokio::test]
async fn a_client_receives_from_each_server_in_turn() {
    let _watchdog = Watchdog::start();
    let client = Client::new();
    let endpoint = client.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remotes = Vec::new();
    for name in [b"a", b"b"] {
        let mut remote = Remote::dial(&endpoint).await;
        remote.shake_hands("SERVER").await;
        remote.write(&remote::message(name).repeat(3)).await;
        remote.sync().await;
        remotes.push(remote);
    }

    let mut received = Vec::new();
    while let Ok(message) = client.try_recv() {
        assert_eq!(message.routing_id(), None);
        received.push(message);
    }
    assert_eq!(received, ["a", "b", "a", "b", "a", "b"].map(Message::from));
}

over_every_transport_and_streams!(live_remotes_have_distinct_routing_ids);

async fn live_remotes_have_distinct_routing_ids(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let mut clients = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..30 {
        let client = Client::builder().over(transport).build();
        transport.connect(&client, &server, endpoint.clone()).await;
        client.send("hello").await.unwrap();
        let id = server.recv().await.unwrap().routing_id().unwrap();
        assert_ne!(u32::from(id), 0);
        assert!(ids.insert(id));
        clients.push(client);
    }
}

over_every_transport_and_streams!(a_remote_keeps_its_routing_id_from_message_to_message);

async fn a_remote_keeps_its_routing_id_from_message_to_message(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, endpoint).await;
    let mut ids = HashSet::new();
    for _ in 0..10 {
        client.send("hello").await.unwrap();
        ids.insert(server.recv().await.unwrap().routing_id().unwrap());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_client_that_connects_again_has_a_new_routing_id() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (first, old) = Remote::known_to(&server).await;
    drop(first);

    let (_second, new) = Remote::known_to(&server).await;

    assert_ne!(old, new);
    until_unreachable(&server, old).await;
    server.route(new, "x").await.unwrap();
}

#[tokio::test]
async fn a_reply_reaches_only_the_remote_that_it_names() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut a, to_a) = Remote::known_to(&server).await;
    let (mut b, to_b) = Remote::known_to(&server).await;

    for number in 0..10_u8 {
        server.route(to_b, [number, b'b']).await.unwrap();
        server.route(to_a, [number, b'a']).await.unwrap();
    }

    for number in 0..10_u8 {
        assert_eq!(a.read_message().await, [number, b'a']);
        assert_eq!(b.read_message().await, [number, b'b']);
    }
}

over_every_transport_and_streams!(an_unknown_routing_id_is_unreachable_immediately);

async fn an_unknown_routing_id_is_unreachable_immediately(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    server.bind(transport.any()).await.unwrap();
    let unknown = RoutingId::new(77).unwrap();
    let message = Message::from("x");

    let routed = server.route(unknown, "x").now_or_never().unwrap();
    assert_eq!(routed, Err(RouteError::HostUnreachable(message.clone())));
    let routed = server.try_route(unknown, "x");
    assert_eq!(routed, Err(TryRouteError::HostUnreachable(message.clone())));

    // A message that was not received.
    let replied = server.reply(&message, "x").now_or_never().unwrap();
    assert_eq!(replied, Err(RouteError::HostUnreachable(message)));
}

#[tokio::test]
async fn a_remote_that_has_gone_is_unreachable_immediately() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    drop(remote);
    until_unreachable(&server, id).await;

    let routed = server.route(id, "x").now_or_never().unwrap();
    assert_eq!(routed, Err(RouteError::HostUnreachable(Message::from("x"))));
}

#[tokio::test]
async fn senders_that_wait_for_a_remote_fail_when_it_leaves() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().send_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "a").unwrap();
    let mut first = tokio_test::task::spawn(server.route(id, "b"));
    let mut second = tokio_test::task::spawn(server.route(id, "c"));
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    drop(remote);

    assert_eq!(first.await, Err(RouteError::HostUnreachable(Message::from("b"))));
    assert_eq!(second.await, Err(RouteError::HostUnreachable(Message::from("c"))));
    let routed = server.try_route(id, "d");
    assert_eq!(routed, Err(TryRouteError::HostUnreachable(Message::from("d"))));
}

#[tokio::test]
async fn messages_of_an_ended_remote_remain_available() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut remote, id) = Remote::known_to(&server).await;
    remote.write(&remote::message(b"last words").repeat(3)).await;
    remote.sync().await;
    drop(remote);
    until_unreachable(&server, id).await;

    for _ in 0..3 {
        let message = server.recv().await.unwrap();
        assert_eq!(message, "last words");
        assert_eq!(message.routing_id(), Some(id));
    }
    server.try_recv().unwrap_err();
}

#[tokio::test]
async fn messages_of_an_ended_remote_beyond_the_queue_are_received() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    for number in 0..100_u8 {
        remote.write(&remote::message(&[number])).await;
    }
    remote.shut_down().await;
    drop(remote);

    for number in 0..100_u8 {
        assert_eq!(server.recv().await.unwrap(), [number]);
    }
}

/// Waits until the server has detected the end of a remote.
async fn until_unreachable(server: &Server, id: RoutingId) {
    loop {
        match server.try_route(id, "anybody there?") {
            Err(TryRouteError::HostUnreachable(_)) => return,
            Ok(()) | Err(_) => task::yield_now().await,
        }
    }
}
