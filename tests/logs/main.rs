//! Tests of the log output of sockets: spans, levels and fields.
//!
//! These tests are in a separate binary, in which every test has a journal. If a test without a
//! journal reached an event first, `tracing` would cache that no subscriber is interested in it.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod audit;
#[cfg(feature = "rpc")]
mod calls;
#[cfg(feature = "rpc")]
mod draining;
mod log;

use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use support::events;
use support::remote::{self, MORE, Remote, RemoteListener, ReservedPort};
use support::transports::{Transport, over_every_transport};
use support::watchdog::Watchdog;
use tokio_zmtp::auth::Users;
use tokio_zmtp::monitor::{EventKind, Monitor};
use tokio_zmtp::{
    Client, Dealer, Endpoint, Identity, Mechanism, Pub, Resolver, Router, Server, Sub,
};
use tracing::Level;

use self::log::Journal;

over_every_transport!(a_connection_is_logged_from_its_beginning_to_its_end);

async fn a_connection_is_logged_from_its_beginning_to_its_end(transport: Transport) {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::new();
    let bound = server.bind(transport.any()).await.unwrap();
    let client = Client::new();
    client.connect(bound).await.unwrap();
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    client.close().await;
    server.close().await;

    let (info, debug) = (Level::INFO, Level::DEBUG);
    let logged = |span, socket_type| journal.logged(span, socket_type);
    let expected = [(info, "listening"), (info, "closed")];
    assert_eq!(logged("endpoint", "SERVER"), expected.map(owned));
    let expected = [(info, "connecting"), (info, "closed")];
    assert_eq!(logged("endpoint", "CLIENT"), expected.map(owned));
    let expected = [(debug, "accepted"), (debug, "connected"), (debug, "disconnected")];
    assert_eq!(logged("connection", "SERVER"), expected.map(owned));
    let expected = [(debug, "dialed"), (info, "connected"), (info, "disconnected")];
    assert_eq!(logged("connection", "CLIENT"), expected.map(owned));
    assert_eq!(journal.strays(), 0);

    let endpoint = server.last_endpoint().unwrap().to_string();
    for entry in journal.all("disconnected") {
        let span = entry.span("connection");
        assert_eq!(span.value("endpoint"), Some(&*endpoint));
        assert_eq!(span.value("mechanism"), Some("NULL"));
        assert_eq!(span.value("connection_id"), Some("1"));
        assert_eq!(span.value("remote").is_some(), transport == Transport::Tcp);
        let is_accepted = span.value("socket_type") == Some("SERVER");
        let routing_id = is_accepted.then(|| id.to_string());
        assert_eq!(span.value("routing_id"), routing_id.as_deref());
        assert!(entry.fields.value("reason").is_some());
    }
    for entry in journal.all("listening").into_iter().chain(journal.all("connecting")) {
        assert_eq!(entry.span("endpoint").value("endpoint"), Some(&*endpoint));
    }
    let types = journal.all("connected").into_iter().map(|entry| {
        let remote_type = entry.fields.value("remote_type").unwrap().to_owned();
        (entry.span("connection").value("socket_type").unwrap().to_owned(), remote_type)
    });
    let mut types: Vec<_> = types.collect();
    types.sort();
    assert_eq!(types, [("CLIENT", "SERVER"), ("SERVER", "CLIENT")].map(both_owned));
}

#[tokio::test]
async fn the_log_of_a_remote_contains_its_address_and_user() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let users = Users::new();
    users.insert("alice", "secret");
    let server = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::builder().mechanism(Mechanism::plain_client("alice", "secret").unwrap());
    let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
    client.send("hello").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();

    let connected = journal.all("connected");
    let accepted = connected.iter().find(|entry| entry.level == Level::DEBUG).unwrap();
    let span = accepted.span("connection");
    assert_eq!(span.value("mechanism"), Some("PLAIN"));
    assert_eq!(span.value("remote"), Some(&*remote.address().unwrap().to_string()));
    assert_eq!(accepted.fields.value("user_id"), Some("alice"));
}

