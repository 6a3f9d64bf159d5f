//! Monitors receive the events of endpoints and connections in order.

use std::time::Duration;

use tokio_zmtp::monitor::{DialFailure, DisconnectReason, DropCause, Event, EventKind, Missed};
use tokio_zmtp::{Client, RoutingId, Server};

use crate::events::{self, NO_CONNECTION, about};
use crate::remote::{self, LONGER_THAN_BUFFERS, MORE, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_bound_socket_reports_its_connections_from_first_to_last() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let mut monitor = server.monitor();

    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let listening = events::next(&mut monitor).await;
    assert!(matches!(listening.kind, EventKind::Listening));
    assert_eq!((&listening.endpoint, about(&listening)), (&endpoint, NO_CONNECTION));

    let mut remote = Remote::client(&endpoint).await;
    let accepted = events::next(&mut monitor).await;
    assert!(matches!(accepted.kind, EventKind::Accepted));
    assert_eq!((&accepted.endpoint, accepted.address), (&endpoint, Some(remote.address())));
    assert!(accepted.connection_id.is_some());
    assert_eq!(accepted.routing_id, None);

    let connected = events::next(&mut monitor).await;
    assert!(matches!(connected.kind, EventKind::HandshakeSucceeded));
    let expected = (accepted.address, accepted.connection_id, connected.routing_id);
    assert_eq!((&connected.endpoint, about(&connected)), (&endpoint, expected));
    server.route(connected.routing_id.unwrap(), "you have not asked yet").await.unwrap();
    assert_eq!(remote.read_message().await, b"you have not asked yet");

    remote.shut_down().await;
    let disconnected = events::next(&mut monitor).await;
    let EventKind::Disconnected { reason, .. } = &disconnected.kind else {
        panic!("{disconnected:?}")
    };
    assert!(matches!(reason, DisconnectReason::ClosedByRemote));
    assert_eq!((&disconnected.endpoint, about(&disconnected)), (&endpoint, expected));

    server.unbind(endpoint.clone()).await.unwrap();
    let closed = events::next(&mut monitor).await;
    assert!(matches!(closed.kind, EventKind::Closed));
    assert_eq!((&closed.endpoint, about(&closed)), (&endpoint, NO_CONNECTION));

    server.close().await;
    assert!(monitor.recv().await.is_none());
}

#[tokio::test]
async fn a_connected_socket_reports_every_attempt() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let endpoint = port.endpoint();
    let client = Client::builder().reconnect_interval(Duration::from_millis(1)).build();
    let mut monitor = client.monitor();
    client.connect(endpoint.clone()).await.unwrap();

    // No listener exists.
    for _ in 0..3 {
        let begun = events::next(&mut monitor).await;
        assert!(matches!(begun.kind, EventKind::ConnectDelayed));
        let failed = events::next(&mut monitor).await;
        let EventKind::ConnectFailed { reason } = &failed.kind else { panic!("{failed:?}") };
        assert!(matches!(reason, DialFailure::Transport(_)));
        let retried = events::next(&mut monitor).await;
        let EventKind::ConnectRetried { delay } = &retried.kind else { panic!("{retried:?}") };
        assert!(!delay.is_zero());
        for event in [begun, failed, retried] {
            assert_eq!((&event.endpoint, about(&event)), (&endpoint, NO_CONNECTION));
        }
    }

    // A listener accepts, and disconnects once.
    let listener = port.listen();
    let (first, second) = tokio::join!(listener.accept_as("SERVER"), async {
        let is_connected = |kind: &EventKind| matches!(kind, EventKind::Connected);
        let connected = events::until(&mut monitor, is_connected).await;
        let established = events::next(&mut monitor).await;
        assert!(matches!(established.kind, EventKind::HandshakeSucceeded));
        assert_eq!(about(&established), about(&connected));
        connected
    });
    assert_eq!(second.endpoint, endpoint);
    assert_eq!(second.address, Some(remote::address(&endpoint)));
    assert!(second.connection_id.is_some());
    assert_eq!(second.routing_id, None);

    drop(first);
    let lost = events::next(&mut monitor).await;
    assert!(matches!(lost.kind, EventKind::Disconnected { .. }));
    assert_eq!(about(&lost), about(&second));
    let retried = events::next(&mut monitor).await;
    assert!(matches!(retried.kind, EventKind::ConnectRetried { .. }));
    assert_eq!(about(&retried), NO_CONNECTION);
    let begun = events::next(&mut monitor).await;
    assert!(matches!(begun.kind, EventKind::ConnectDelayed));

    // The next connection has another id.
    let mut remote = listener.accept_as("SERVER").await;
    let connected = events::next(&mut monitor).await;
    assert!(matches!(connected.kind, EventKind::Connected));
    assert!(connected.connection_id > second.connection_id);
    let established = events::next(&mut monitor).await;
    assert!(matches!(established.kind, EventKind::HandshakeSucceeded));
    assert_eq!(about(&established), about(&connected));

    // This side ends the connection.
    let (disconnected, _) = tokio::join!(client.disconnect(endpoint.clone()), remote.read_to_end());
    disconnected.unwrap();
    drop(remote);
    let ended = events::next(&mut monitor).await;
    let EventKind::Disconnected { reason, .. } = &ended.kind else { panic!("{ended:?}") };
    assert!(matches!(reason, DisconnectReason::Closed));
    assert_eq!(about(&ended), about(&connected));
    let closed = events::next(&mut monitor).await;
    assert!(matches!(closed.kind, EventKind::Closed));
    assert_eq!((&closed.endpoint, about(&closed)), (&endpoint, NO_CONNECTION));

    client.close().await;
    assert!(monitor.recv().await.is_none());
}

