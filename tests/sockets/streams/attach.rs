//! Streams that the application has established are remotes like accepted ones.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{self, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_zmtp::auth::{Admission, Authenticator, Caller, CurveKeypair, Keys, Request, StatusCode};
use tokio_zmtp::monitor::{DisconnectReason, EventKind, HandshakeFailure};
use tokio_zmtp::{
    AttachError, Channel, Client, Dealer, Endpoint, EndpointErrorKind, Mechanism, Pub, Pull, Push,
    RemoteStream, Rep, Req, Router, Server, Socket, Sub, UnbindError,
};

use crate::bodies;
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn bodies_of_every_size_pass_both_ways() {
    let _watchdog = Watchdog::start();
    for capacity in [1, 100, 0x1_0000] {
        let (server, client) = (Server::new(), Client::new());
        join(&server, &client, capacity).await;
        bodies::pass_both_ways(&server, &client, [0, 1, 255, 256, 32_768, 100_000]).await;
    }
}

#[tokio::test]
async fn every_pattern_works() {
    let _watchdog = Watchdog::start();

    let (requester, replier) = (Req::new(), Rep::new());
    join(&requester, &replier, 4_096).await;
    let request = requester.request("question");
    let reply = async {
        let (_, mut replier) = replier.recv().await.unwrap();
        replier.reply("answer").await.unwrap();
    };
    let (answer, ()) = tokio::join!(request, reply);
    assert_eq!(answer.unwrap(), ["answer"]);

    let (dealer, router) = (Dealer::new(), Router::new());
    join(&dealer, &router, 4_096).await;
    dealer.send("to the router").await.unwrap();
    let message = router.recv().await.unwrap();
    router.route(message.identity(), "to the dealer").await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), ["to the dealer"]);

    let (push, pull) = (Push::new(), Pull::new());
    join(&push, &pull, 4_096).await;
    push.send("task").await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["task"]);

    let (publisher, subscriber) = (Pub::new(), Sub::new());
    subscriber.subscribe("topic").unwrap();
    join(&publisher, &subscriber, 4_096).await;
    publisher.subscribed("topic").await.unwrap();
    publisher.send("topic of the day").await.unwrap();
    assert_eq!(subscriber.recv().await.unwrap(), ["topic of the day"]);
}

#[tokio::test]
#[cfg(unix)]
async fn a_pair_of_unix_sockets_joins_two_sockets() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    let (near, far) = tokio::net::UnixStream::pair().unwrap();
    server.attach(near).await.unwrap();
    client.attach(far).await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "hello");
}

#[tokio::test]
async fn its_events_have_its_id_name_and_address() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    let mut monitor = server.monitor();
    let (near, far) = io::duplex(4_096);
    let address = SocketAddr::from(([192, 0, 2, 7], 5_555));
    let stream = RemoteStream::new(near).named("browser-7").unwrap().with_address(address);
    let id = server.attach(stream).await.unwrap();
    client.attach(far).await.unwrap();

    let endpoint = "stream://browser-7".parse::<Endpoint>().unwrap();
    let accepted = events::next(&mut monitor).await;
    assert!(matches!(accepted.kind, EventKind::Accepted));
    let connected = events::next(&mut monitor).await;
    assert!(matches!(connected.kind, EventKind::HandshakeSucceeded));
    for event in [accepted, connected] {
        assert_eq!((&event.endpoint, event.address), (&endpoint, Some(address)));
        assert_eq!(event.connection_id, Some(id));
    }
    let remote = server.remotes().get(id).unwrap();
    assert_eq!((remote.endpoint(), remote.address()), (&endpoint, Some(address)));

    client.close().await;
    let ended = events::next(&mut monitor).await;
    let EventKind::Disconnected { reason: DisconnectReason::ClosedByRemote, .. } = ended.kind
    else {
        panic!("{ended:?}")
    };
    assert_eq!(ended.connection_id, Some(id));
    assert!(server.remotes().is_empty());
    // No endpoint was bound, and none is closed.
    server.close().await;
    assert!(monitor.recv().await.is_none());
}

#[tokio::test]
async fn a_stream_without_a_name_has_a_common_one() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    join(&server, &client, 4_096).await;
    client.send("hello").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.endpoint().to_string(), "stream://attached");
    assert_eq!(remote.address(), None);
}

