//! Messages that a remote refuses: it ends the connection while they are written.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::monitor::{DisconnectReason, DropCause, EventKind};
use tokio_zmtp::{Builder, Client, Server};

use crate::events;
use crate::remote::{self, LONGER_THAN_BUFFERS, RemoteListener};
use crate::security::{AdmitAll, mechanisms};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_message_too_long_for_a_server_is_dropped_after_two_attempts() {
    let _watchdog = Watchdog::start();
    for (of_client, of_server) in mechanisms() {
        for endpoint in ENDPOINTS {
            let server = Server::builder().mechanism(of_server.clone()).authenticator(AdmitAll);
            let server = server.max_message_size(LIMIT).bind(*endpoint).await.unwrap();
            let client = quick(Client::builder()).mechanism(of_client.clone()).build();
            let mut monitor = client.monitor();
            client.connect(server.last_endpoint().unwrap()).await.unwrap();
            client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
            for number in 0..9_u8 {
                client.send([number]).await.unwrap();
            }
            for number in 0..9_u8 {
                assert_eq!(server.recv().await.unwrap(), [number]);
            }
            let cause = DropCause::Refused { len: LONGER_THAN_BUFFERS };
            events::until_dropped(&mut monitor, 1, cause).await;
            let stats = client.stats();
            assert_eq!((stats.dropped.refused, stats.dropped.undelivered), (1, 0));
            assert_eq!(stats.reconnects, 2);
            let report = client.close().await;
            assert_eq!((report.written, report.undelivered), (9, 1));
        }
    }
}

#[tokio::test]
async fn a_message_too_long_for_a_client_is_dropped_after_two_attempts() {
    let _watchdog = Watchdog::start();
    for endpoint in ENDPOINTS {
        let client = Client::builder().max_message_size(LIMIT).bind(*endpoint).await.unwrap();
        let server = quick(Server::builder()).build();
        let mut monitor = server.monitor();
        server.connect(client.last_endpoint().unwrap()).await.unwrap();
        client.send("hello").await.unwrap();
        let id = server.recv().await.unwrap().routing_id().unwrap();
        server.route(id, vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
        server.route(id, "after").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "after");
        let cause = DropCause::Refused { len: LONGER_THAN_BUFFERS };
        let (_, _, of) = events::until_dropped(&mut monitor, 1, cause).await;
        assert_eq!(of, Some(id));
        assert_eq!(server.stats().dropped.refused, 1);
    }
}

#[tokio::test]
async fn a_refused_message_is_returned_by_a_pending_close() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().max_message_size(LIMIT).bind(ENDPOINTS[0]).await.unwrap();
    let client = quick(Client::builder()).build();
    client.connect(server.last_endpoint().unwrap()).await.unwrap();
    client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    client.send("after").await.unwrap();
    let (report, unsent) = client.close_with_undelivered().await;
    assert_eq!((report.written, report.undelivered), (1, 1));
    assert_eq!(
        unsent.iter().map(|message| message.len()).collect::<Vec<_>>(),
        [LONGER_THAN_BUFFERS]
    );
    assert_eq!(server.recv().await.unwrap(), "after");
}

#[tokio::test]
async fn a_message_interrupted_after_another_is_resent_once() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = quick(Client::builder()).connect(listener.endpoint()).await.unwrap();
    for number in 0..3 {
        client.send(vec![number; LONGER_THAN_BUFFERS]).await.unwrap();
    }
    let mut first = listener.accept_as("SERVER").await;
    first.read(1_000).await;
    drop(first);
    // From here on, the remote reads one message, and ends the connection during the next.
    for number in 0..2 {
        let mut remote = listener.accept_as("SERVER").await;
        assert!(remote.read_message().await == vec![number; LONGER_THAN_BUFFERS]);
        remote.read(1_000).await;
    }
    let mut last = listener.accept_as("SERVER").await;
    assert!(last.read_message().await == vec![2; LONGER_THAN_BUFFERS]);
    assert_eq!(client.stats().dropped.refused, 0);
}

