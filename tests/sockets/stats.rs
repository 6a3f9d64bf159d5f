//! The statistics of a socket and its remotes.

use std::time::Duration;

use tokio::{task, time};
use tokio_zmtp::auth::{Networks, Users};
use tokio_zmtp::monitor::{EventKind, Monitor};
use tokio_zmtp::stats::{Dropped, Queued, RemoteStats, Stats, Volume};
use tokio_zmtp::{Channel, Client, Mechanism, Server};

use crate::events;
use crate::remote::{
    self, GREETING, LONGER_THAN_BUFFERS, MORE, Remote, RemoteListener, ReservedPort,
};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn messages_and_bytes_are_counted_both_ways() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    client.remotes().connected().await.unwrap();
    assert_eq!(client.stats().sent, Volume::default());

    // Headers have two bytes, or nine for bodies above 255 bytes.
    for len in [0, 1, 255, 256, 100_000] {
        client.send(vec![0; len]).await.unwrap();
    }
    let mut id = None;
    for _ in 0..5 {
        id = server.recv().await.unwrap().routing_id();
    }
    let id = id.unwrap();
    let there = Volume { messages: 5, bytes: 2 + 3 + 257 + 265 + 100_009 };
    server.route(id, "reply").await.unwrap();
    client.recv().await.unwrap();
    let back = Volume { messages: 1, bytes: 7 };

    let (of_client, of_server) = (client.stats(), server.stats());
    assert_eq!((of_client.sent, of_client.received), (there, back));
    assert_eq!((of_server.sent, of_server.received), (back, there));
    assert_eq!((of_client.connected, of_server.connected), (1, 1));
    let stats = client.remotes().stats(client.remotes().list()[0].connection_id()).unwrap();
    assert_eq!((stats.sent, stats.received), (there, back));
    let stats = server.remotes().stats(id).unwrap();
    assert_eq!((stats.sent, stats.received), (back, there));
}

#[tokio::test]
async fn automatic_messages_and_heartbeats_are_not_counted() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().hello_message("hello").bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    assert_eq!(remote.read_message().await, b"hello");
    remote.sync().await;
    let stats = server.stats();
    assert_eq!((stats.sent, stats.received), (Volume::default(), Volume::default()));
}

#[tokio::test]
async fn queued_messages_are_counted_for_each_remote() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::new();
    client.connect(port.endpoint()).await.unwrap();
    for _ in 0..5 {
        client.try_send("x").unwrap();
    }
    assert_eq!(numbers(client.stats().queued), (5, 0));

    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remotes = Vec::new();
    for messages in [3, 7] {
        let mut remote = Remote::client(&endpoint).await;
        remote.write(&remote::message(b"x").repeat(messages)).await;
        remote.sync().await;
        remotes.push(remote);
    }
    assert_eq!(numbers(server.stats().queued), (0, 10));
    let ids: Vec<_> =
        server.remotes().list().iter().map(tokio_zmtp::Remote::connection_id).collect();
    assert_eq!(numbers(server.remotes().stats(ids[0]).unwrap().queued), (0, 3));
    assert_eq!(numbers(server.remotes().stats(ids[1]).unwrap().queued), (0, 7));

    // One message of each remote.
    for _ in 0..2 {
        server.recv().await.unwrap();
    }
    assert_eq!(numbers(server.remotes().stats(ids[0]).unwrap().queued), (0, 2));
    assert_eq!(numbers(server.remotes().stats(ids[1]).unwrap().queued), (0, 6));
}

#[tokio::test]
async fn messages_queued_for_a_remote_that_does_not_read_are_counted() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (remote, id) = Remote::known_to(&server).await;
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    for _ in 0..4 {
        server.try_route(id, "x").unwrap();
    }
    assert_eq!(numbers(server.remotes().stats(id).unwrap().queued), (4, 0));
    // A partially written message is not counted as sent.
    assert_eq!(server.stats().sent, Volume::default());
}

#[tokio::test]
async fn dropped_messages_are_counted_by_cause() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut remote, id) = Remote::known_to(&server).await;
    let multipart = [&[MORE, 1][..], b"a", &[0, 1], b"b"].concat();
    remote.write(&multipart.repeat(2)).await;
    remote.sync().await;
    assert_eq!(server.remotes().stats(id).unwrap().multipart, 2);
    let Dropped { multipart, undelivered, unread, .. } = server.stats().dropped;
    assert_eq!((multipart, undelivered, unread), (2, 0, 0));

    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "x").unwrap();
    let mut monitor = server.monitor();
    drop(remote);
    events::until_disconnected(&mut monitor).await;
    let Dropped { multipart, undelivered, unread, .. } = server.stats().dropped;
    assert_eq!((multipart, undelivered, unread), (2, 2, 0));

    let (mut remote, _) = Remote::known_to(&server).await;
    remote.write(&[remote::ping(b""), remote::message(b"x").repeat(4)].concat()).await;
    remote.read_frame().await;
    let end = async {
        remote.read_to_end().await;
        drop(remote);
    };
    tokio::join!(server.close(), end);
    let Dropped { multipart, undelivered, unread, .. } = server.stats().dropped;
    assert_eq!((multipart, undelivered, unread), (2, 2, 3));
}