#[tokio::test]
async fn a_name_of_257_bytes_is_refused() {
    let (near, _far) = io::duplex(1);
    let error = RemoteStream::new(near).named(&"x".repeat(257)).unwrap_err();
    assert!(matches!(error.kind(), EndpointErrorKind::NameTooLong { bytes: 257, limit: 256 }));
}

#[tokio::test]
async fn a_remote_has_the_admission_of_its_stream() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    join_admitted(&server, &client).await;
    client.send("who am I").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.user_id(), Some("alice"));
    assert_eq!(remote.granted_property("role"), Some(&b"admin"[..]));
}

#[tokio::test]
async fn an_authenticator_sees_the_admission_of_a_stream_and_takes_precedence() {
    struct Demotes;

    impl Authenticator for Demotes {
        async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
            let admission = request.caller.admission;
            assert_eq!(admission.user_id(), Some("alice"));
            assert_eq!(admission.value("Session"), Some(&b"7"[..]));
            let demoted = Admission::anonymous().property("role", "guest");
            demoted.map_err(|_| StatusCode::InternalError)
        }

        fn allows_handshake(&self, caller: &Caller) -> bool {
            caller.admission.user_id() == Some("alice")
        }
    }

    let _watchdog = Watchdog::start();
    let (server, client) = (Server::builder().authenticator(Demotes).build(), Client::new());
    join_admitted(&server, &client).await;
    client.send("who am I").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.user_id(), Some("alice"));
    assert_eq!(remote.granted_property("role"), Some(&b"guest"[..]));
    assert_eq!(remote.granted_property("session"), Some(&b"7"[..]));

    let mut monitor = server.monitor();
    let stranger = Client::new();
    join(&server, &stranger, 4_096).await;
    let refused = events::until(&mut monitor, is_failed_handshake).await;
    let EventKind::HandshakeFailed { reason: HandshakeFailure::AddressDenied } = refused.kind
    else {
        panic!("{refused:?}")
    };
}

#[tokio::test]
async fn traffic_is_encrypted_under_curve() {
    let _watchdog = Watchdog::start();
    let (ours, alice) = (CurveKeypair::generate(), CurveKeypair::generate());
    let keys = Keys::new();
    keys.insert(alice.public_key(), "alice");
    let server_key = ours.public_key();
    let server =
        Server::builder().mechanism(Mechanism::curve_server(ours)).authenticator(keys).build();
    let client = Client::builder().mechanism(Mechanism::curve_client((server_key, alice))).build();
    join(&server, &client, 512).await;
    client.send("secret").await.unwrap();
    let (message, remote) = server.recv_from().await.unwrap();
    assert_eq!((message.to_str().unwrap(), remote.user_id()), ("secret", Some("alice")));
}

#[tokio::test]
async fn a_socket_with_a_remote_refuses_another_stream() {
    let _watchdog = Watchdog::start();
    let (channel, first, second) = (Channel::new(), Channel::new(), Channel::new());
    join(&channel, &first, 4_096).await;
    channel.remotes().connected().await.unwrap();
    let mut monitor = channel.monitor();
    join(&channel, &second, 4_096).await;
    let refused = events::until(&mut monitor, is_failed_handshake).await;
    assert!(matches!(
        refused.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::Occupied }
    ));
    first.send("still here").await.unwrap();
    assert_eq!(channel.recv().await.unwrap(), "still here");
}

#[tokio::test]
async fn two_sockets_that_choose_their_remotes_can_be_joined() {
    let _watchdog = Watchdog::start();
    let (one, other) = (identified("one"), identified("other"));
    join(&one, &other, 4_096).await;
    one.remotes().connected().await.unwrap();
    one.route(&"other".parse().unwrap(), "hello").await.unwrap();
    assert_eq!(other.recv().await.unwrap().identity(), "one");

    let mut monitor = one.monitor();
    join(&one, &identified("other"), 4_096).await;
    let refused = events::until(&mut monitor, is_failed_handshake).await;
    assert!(matches!(
        refused.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::DuplicateIdentity { .. } }
    ));
}

