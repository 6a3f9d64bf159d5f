//! The remotes of a socket, and their properties.

use std::error::Error;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use tokio_test::{assert_pending, task};
use tokio_zmtp::monitor::{DialFailure, DropCause};
use tokio_zmtp::{
    Client, ConnectionId, Message, NoRemoteError, PropertyError, ReconnectStop, RoutingId, Server,
    SocketType, TryRecvError, TryRouteError,
};

use crate::events;
use crate::remote::{self, GREETING, LONGER_THAN_BUFFERS, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn waiting_for_a_remote_ends_when_its_handshake_is_finished() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let mut connected = task::spawn(client.remotes().connected());
    let mut remote = listener.accept().await;
    assert_pending!(connected.poll());
    assert_eq!(client.remotes().list(), []);

    remote.shake_hands("SERVER").await;
    connected.await.unwrap();
    assert_eq!(client.remotes().list().len(), 1);
    // The remote is still connected.
    client.remotes().connected().await.unwrap();
    client.remotes().connected_timeout(Duration::ZERO).await.unwrap();
}

over_every_transport!(waiting_for_a_remote_reports_that_the_socket_is_closed);

async fn waiting_for_a_remote_reports_that_the_socket_is_closed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind(transport.any()).await.unwrap();
    let mut connected = task::spawn(server.remotes().connected());
    assert_pending!(connected.poll());
    server.close().await;
    assert!(matches!(connected.await, Err(NoRemoteError::Closed)));
    assert!(matches!(server.remotes().connected().await, Err(NoRemoteError::Closed)));
}

#[tokio::test]
async fn waiting_for_a_remote_reports_that_no_endpoint_is_left() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder()
        .reconnect_stop([ReconnectStop::ConnectionRefused])
        .connect(port.endpoint())
        .await
        .unwrap();
    let failure = client.remotes().connected().await.unwrap_err();
    assert!(matches!(failure, NoRemoteError::Failed(DialFailure::Transport(_))), "{failure:?}");

    // Another endpoint may still connect.
    let listener = RemoteListener::bind();
    client.connect(listener.endpoint()).await.unwrap();
    let (connected, _remote) =
        tokio::join!(client.remotes().connected(), listener.accept_as("SERVER"));
    connected.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_wait_for_a_remote_reports_the_last_failure() {
    let _watchdog = Watchdog::start();
    let limit = Duration::from_secs(5);
    let alone = Client::builder().build();
    let start = Instant::now();
    let failure = alone.remotes().connected_timeout(limit).await.unwrap_err();
    assert!(matches!(failure, NoRemoteError::Timeout(None)), "{failure:?}");
    assert_eq!(start.elapsed(), limit);

    let port = ReservedPort::reserve();
    let client = Client::builder().connect_timeout(None).connect(port.endpoint()).await.unwrap();
    let start = Instant::now();
    let failure = client.remotes().connected_timeout(limit).await.unwrap_err();
    let NoRemoteError::Timeout(Some(DialFailure::Transport(error))) = failure else {
        panic!("{failure:?}");
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(start.elapsed(), limit);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_handshake_reports_why_it_failed() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut remote = listener.accept().await;
    remote.write(&[&GREETING[..], &remote::ready("PULL")].concat()).await;
    remote.read_to_end().await;
    drop(remote);

    let failure = client.remotes().connected_timeout(Duration::from_secs(1)).await.unwrap_err();

    let NoRemoteError::Timeout(Some(failure)) = failure else { panic!("{failure:?}") };
    let cause = failure.source().unwrap();
    assert_eq!(cause.to_string(), "the remote is a PULL, which is incompatible with a CLIENT");
}

#[tokio::test]
async fn remotes_are_listed_in_order_of_connection() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remotes = Vec::new();
    for _ in 0..5 {
        let mut remote = Remote::client(&endpoint).await;
        remote.sync().await;
        remotes.push(remote);
    }
    assert_eq!(addresses(&server), remotes.iter().map(Remote::address).collect::<Vec<_>>());
    let ids: Vec<_> =
        server.remotes().list().iter().map(tokio_zmtp::Remote::connection_id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));

    let mut monitor = server.monitor();
    drop(remotes.remove(2));
    events::until_disconnected(&mut monitor).await;
    assert_eq!(addresses(&server), remotes.iter().map(Remote::address).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_remote_is_found_by_either_id_while_it_is_connected() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (_other, _) = Remote::known_to(&server).await;
    let (remote, routing_id) = Remote::known_to(&server).await;
    let found = server.remotes().get(routing_id).unwrap();
    assert_eq!(found.address(), Some(remote.address()));
    assert_eq!(found.routing_id(), Some(routing_id));
    let connection_id: ConnectionId = found.connection_id();
    assert_eq!(server.remotes().get(connection_id), Some(found.clone()));

    let mut monitor = server.monitor();
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    assert_eq!(server.remotes().get(routing_id), None);
    assert_eq!(server.remotes().get(connection_id), None);
    assert!(!server.remotes().disconnect(routing_id));
    assert!(!server.remotes().disconnect(connection_id));
    // Its properties remain available.
    assert_eq!(found.routing_id(), Some(routing_id));
}