#[tokio::test]
async fn refused_connections_are_counted_by_cause() {
    let _watchdog = Watchdog::start();
    let users = Users::from_iter([("alice", "right")]);
    let server = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let bob = Mechanism::plain_client("bob", "right").unwrap();
    let bob = Client::builder().mechanism(bob).connect(server.last_endpoint().unwrap()).await;
    until_refused(&mut monitor).await;
    assert_eq!(counted(&server.stats()), [1, 0, 0]);
    assert_eq!(counted(&bob.unwrap().stats()), [0; 3]);

    let networks = Networks::new();
    networks.deny("127.0.0.0/8".parse().unwrap());
    let server = Server::builder().authenticator(networks);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let _remote = Remote::dial(&server.last_endpoint().unwrap()).await;
    until_refused(&mut monitor).await;
    assert_eq!(counted(&server.stats()), [1, 0, 0]);

    let channel = Channel::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = channel.last_endpoint().unwrap();
    let mut monitor = channel.monitor();
    let mut first = Remote::dial(&endpoint).await;
    first.shake_hands("CHANNEL").await;
    first.sync().await;
    for (socket_type, expected) in
        [("CHANNEL", [0, 0, 1]), ("CLIENT", [0, 1, 1]), ("CHANNEL", [0, 1, 2])]
    {
        let mut remote = Remote::dial(&endpoint).await;
        remote.write(&[&GREETING[..], &remote::ready(socket_type)].concat()).await;
        until_refused(&mut monitor).await;
        assert_eq!(counted(&channel.stats()), expected);
    }
    assert_eq!(channel.stats().connected, 1);
}

#[tokio::test]
async fn reconnections_are_counted() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    for reconnects in 0..4 {
        let mut remote = listener.accept_as("SERVER").await;
        remote.sync().await;
        assert_eq!(client.stats().reconnects, reconnects);
        let id = client.remotes().list()[0].connection_id();
        assert_eq!(client.remotes().stats(id).unwrap().reconnects, reconnects);
        drop(remote);
    }
}

#[tokio::test(start_paused = true)]
async fn the_reported_round_trip_is_that_of_the_last_heartbeat() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_secs(60))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    remote.sync().await;
    let id = client.remotes().list()[0].connection_id();
    assert_eq!(client.remotes().stats(id).unwrap().heartbeat_round_trip, None);

    for seconds in [3, 1] {
        let (_, ping) = remote.read_frame().await;
        assert_eq!(ping[..5], *b"\x04PING");
        let taken = Duration::from_secs(seconds);
        time::sleep(taken).await;
        remote.write(&remote::command("PONG", &ping[7..])).await;
        remote.sync().await;
        let round_trip = client.remotes().stats(id).unwrap().heartbeat_round_trip.unwrap();
        assert!(
            (taken..taken + Duration::from_millis(500)).contains(&round_trip),
            "{round_trip:?}"
        );
    }
}

#[tokio::test]
async fn statistics_of_a_remote_count_after_its_end() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    for round in 1..=3 {
        let (mut remote, id) = Remote::known_to(&server).await;
        server.route(id, "reply").await.unwrap();
        remote.read_message().await;
        let id = server.remotes().get(id).unwrap().connection_id();
        drop(remote);
        events::until_disconnected(&mut monitor).await;

        assert_eq!(server.remotes().stats(id), None::<RemoteStats>);
        let stats = server.stats();
        assert_eq!(stats.connected, 0);
        assert_eq!(stats.sent, Volume { messages: round, bytes: 7 * round });
        assert_eq!(stats.received, Volume { messages: round, bytes: 7 * round });
    }
    server.close().await;
    task::yield_now().await;
    assert_eq!(server.stats().sent.messages, 3);
}

/// Returns the numbers of messages that are queued for sending and for receiving.
fn numbers(queued: Queued) -> (usize, usize) {
    (queued.outgoing, queued.incoming)
}

async fn until_refused(monitor: &mut Monitor) {
    events::until(monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
}

/// Returns the numbers of remotes that were denied, incompatible, and second.
fn counted(stats: &Stats) -> [u64; 3] {
    assert_eq!(stats.refused.too_many_groups, 0);
    assert_eq!(stats.refused.too_many_topics, 0);
    [stats.refused.denied, stats.refused.incompatible, stats.refused.occupied]
}