#[tokio::test]
async fn the_oldest_of_too_many_handshakes_is_evicted() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().max_half_open(2).build();
    let mut monitor = server.monitor();
    let mut silent = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (near, far) = io::duplex(4_096);
        ids.push(server.attach(near).await.unwrap());
        silent.push(far);
    }
    let evicted = events::until(&mut monitor, is_failed_handshake).await;
    assert!(matches!(
        evicted.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::TooManyHalfOpen }
    ));
    assert_eq!(evicted.connection_id, Some(ids[0]));
    // The greeting, and then the end.
    let mut read = Vec::new();
    silent[0].read_to_end(&mut read).await.unwrap();
    assert_eq!(read.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_ends_after_its_interval() {
    let _watchdog = Watchdog::start();
    let limit = Duration::from_secs(3);
    let server = Server::builder().handshake_interval(limit).build();
    let mut monitor = server.monitor();
    let (near, _far) = io::duplex(4_096);
    server.attach(near).await.unwrap();
    let failed = events::until(&mut monitor, is_failed_handshake).await;
    assert!(matches!(
        failed.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::TimedOut { limit: reported } }
            if reported == limit
    ));
}

#[tokio::test]
async fn another_protocol_ends_only_its_stream() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    let mut monitor = server.monitor();
    let (near, mut far) = io::duplex(4_096);
    server.attach(near).await.unwrap();
    far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let failed = events::until(&mut monitor, is_failed_handshake).await;
    assert!(matches!(
        failed.kind,
        EventKind::HandshakeFailed { reason: HandshakeFailure::ForeignProtocol { .. } }
    ));
    join(&server, &client, 4_096).await;
    client.send("hello").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "hello");
}

#[tokio::test]
async fn messages_are_written_before_a_socket_closes() {
    let _watchdog = Watchdog::start();
    let (push, pull) = (Push::new(), Pull::new());
    join(&push, &pull, 1_000).await;
    for number in 0..100_u32 {
        push.send(vec![7; number as usize * 10]).await.unwrap();
    }
    let reading = async {
        for number in 0..100_u32 {
            assert!(pull.recv().await.unwrap() == [vec![7; number as usize * 10]]);
        }
    };
    let (report, ()) = tokio::join!(push.close(), reading);
    assert_eq!((report.written, report.undelivered), (100, 0));
}

#[tokio::test]
async fn an_attached_remote_can_be_disconnected_but_not_unbound() {
    let _watchdog = Watchdog::start();
    let (server, client) = (Server::new(), Client::new());
    let mut monitor = client.monitor();
    let (near, far) = io::duplex(4_096);
    let id = server.attach(near).await.unwrap();
    client.attach(far).await.unwrap();
    server.remotes().connected().await.unwrap();
    let unbound = server.unbind("stream://attached").await;
    assert!(matches!(unbound, Err(UnbindError::NotBound { .. })));
    assert!(server.remotes().disconnect(id));
    events::until_disconnected(&mut monitor).await;
}

#[tokio::test]
async fn a_closed_socket_drops_the_stream() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.close().await;
    let (near, mut far) = io::duplex(4_096);
    assert_eq!(server.attach(near).await, Err(AttachError::Closed));
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn streams_attached_to_a_bound_socket_are_further_remotes() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let (by_tcp, by_stream) = (Client::new(), Client::new());
    by_tcp.connect(&endpoint).await.unwrap();
    join(&server, &by_stream, 4_096).await;
    server.remotes().at_least(2).await.unwrap();
    server.unbind(endpoint).await.unwrap();
    by_stream.send("still here").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "still here");
}

/// Joins two sockets by a stream that buffers `capacity` bytes each way.
async fn join(one: &impl Socket, other: &impl Socket, capacity: usize) {
    let (near, far): (DuplexStream, DuplexStream) = io::duplex(capacity);
    one.attach(near).await.unwrap();
    other.attach(far).await.unwrap();
}

fn identified(identity: &str) -> Router {
    Router::builder().identity(identity.parse().unwrap()).build()
}

async fn join_admitted(server: &Server, client: &Client) {
    let (near, far) = io::duplex(4_096);
    let admission = Admission::user("alice").property("role", "admin").unwrap();
    let admission = admission.property("session", "7").unwrap();
    server.attach(RemoteStream::new(near).admitted(admission)).await.unwrap();
    client.attach(far).await.unwrap();
}

fn is_failed_handshake(kind: &EventKind) -> bool {
    matches!(kind, EventKind::HandshakeFailed { .. })
}