#[tokio::test]
async fn connections_that_this_side_ends_do_not_count() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = quick(Client::builder()).connect(listener.endpoint()).await.unwrap();
    client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    for _ in 0..4 {
        let mut remote = listener.accept_as("SERVER").await;
        remote.read(1_000).await;
        assert!(client.remotes().disconnect(client.remotes().list()[0].connection_id()));
        // The next action of the remote is not a refusal.
        remote.read_to_end().await;
    }
    let mut remote = listener.accept_as("SERVER").await;
    assert_eq!(remote.read_message().await.len(), LONGER_THAN_BUFFERS);
    assert_eq!(client.stats().dropped.refused, 0);
}

// Time is paused from here on, so no other timer may exist while bytes are in flight.

#[tokio::test(start_paused = true)]
async fn a_remote_that_shuts_down_does_not_count_as_a_refusal() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_secs(10))
        .build();
    let mut monitor = client.monitor();
    client.connect(listener.endpoint()).await.unwrap();
    client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    for _ in 0..4 {
        let mut remote = listener.accept_as("SERVER").await;
        remote.read(1_000).await;
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    }
    assert_eq!(client.stats().dropped.refused, 0);
    assert_eq!(client.stats().reconnects, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_remote_sends_makes_attempts_more_frequent_again() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .reconnect_interval(Duration::from_millis(100))
        .reconnect_interval_max(Duration::from_secs(60))
        .hello_message("our hello")
        .build();
    let mut monitor = client.monitor();
    client.connect(listener.endpoint()).await.unwrap();
    let conversations = [
        (Conversation::HandshakeAlone, 100),
        (Conversation::HandshakeAlone, 200),
        (Conversation::Sends(remote::message(b"hello")), 400),
        (Conversation::Sends(remote::ping(b"context")), 800),
        (Conversation::Sends(remote::command("PONG", b"")), 1_600),
        (Conversation::Sends(MULTIPART.into()), 3_200),
        (Conversation::Lasts(Duration::from_secs(10)), 100),
        (Conversation::HandshakeAlone, 200),
        (Conversation::TakesAMessage, 100),
        (Conversation::HandshakeAlone, 200),
        (Conversation::RefusesTheSecondMessage, 400),
    ];
    for (conversation, longest) in conversations {
        let mut remote = listener.accept_as("SERVER").await;
        assert_eq!(remote.read_message().await, b"our hello");
        match &conversation {
            Conversation::HandshakeAlone => {}
            Conversation::Sends(bytes) => remote.write(bytes).await,
            Conversation::Lasts(time) => time::sleep(*time).await,
            Conversation::TakesAMessage | Conversation::RefusesTheSecondMessage => {
                client.send("taken").await.unwrap();
                assert_eq!(remote.read_message().await, b"taken");
            }
        }
        if let Conversation::RefusesTheSecondMessage = conversation {
            client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
            remote.read(1_000).await;
        }
        remote.shut_down().await;
        drop(remote);
        let retried = |kind: &EventKind| matches!(kind, EventKind::ConnectRetried { .. });
        let event = events::until(&mut monitor, retried).await;
        let EventKind::ConnectRetried { delay } = event.kind else { unreachable!() };
        let range = longest / 2..=longest;
        assert!(range.contains(&delay.as_millis()), "{delay:?} after {conversation:?}");
    }
}

/// The action of a remote between the handshake and the end of the connection.
#[derive(Debug)]
enum Conversation {
    HandshakeAlone,
    Sends(Vec<u8>),
    Lasts(Duration),
    TakesAMessage,
    RefusesTheSecondMessage,
}

/// A message of two parts, which a CLIENT discards.
const MULTIPART: &[u8] = b"\x01\x01a\0\x01b";

fn quick<S>(builder: Builder<S>) -> Builder<S> {
    let moment = Duration::from_millis(1);
    builder.reconnect_interval(moment).reconnect_interval_max(moment)
}

const LIMIT: u64 = 0x10_0000;

#[cfg(unix)]
const ENDPOINTS: &[&str] = &["tcp://127.0.0.1:*", "ipc://*"];

#[cfg(not(unix))]
const ENDPOINTS: &[&str] = &["tcp://127.0.0.1:*"];
