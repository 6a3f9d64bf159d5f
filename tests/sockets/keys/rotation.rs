//! Keys of servers that are rotated, and clients that learn them.

use std::io::ErrorKind;
use std::sync::Mutex;

use tokio::io::{self, AsyncBufReadExt, BufReader};
use tokio_zmtp::auth::{CurveKeypair, Keys};
use tokio_zmtp::{ReconnectStop, Remote};

use super::*;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn both_keys_of_a_server_are_accepted_until_the_window_ends() {
    let _watchdog = Watchdog::start();
    let [old, new] = pairs();
    let keys = ServerKeys::new(old.clone());
    let servers = [
        server_with(&keys).bind(ANY_PORT).await.unwrap(),
        server_with(&keys).bind(ANY_PORT).await.unwrap(),
    ];
    let before = connect(&servers[0], old.public_key()).await;
    keys.rotate(new.clone(), WINDOW).unwrap();
    for server in &servers {
        for server_key in [&new, &old, &new].map(CurveKeypair::public_key) {
            connect(server, server_key).await;
        }
    }
    advance(WINDOW).await;
    for server in &servers {
        connect(server, new.public_key()).await;
        let mut events = server.monitor();
        let late = client_with(old.public_key()).build();
        let mut of_client = late.monitor();
        late.connect(endpoint(server)).await.unwrap();
        assert!(matches!(failure(&mut events).await, HandshakeFailure::WrongKey(_)));
        assert!(matches!(failure(&mut of_client).await, HandshakeFailure::ClosedByCurveServer));
    }
    // The connection outlives the key with which it was established.
    exchange(&before, &servers[0]).await;
}

#[tokio::test]
async fn a_key_is_withdrawn_from_connections_on_which_the_client_has_sent_nothing() {
    let _watchdog = Watchdog::start();
    let [old, new] = pairs();
    let keys = ServerKeys::new(old.clone());
    let server = server_with(&keys).build();
    let (near, far) = io::duplex(4_096);
    server.attach(near).await.unwrap();
    // The server has begun the handshake: it has sent a greeting.
    let mut far = BufReader::new(far);
    far.fill_buf().await.unwrap();
    keys.replace(new);
    let far = Mutex::new(Some(far));
    let client = client_with(old.public_key()).build();
    let dialer = move |_| {
        let far = far.lock().unwrap().take();
        async { far.ok_or_else(|| ErrorKind::ConnectionRefused.into()) }
    };
    let mut events = server.monitor();
    client.connect_with("stream://far", dialer).await.unwrap();
    assert!(matches!(failure(&mut events).await, HandshakeFailure::WrongKey(_)));
}

#[tokio::test]
async fn a_client_finds_the_key_of_its_server_among_several() {
    let _watchdog = Watchdog::start();
    let [current, alice] = pairs();
    let server = server_with(&current.clone().into()).bind(ANY_PORT).await.unwrap();
    let keys = ClientKeys::new(CurveKeypair::generate().public_key(), alice);
    for key in [CurveKeypair::generate().public_key(), current.public_key()] {
        keys.add_server_key(key).unwrap();
    }
    let interval = Duration::from_millis(10);
    let client = client_with(keys.clone()).reconnect_interval(interval).build();
    let mut events = client.monitor();
    client.connect(endpoint(&server)).await.unwrap();
    exchange(&client, &server).await;
    let mut failures = 0;
    loop {
        match next(&mut events).await {
            EventKind::HandshakeFailed { reason: HandshakeFailure::ClosedByCurveServer } => {
                failures += 1;
            }
            EventKind::HandshakeFailed { reason } => panic!("{reason:?}"),
            EventKind::ConnectRetried { delay } => assert!(delay <= interval, "{delay:?}"),
            EventKind::HandshakeSucceeded => break,
            _ => {}
        }
    }
    assert_eq!(failures, 2);

    // The next connection begins with the key that succeeded.
    disconnect(&server);
    loop {
        match next(&mut events).await {
            EventKind::HandshakeFailed { reason } => panic!("{reason:?}"),
            EventKind::HandshakeSucceeded => break,
            _ => {}
        }
    }
    exchange(&client, &server).await;
}