#[tokio::test]
async fn an_accepted_remote_that_is_disconnected_is_unreachable_and_gets_queued_messages() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut remote, id) = Remote::known_to(&server).await;
    let mut monitor = server.monitor();
    queue(&server, &remote, id).await;

    assert!(server.remotes().disconnect(id));
    let late = server.try_route(id, "late");
    assert_eq!(late, Err(TryRouteError::HostUnreachable(Message::from("late"))));

    assert_eq!(remote.read_message().await.len(), LONGER_THAN_BUFFERS);
    assert_eq!(remote.read_message().await, b"a");
    assert_eq!(remote.read_message().await, b"b");
    assert_eq!(remote.read_to_end().await, b"");
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    assert_eq!(server.remotes().list(), []);
    assert_eq!(server.stats().dropped.undelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_remote_that_is_disconnected_may_read_until_linger_expires() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .handshake_interval(None)
        .linger(Duration::from_secs(60))
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    let mut monitor = server.monitor();
    queue(&server, &remote, id).await;

    let before = Instant::now();
    assert!(server.remotes().disconnect(id));
    events::until_disconnected(&mut monitor).await;

    assert!(Duration::from_secs(60) <= before.elapsed());
    events::until_dropped(&mut monitor, 3, DropCause::Undelivered).await;
    drop(remote);
}

#[tokio::test]
async fn a_disconnected_dialed_remote_reconnects_with_its_queue() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let first = listener.accept_as("SERVER").await;
    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    first.peek().await;
    client.send("a").await.unwrap();
    let id = client.remotes().list()[0].connection_id();

    assert!(client.remotes().disconnect(id));
    drop(first);

    let mut second = listener.accept_as("SERVER").await;
    assert_eq!(second.read_message().await.len(), LONGER_THAN_BUFFERS);
    assert_eq!(second.read_message().await, b"a");
    assert_eq!(client.remotes().get(id), None);
    assert_eq!(client.stats().dropped.undelivered, 0);
}

#[tokio::test]
async fn a_message_identifies_its_remote() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().metadata("X-Zone", "north").unwrap();
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = Client::builder().metadata("X-Tenant", "blue").unwrap();
    let client = client.metadata("X-Empty", "").unwrap();
    let client = client.connect(endpoint.clone()).await.unwrap();
    client.send("one").await.unwrap();
    client.send("two").await.unwrap();

    let (message, of_server) = server.recv_from().await.unwrap();
    assert_eq!(message, "one");
    assert_eq!(of_server.endpoint(), &endpoint);
    assert_eq!(of_server.socket_type(), Some(SocketType::Client));
    assert_eq!(of_server.routing_id(), message.routing_id());
    assert_eq!(of_server.user_id(), None);
    assert_eq!(of_server.property("X-Tenant"), Some(&b"blue"[..]));
    assert_eq!(of_server.property("x-tenant"), Some(&b"blue"[..]));
    assert_eq!(of_server.property("X-Empty"), Some(&b""[..]));
    assert_eq!(of_server.property("X-Zone"), None);
    let names: Vec<_> = of_server.properties().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["Socket-Type", "X-Tenant", "X-Empty"]);

    // Both messages arrived over one connection.
    let (message, same) = server.recv_from().await.unwrap();
    assert_eq!(message, "two");
    assert_eq!(same, of_server);
    assert_eq!(server.remotes().list(), [same]);
    assert_eq!(server.try_recv_from().map(drop), Err(TryRecvError::Empty));

    server.reply(&message, "three").await.unwrap();
    let (message, of_client) = client.recv_from().await.unwrap();
    assert_eq!(message, "three");
    assert_eq!(of_client.endpoint(), &endpoint);
    assert_eq!(of_client.address(), Some(remote::address(&endpoint)));
    assert_eq!(of_client.socket_type(), Some(SocketType::Server));
    assert_eq!(of_client.routing_id(), None);
    assert_eq!(of_client.property("X-Zone"), Some(&b"north"[..]));
    assert_eq!(client.try_recv_from().map(drop), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn messages_of_two_remotes_identify_both() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    for _ in 0..2 {
        let mut remote = Remote::client(&endpoint).await;
        remote.write(&remote::message(b"x").repeat(2)).await;
        remote.sync().await;
        let (_, one) = server.try_recv_from().unwrap();
        assert_eq!(one.address(), Some(remote.address()));
        let (_, other) = server.recv_from().await.unwrap();
        assert_eq!(one, other);
        drop(remote);
    }
    assert_eq!(server.try_recv_from().map(drop), Err(TryRecvError::Empty));
    server.close().await;
    assert_eq!(server.try_recv_from().map(drop), Err(TryRecvError::Closed));
}

#[tokio::test]
async fn properties_that_remotes_would_reject_are_refused() {
    let refused = |name: &str, value: &[u8]| Client::builder().metadata(name, value).map(drop);
    assert_eq!(refused("Tenant", b""), Err(PropertyError::ReservedPrefix));
    assert_eq!(refused("Socket-Type", b""), Err(PropertyError::ReservedPrefix));
    assert_eq!(refused("X-a b", b""), Err(PropertyError::InvalidName));
    assert_eq!(refused(&"X-".repeat(200), b""), Err(PropertyError::InvalidName));
    assert_eq!(refused("X-Large", &[0; 60_000]), Err(PropertyError::TooLarge));
    assert_eq!(refused("x-small", &[0; 50_000]), Ok(()));
}

/// Queues `a` and `b` after a long message that the remote does not read.
async fn queue(server: &Server, remote: &Remote, id: RoutingId) {
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "a").unwrap();
    server.try_route(id, "b").unwrap();
}

fn addresses(server: &Server) -> Vec<SocketAddr> {
    server.remotes().list().iter().filter_map(tokio_zmtp::Remote::address).collect()
}