over_every_transport!(the_end_of_a_connection_is_reported_with_its_final_statistics);

async fn the_end_of_a_connection_is_reported_with_its_final_statistics(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    let mut monitors = [server.monitor(), client.monitor()];
    for body in ["one", "two", "three"] {
        client.send(body).await.unwrap();
    }
    for _ in 0..3 {
        let request = server.recv().await.unwrap();
        if request == "three" {
            server.reply(&request, "reply").await.unwrap();
        }
    }
    client.recv().await.unwrap();
    let [of_server, of_client] = [server.remotes().list(), client.remotes().list()]
        .map(|remotes| remotes[0].connection_id());
    let at_server = server.remotes().stats(of_server).unwrap();
    let at_client = client.remotes().stats(of_client).unwrap();
    assert_eq!((at_client.sent.messages, at_client.received.messages), (3, 1));
    server.close().await;

    for (monitor, before) in monitors.iter_mut().zip([at_server, at_client]) {
        let ended = events::until(monitor, |kind| matches!(kind, EventKind::Disconnected { .. }));
        let EventKind::Disconnected { stats, .. } = ended.await.kind else { unreachable!() };
        assert_eq!(*stats, before);
    }
}

#[tokio::test]
async fn each_connection_of_a_reconnecting_remote_has_a_new_id() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let server = Server::builder().build();
    let mut monitor = server.monitor();
    server.connect(listener.endpoint()).await.unwrap();

    let mut established = Vec::new();
    for _ in 0..3 {
        drop(listener.accept_as("CLIENT").await);
        established.push(events::until_established(&mut monitor).await);
    }

    let ids: Vec<_> = established.iter().map(|event| event.connection_id.unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    // Routing treats all connections as those of one remote.
    let routing_ids: Vec<RoutingId> =
        established.iter().map(|event| event.routing_id.unwrap()).collect();
    assert!(routing_ids.iter().all(|id| *id == routing_ids[0]));
}

#[tokio::test]
async fn the_end_of_a_connection_is_reported_with_its_cause() {
    let _watchdog = Watchdog::start();
    let server =
        Server::builder().max_message_size(Some(10)).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let mut end_after = async |bytes: &[u8]| {
        let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
        remote.write(bytes).await;
        remote.shut_down().await;
        events::until_disconnected(&mut monitor).await
    };
    let reason = end_after(b"").await;
    assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
    let reason = end_after(b"\0\x0B").await;
    assert!(
        matches!(reason, DisconnectReason::MessageTooLarge { size: 11, limit: 10 }),
        "{reason:?}"
    );
    let reason = end_after(b"\xFF").await;
    assert!(matches!(reason, DisconnectReason::Protocol(_)), "{reason:?}");
    let reason = end_after(&remote::command("ERROR", b"\x03400")).await;
    assert!(
        matches!(&reason, DisconnectReason::Refused { reason } if reason == "400"),
        "{reason:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_remote_without_a_sign_of_life_is_reported() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .heartbeat_interval(Duration::from_secs(10))
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let _silent = Remote::client(&server.last_endpoint().unwrap()).await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
}

#[tokio::test]
async fn discarded_multipart_messages_are_reported() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let mut remote = Remote::client(&endpoint).await;
    let established = events::until_established(&mut monitor).await;

    let multipart = [&[MORE, 1][..], b"a", &[MORE, 1], b"b", &[0, 1], b"c"].concat();
    remote.write(&multipart.repeat(3)).await;
    remote.sync().await;

    let subject = events::until_dropped(&mut monitor, 3, DropCause::Multipart).await;
    assert_eq!(subject, about(&established));
}