#[tokio::test]
async fn a_client_without_the_key_of_its_server_backs_off_after_each_round() {
    let _watchdog = Watchdog::start();
    let server = server_with(&CurveKeypair::generate().into()).bind(ANY_PORT).await.unwrap();
    let [one, other] = pairs().map(|pair: CurveKeypair| pair.public_key());
    let keys = ClientKeys::new(one, CurveKeypair::generate());
    keys.add_server_key(other).unwrap();
    let client = client_with(keys).build();
    let mut events = client.monitor();
    client.connect(endpoint(&server)).await.unwrap();
    let mut delays = Vec::new();
    while delays.len() < 12 {
        if let EventKind::ConnectRetried { delay } = next(&mut events).await {
            delays.push(delay);
        }
    }
    let (within, between): (Vec<_>, Vec<_>) = delays.chunks(2).map(|two| (two[0], two[1])).unzip();
    assert!(within.iter().all(|delay| *delay <= Duration::from_millis(2)), "{delays:?}");
    // Each interval is between half and all of its nominal length, which doubles.
    assert!(between[5] > between[0] * 8, "{delays:?}");
}

#[tokio::test]
async fn attempts_that_end_with_a_failure_end_after_the_last_key() {
    let _watchdog = Watchdog::start();
    let [current, alice, wrong, other] = pairs();
    let server = server_with(&current.clone().into()).bind(ANY_PORT).await.unwrap();
    let keys = ClientKeys::new(wrong.public_key(), alice.clone());
    keys.add_server_key(current.public_key()).unwrap();
    let stopping = |keys| client_with(keys).reconnect_stop([ReconnectStop::HandshakeFailed]);
    let client = stopping(keys.clone()).connect(endpoint(&server)).await.unwrap();
    exchange(&client, &server).await;

    let without_retries = client_with(keys.clone()).reconnect_interval(None);
    let client = without_retries.connect(endpoint(&server)).await.unwrap();
    client.remotes().connected().await.unwrap_err();

    let mut events = server.monitor();
    let keys = ClientKeys::new(wrong.public_key(), alice);
    keys.add_server_key(other.public_key()).unwrap();
    let client = stopping(keys).connect(endpoint(&server)).await.unwrap();
    client.remotes().connected().await.unwrap_err();
    for _ in 0..2 {
        assert!(matches!(failure(&mut events).await, HandshakeFailure::WrongKey(_)));
    }
    connect(&server, current.public_key()).await;
    loop {
        match next(&mut events).await {
            EventKind::HandshakeSucceeded => break,
            EventKind::HandshakeFailed { reason } => panic!("a third attempt: {reason:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_client_that_accepts_connections_finds_the_keys_of_its_servers() {
    let _watchdog = Watchdog::start();
    let [current, alice] = pairs();
    let keys = ClientKeys::new(CurveKeypair::generate().public_key(), alice);
    keys.add_server_key(current.public_key()).unwrap();
    let client = client_with(keys).bind(ANY_PORT).await.unwrap();
    let server = server_with(&current.into()).reconnect_interval(Duration::from_millis(2));
    let server = server.reconnect_interval_max(Duration::from_millis(2));
    let server = server.connect(client.last_endpoint().unwrap()).await.unwrap();
    exchange(&client, &server).await;
}

#[tokio::test]
async fn a_socket_uses_new_keys_from_its_next_connection_on() {
    let _watchdog = Watchdog::start();
    let [old, new, before, after] = pairs();
    let admitted = [(before.public_key(), "before"), (after.public_key(), "after")];
    let keys = ServerKeys::new(old.clone());
    let server = server_with(&keys).authenticator(Keys::from_iter(admitted));
    let server = server.bind(ANY_PORT).await.unwrap();
    let of_client = ClientKeys::new(old.public_key(), before);
    let client = client_with(of_client.clone()).connect(endpoint(&server)).await.unwrap();
    exchange(&client, &server).await;

    of_client.add_server_key(new.public_key()).unwrap();
    assert!(of_client.remove_server_key(&old.public_key()));
    of_client.set_keypair(after);
    keys.replace(new);
    exchange(&client, &server).await;
    assert_eq!(disconnect(&server).user_id(), Some("before"));
    let mut events = client.monitor();
    while !matches!(next(&mut events).await, EventKind::HandshakeSucceeded) {}
    client.send("hello again").await.unwrap();
    assert_eq!(server.recv_from().await.unwrap().1.user_id(), Some("after"));
}

/// Ends the only connection of a server.
fn disconnect(server: &Server) -> Remote {
    let remote = server.remotes().list().remove(0);
    assert!(server.remotes().disconnect(remote.connection_id()));
    remote
}
