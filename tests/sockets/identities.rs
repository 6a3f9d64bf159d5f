//! The identities that remotes announce (RFC 37, The Identity Property).

use std::time::Duration;

use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Dealer, Endpoint, Identity, Push, Router};

use crate::events;
use crate::remote::{
    GREETING, LONGER_THAN_BUFFERS, Remote, RemoteListener, command, message, property, ready,
};
use crate::served::Served;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_remote_has_the_identity_that_it_announces() {
    let _watchdog = Watchdog::start();
    let server = Served::new().await;
    let longest = [0xFF; 255];
    for (announced, identity) in [
        (&b"worker"[..], Some(&b"worker"[..])),
        (b"\0zero", Some(b"\0zero")),
        (&longest, Some(&longest)),
        (b"", None),
        (&[0xFF; 256], None),
    ] {
        let mut remote = Remote::dial(&server.endpoint).await;
        remote.write(&GREETING).await;
        remote.write(&command("READY", &property("Identity", announced))).await;
        remote.write(&message(b"x")).await;
        let (_, remote) = server.server.recv_from().await.unwrap();
        assert_eq!(remote.identity().map(Identity::as_bytes), identity);
    }
}

#[tokio::test]
async fn events_have_the_identity_of_their_remote() {
    let _watchdog = Watchdog::start();
    let router = Router::builder().linger(Duration::ZERO).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = router.monitor();
    let mut remote = Remote::dial(&router.last_endpoint().unwrap()).await;
    remote.write(&GREETING).await;
    let properties = [property("Socket-Type", b"DEALER"), property("Identity", b"worker")].concat();
    remote.write(&command("READY", &properties)).await;
    let worker = Identity::try_from("worker").unwrap();
    loop {
        let event = events::next(&mut monitor).await;
        match event.kind {
            EventKind::HandshakeSucceeded => {
                assert_eq!(event.identity.as_ref(), Some(&worker));
                router.route(&worker, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
                remote.peek().await;
                router.route(&worker, "queued").await.unwrap();
                router.remotes().disconnect(event.connection_id.unwrap());
            }
            EventKind::MessagesDropped { .. } => {
                assert_eq!(event.identity.as_ref(), Some(&worker));
                break;
            }
            EventKind::Disconnected { .. } => assert_eq!(event.identity.as_ref(), Some(&worker)),
            _ => assert_eq!(event.identity, None),
        }
    }
}

#[tokio::test]
async fn a_dealer_announces_its_identity_even_if_it_is_empty() {
    let _watchdog = Watchdog::start();
    for identity in [&b""[..], b"worker", b"\0\0", &[0xFF; 255]] {
        let builder = Dealer::builder().identity(Identity::try_from(identity).unwrap());
        // The identity is not limited by other properties.
        let builder = builder.metadata("X-Long", vec![7; 59_900]).unwrap();
        let dealer = builder.bind("tcp://127.0.0.1:*").await.unwrap();
        let ready = ready_of(&dealer.last_endpoint().unwrap(), "ROUTER").await;
        assert_eq!(occurrences(&ready, b"Identity"), 1);
        assert_eq!(occurrences(&ready, &property("Identity", identity)), 1);
    }
}

#[tokio::test]
async fn a_type_without_an_identity_announces_none() {
    let _watchdog = Watchdog::start();
    let push = Push::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let ready = ready_of(&push.last_endpoint().unwrap(), "PULL").await;
    assert_eq!(occurrences(&ready, b"Identity"), 0);
}

#[tokio::test]
async fn a_probe_comes_first_on_every_connection_to_a_router() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let dealer = Dealer::builder()
        .probe_router(true)
        .hello_message("hello")
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let endpoint = dealer.bind("tcp://127.0.0.1:*").await.unwrap();
    for _ in 0..3 {
        let mut accepted = listener.accept_as("ROUTER").await;
        assert_eq!(accepted.read(2).await, b"\x00\x00");
        assert_eq!(accepted.read_message().await, b"hello");
        let mut dialed = Remote::dial(&endpoint).await;
        dialed.shake_hands("ROUTER").await;
        assert_eq!(dialed.read(2).await, b"\x00\x00");
        assert_eq!(dialed.read_message().await, b"hello");
    }
    assert_eq!(dealer.stats().sent.messages, 0);
}

#[tokio::test]
async fn only_routers_receive_a_probe() {
    let _watchdog = Watchdog::start();
    let dealer = Dealer::builder().probe_router(true).bind("tcp://127.0.0.1:*").await.unwrap();
    for socket_type in ["DEALER", "REP"] {
        let mut remote = Remote::dial(&dealer.last_endpoint().unwrap()).await;
        remote.shake_hands(socket_type).await;
        remote.sync().await;
        dealer.send("first").await.unwrap();
        assert_eq!(remote.read_message().await, b"first");
        remote.shut_down().await;
        remote.read_to_end().await;
        while !dealer.remotes().list().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

/// Returns the READY that a socket sends to a remote of this type.
async fn ready_of(endpoint: &Endpoint, socket_type: &str) -> Vec<u8> {
    let mut remote = Remote::dial(endpoint).await;
    remote.write(&[&GREETING[..], &ready(socket_type)].concat()).await;
    remote.read(GREETING.len()).await;
    remote.read_frame().await.1
}

fn occurrences(text: &[u8], pattern: &[u8]) -> usize {
    text.windows(pattern.len()).filter(|window| *window == pattern).count()
}