#[tokio::test]
async fn the_span_of_a_connection_contains_the_identity_of_its_remote() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let router = Router::new();
    let endpoint = router.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = router.monitor();
    let named = Dealer::builder().identity(Identity::try_from("worker").unwrap());
    for dealer in [named.build(), Dealer::new()] {
        dealer.connect(endpoint.clone()).await.unwrap();
        dealer.send("hello").await.unwrap();
        let identity = router.recv().await.unwrap().identity().to_string();
        dealer.close().await;
        events::until_disconnected(&mut monitor).await;

        let of_router = |message| {
            let mut entries = journal.all(message).into_iter();
            let entry = entries.rfind(|entry| entry.level == Level::DEBUG).unwrap();
            entry.span("connection").clone()
        };
        assert_eq!(of_router("accepted").value("identity"), None);
        for message in ["connected", "disconnected"] {
            assert_eq!(of_router(message).value("socket_type"), Some("ROUTER"));
            assert_eq!(of_router(message).value("identity"), Some(&*identity));
        }
    }
}

#[tokio::test]
async fn the_span_of_a_remote_behind_a_proxy_contains_both_addresses() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::builder().proxy_protocol(["127.0.0.1".parse().unwrap()]);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let header = &b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 5555\r\n"[..];
    for sent in [header, b"PROXY UNKNOWN\r\n", b"\xFF"] {
        let mut proxy = Remote::dial(&server.last_endpoint().unwrap()).await;
        proxy.write(sent).await;
        let address = proxy.address().to_string();
        drop(proxy);
        events::until(&mut monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
        let refused = journal.all("refused a connection").pop().unwrap();
        let span = refused.span("connection");
        assert_eq!(span.value("proxy"), Some(&*address));
        let remote = match sent {
            [0xFF] => None,
            sent if sent == header => Some("192.0.2.7:4711"),
            _ => Some(&*address),
        };
        assert_eq!(span.value("remote"), remote);
    }
}

#[tokio::test]
async fn the_span_of_a_connection_that_is_handed_over_follows_from_the_first_span() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let orders = Server::builder().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let client = Client::new();
    client.connect(orders.last_endpoint().unwrap()).await.unwrap();
    client.send("order").await.unwrap();
    orders.recv().await.unwrap();

    let handed_over = journal.one("handed over");
    assert_eq!(handed_over.level, Level::DEBUG);
    assert_eq!(handed_over.fields.value("resource"), Some("orders"));
    assert_eq!(handed_over.span("connection").value("connection_id"), None);
    let accepted = journal.one("accepted");
    assert_eq!(accepted.span("connection").value("follows"), Some("connection"));
    assert_eq!(accepted.span("connection").value("connection_id"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn only_the_first_of_consecutive_connection_failures_is_a_warning() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().reconnect_interval(Duration::from_millis(10)).build();
    let mut monitor = client.monitor();
    client.connect(port.endpoint()).await.unwrap();
    for _ in 0..3 {
        events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectRetried { .. })).await;
    }
    let levels: Vec<_> = journal.all("cannot connect").iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [Level::WARN, Level::DEBUG, Level::DEBUG]);
    assert_eq!(journal.all("reconnecting").len(), 3);

    let listener = port.listen();
    drop(listener.accept_as("SERVER").await);
    drop(listener);
    events::until_disconnected(&mut monitor).await;
    events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectFailed { .. })).await;
    events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectRetried { .. })).await;
    assert_eq!(journal.count(Level::WARN), 2);
    let last = journal.all("cannot connect").pop().unwrap();
    assert_eq!(last.level, Level::WARN);
    assert_eq!(last.span("endpoint").value("socket_type"), Some("CLIENT"));
}

#[tokio::test]
async fn faults_of_remotes_are_warnings_and_port_probes_are_not() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });

    let mut prober = Remote::dial(&endpoint).await;
    prober.shut_down().await;
    events::until(&mut monitor, failed).await;
    let refused = journal.one("refused a connection");
    assert_eq!(refused.level, Level::DEBUG);
    assert_eq!(refused.span("connection").value("connection_id"), Some("1"));

    let mut stranger = Remote::dial(&endpoint).await;
    stranger.write(b"GET / HTTP/1.1\r\n").await;
    events::until(&mut monitor, failed).await;
    let refused = journal.all("refused a connection").pop().unwrap();
    assert_eq!(refused.level, Level::WARN);
    assert_eq!(refused.fields.value("error"), Some("the remote speaks HTTP/1, not ZMTP 3"));
    assert_eq!(journal.count(Level::ERROR), 0);
}