#[tokio::test]
async fn messages_queued_for_a_remote_that_left_are_reported() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let remote = Remote::client(&endpoint).await;
    let established = events::until_established(&mut monitor).await;
    let id = established.routing_id.unwrap();
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    for _ in 0..10 {
        server.try_route(id, "x").unwrap();
    }

    drop(remote);

    let subject = events::until_dropped(&mut monitor, 11, DropCause::Undelivered).await;
    assert_eq!(subject, about(&established));
}

#[tokio::test]
async fn messages_read_but_not_queued_before_the_end_are_reported() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(4).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    let established = events::until_established(&mut monitor).await;
    remote.write(&[remote::ping(b""), remote::message(b"x").repeat(10)].concat()).await;
    remote.read_frame().await;

    let close = async {
        remote.read_to_end().await;
        drop(remote);
    };
    tokio::join!(server.close(), close);

    let subject = events::until_dropped(&mut monitor, 6, DropCause::Unread).await;
    assert_eq!(subject, about(&established));
    assert!(monitor.recv().await.is_none());
    for _ in 0..4 {
        assert_eq!(server.recv().await.unwrap(), "x");
    }
}

over_every_transport!(a_monitor_that_is_not_read_reports_how_many_events_it_missed);

async fn a_monitor_that_is_not_read_reports_how_many_events_it_missed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let mut monitor = server.monitor();
    let mut endpoints = Vec::new();
    for _ in 0..600 {
        let endpoint = server.bind(transport.any()).await.unwrap();
        server.unbind(endpoint.clone()).await.unwrap();
        endpoints.push(endpoint);
    }

    // Two events for each endpoint, of which the last 1,024 are kept.
    let missed = monitor.recv().await.unwrap().unwrap_err();
    assert!(matches!(missed, Missed { events: 176, .. }), "{missed:?}");
    for endpoint in &endpoints[88..] {
        let listening = events::next(&mut monitor).await;
        assert!(matches!(listening.kind, EventKind::Listening));
        assert_eq!(listening.endpoint, *endpoint);
        let closed = events::next(&mut monitor).await;
        assert!(matches!(closed.kind, EventKind::Closed));
        assert_eq!(closed.endpoint, *endpoint);
    }
    // The monitor continues.
    let endpoint = server.bind(transport.any()).await.unwrap();
    assert_eq!(events::next(&mut monitor).await.endpoint, endpoint);
}

#[tokio::test]
async fn monitors_receive_all_events_after_their_creation() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let (first, second) = (server.monitor(), server.monitor());
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&endpoint).await;
    remote.sync().await;
    let late = server.monitor();
    let end = async {
        remote.read_to_end().await;
        drop(remote);
    };
    tokio::join!(server.close(), end);

    let first = events::rest(first).await;
    let kinds: Vec<_> = first.iter().map(name).collect();
    let expected = ["Listening", "Accepted", "HandshakeSucceeded", "Closed", "Disconnected"];
    assert_eq!(kinds, expected);
    assert_eq!(format!("{first:?}"), format!("{:?}", events::rest(second).await));
    assert_eq!(format!("{:?}", &first[3..]), format!("{:?}", events::rest(late).await));
}

over_every_transport!(monitors_end_with_the_socket_however_it_ends);

async fn monitors_end_with_the_socket_however_it_ends(transport: Transport) {
    let _watchdog = Watchdog::start();
    let closed = Server::new();
    closed.bind(transport.any()).await.unwrap();
    let monitor = closed.monitor();
    closed.close().await;
    assert_eq!(events::rest(monitor).await.len(), 1);
    // No event follows.
    assert!(closed.monitor().recv().await.is_none());

    let dropped = Server::new();
    dropped.bind(transport.any()).await.unwrap();
    let monitor = dropped.monitor();
    drop(dropped);
    assert_eq!(events::rest(monitor).await.len(), 1);
}

#[tokio::test]
async fn a_monitor_can_be_dropped_at_any_time() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().build();
    let mut kept = server.monitor();
    drop(server.monitor());
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    assert_eq!(events::next(&mut kept).await.endpoint, endpoint);
    drop(kept);
    let other = server.bind("tcp://127.0.0.1:*").await.unwrap();
    server.unbind(other).await.unwrap();
    Remote::client(&endpoint).await.sync().await;
}

/// Returns the name of an event.
fn name(event: &Event) -> String {
    let kind = format!("{:?}", event.kind);
    kind.split([' ', '{']).next().unwrap_or_default().to_owned()
}