#[tokio::test(start_paused = true)]
async fn events_that_unknown_remotes_repeat_are_logged_a_few_times_a_minute_and_counted() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    for _ in 0..10 {
        probe(&endpoint, &mut monitor).await;
    }
    let refused = journal.all("refused a connection");
    let levels: Vec<_> = refused.iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [[Level::WARN; 3].as_slice(), &[Level::DEBUG; 7]].concat());
    assert!(refused.iter().all(|entry| entry.fields.value("suppressed").is_none()));

    // Another endpoint has its own quota.
    let other = server.bind("tcp://127.0.0.1:*").await.unwrap();
    probe(&other, &mut monitor).await;
    assert_eq!(journal.all("refused a connection").pop().unwrap().level, Level::WARN);

    tokio::time::advance(Duration::from_secs(60)).await;
    probe(&endpoint, &mut monitor).await;
    let last = journal.all("refused a connection").pop().unwrap();
    assert_eq!((last.level, last.fields.value("suppressed")), (Level::WARN, Some("7")));
    probe(&endpoint, &mut monitor).await;
    let last = journal.all("refused a connection").pop().unwrap();
    assert_eq!((last.level, last.fields.value("suppressed")), (Level::WARN, None));
}

#[tokio::test(start_paused = true)]
async fn events_that_connected_remotes_repeat_are_logged_a_few_times_a_minute() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    for _ in 0..5 {
        let mut remote = Remote::client(&endpoint).await;
        remote.write(&[MORE, 1, b'x', 0, 1, b'y']).await;
        remote.sync().await;
        // Reserved bits (RFC 37, Framing).
        remote.write(&[0xF0, 0]).await;
        events::until_disconnected(&mut monitor).await;
    }
    for line in ["discarded multipart messages", "disconnected"] {
        let levels: Vec<_> = journal.all(line).iter().map(|entry| entry.level).collect();
        assert_eq!(levels, [[Level::WARN; 3].as_slice(), &[Level::DEBUG; 2]].concat(), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_ends_each_connection_is_logged_a_few_times_a_minute() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let listener = RemoteListener::bind();
    let client = Client::builder().reconnect_interval(Duration::from_millis(1)).build();
    let mut monitor = client.monitor();
    client.connect(listener.endpoint()).await.unwrap();
    for _ in 0..5 {
        drop(listener.accept_as("SERVER").await);
        events::until_disconnected(&mut monitor).await;
    }
    for line in ["connected", "disconnected"] {
        let levels: Vec<_> = journal.all(line).iter().map(|entry| entry.level).collect();
        assert_eq!(levels, [[Level::INFO; 3].as_slice(), &[Level::DEBUG; 2]].concat(), "{line}");
    }
}

#[tokio::test]
async fn many_multipart_messages_of_a_remote_are_logged_once() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&endpoint).await;
    for _ in 0..3 {
        remote.write(&[MORE, 1, b'x', 0, 1, b'y']).await;
        remote.sync().await;
    }
    let levels = journal.all("discarded multipart messages");
    let levels: Vec<_> = levels.iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [Level::WARN, Level::TRACE, Level::TRACE]);
}

#[tokio::test]
async fn undelivered_messages_are_logged_in_the_span_of_their_connection() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let server = Server::builder().linger(Duration::ZERO).bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut remote, id) = Remote::known_to(&server).await;
    server.route(id, vec![0; remote::LONGER_THAN_BUFFERS]).await.unwrap();
    server.close().await;
    let undelivered = journal.one("undelivered messages ended with their remote");
    assert_eq!(undelivered.level, Level::WARN);
    let span = undelivered.span("connection");
    assert_eq!(span.value("routing_id"), Some(&*id.to_string()));
    remote.read_to_end().await;
}

/// The message is dropped by the task that sends, which is in no span of the connection.
#[tokio::test]
async fn a_warning_about_a_full_queue_identifies_the_remote() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let publisher = Pub::builder().send_hwm(1).build();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").await.unwrap();
    let subscriber = Sub::new();
    subscriber.subscribe("").unwrap();
    subscriber.connect(&endpoint).await.unwrap();
    publisher.subscribed("").await.unwrap();
    // The connection cannot take the first message before the second is sent.
    publisher.try_send("one").unwrap();
    publisher.try_send("two").unwrap();
    let dropped = journal.one("dropped a message: the queue of the remote is full");
    let remote = publisher.remotes().iter().next().unwrap().address().unwrap();
    assert_eq!(dropped.fields.value("endpoint"), Some(&*endpoint.to_string()));
    assert_eq!(dropped.fields.value("remote"), Some(&*remote.to_string()));
    assert_eq!(subscriber.recv().await.unwrap(), ["one"]);
}

#[tokio::test]
async fn misuse_of_an_established_connection_is_logged_as_a_warning() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let mut monitor = client.monitor();
    let mut remote = listener.accept_as("SERVER").await;
    // Reserved bits (RFC 37, Framing).
    remote.write(&[0xF0, 0]).await;
    events::until_disconnected(&mut monitor).await;
    let disconnected = journal.one("disconnected");
    assert_eq!(disconnected.level, Level::WARN);
    assert_eq!(disconnected.fields.value("reason"), Some("the remote violated the protocol"));
    assert_eq!(disconnected.span("connection").value("connection_id"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_traced() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_secs(60));
    let _client = client.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    let (_, ping) = remote.read_frame().await;
    remote.write(&remote::command("PONG", &ping[7..])).await;
    remote.sync().await;
    let alive = journal.one("the remote is alive");
    assert_eq!(alive.level, Level::TRACE);
    assert!(alive.fields.value("round_trip").is_some());
    assert_eq!(alive.span("connection").value("socket_type"), Some("CLIENT"));
}

#[tokio::test]
async fn a_permanent_refusal_ends_the_endpoint_and_is_logged() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let users = Users::new();
    let server = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::builder().mechanism(Mechanism::plain_client("bob", "guess").unwrap());
    let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
    client.remotes().connected().await.unwrap_err();
    client.close().await;
    server.close().await;

    let logged = |span, socket_type| journal.logged(span, socket_type);
    let (warn, info, debug) = (Level::WARN, Level::INFO, Level::DEBUG);
    let expected = [
        (info, "connecting"),
        (warn, "cannot connect"),
        (warn, "not reconnecting"),
        (info, "closed"),
    ];
    assert_eq!(logged("endpoint", "CLIENT"), expected.map(owned));
    let expected = [(debug, "dialed"), (debug, "the handshake failed")];
    assert_eq!(logged("connection", "CLIENT"), expected.map(owned));
    let expected = [(debug, "accepted"), (warn, "refused a connection"), (info, "not admitted")];
    assert_eq!(logged("connection", "SERVER"), expected.map(owned));
    assert!(!journal.mentions("guess"));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_resolved_is_logged_once() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let client = Client::builder().resolver(NoNames).build();
    let mut monitor = client.monitor();
    client.connect_all("tcp://nowhere.test:5555").await.unwrap();
    for _ in 0..3 {
        events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectRetried { .. })).await;
    }
    let levels: Vec<_> = journal.all("cannot resolve").iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [Level::WARN, Level::DEBUG, Level::DEBUG]);
}

/// A resolver that resolves no name.
struct NoNames;

impl Resolver for NoNames {
    fn resolve<'a>(
        &'a self,
        _name: &'a str,
        _port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(future::ready(Err(io::Error::other("the name is unknown"))))
    }
}

/// Sends an HTTP request, and waits until the connection is refused.
async fn probe(endpoint: &Endpoint, monitor: &mut Monitor) {
    let mut stranger = Remote::dial(endpoint).await;
    stranger.write(b"GET / HTTP/1.1\r\n").await;
    events::until(monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
}

fn owned((level, message): (Level, &str)) -> (Level, String) {
    (level, message.to_owned())
}

fn both_owned((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}
