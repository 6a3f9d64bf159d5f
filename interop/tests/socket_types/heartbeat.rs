//! Heartbeats under every mechanism and role.
//!
//! RADIO and DISH are tested in `radio_dish`: a PING ends the connection of a libzmq DISH.

use std::iter;
use std::time::Duration;

use interop::{Socket, SocketOption, SocketType, ZapHandler};
use tokio::time;
use tokio_zmtp::monitor::{DisconnectReason, EventKind};
use tokio_zmtp::{Builder, Channel, Client, ConnectionId, Gather, Peer, Scatter, Server};

use crate::credentials::Credentials;
use crate::pairing::{ANY_PORT, guarded, socket};

/// Runs `async fn $test(builder, their_type)` with each type, concurrently.
macro_rules! with_every_type {
    ($test:ident) => {
        guarded(async {
            tokio::join!(
                $test(Channel::builder, SocketType::Channel),
                $test(Client::builder, SocketType::Server),
                $test(Gather::builder, SocketType::Scatter),
                $test(Peer::builder, SocketType::Peer),
                $test(Scatter::builder, SocketType::Gather),
                $test(Server::builder, SocketType::Client),
            )
        })
        .await
    };
}

#[tokio::test]
async fn an_idle_socket_of_theirs_answers_our_pings() {
    with_every_type!(answers_our_pings);
}

#[tokio::test]
async fn an_idle_socket_of_ours_answers_their_pings() {
    with_every_type!(answers_their_pings);
}

#[tokio::test]
async fn our_socket_disconnects_a_remote_after_the_ttl_of_its_pings() {
    with_every_type!(disconnects_after_the_ttl);
}

async fn answers_our_pings<S: tokio_zmtp::Socket>(
    builder: impl Fn() -> Builder<S>,
    their_type: SocketType,
) {
    let builder = || builder().heartbeat_interval(INTERVAL).heartbeat_timeout(TIMEOUT);
    let pairs = every_pair(builder, their_type);
    for (ours, theirs, _handler) in &pairs {
        connect(ours, theirs).await;
    }
    let connections = || pairs.iter().map(|(ours, ..)| connection(ours)).collect::<Vec<_>>();
    let before = connections();
    time::sleep(IDLE).await;
    assert_eq!(connections(), before);
    for ((ours, ..), remote) in pairs.iter().zip(before) {
        assert!(ours.remotes().stats(remote).unwrap().heartbeat_round_trip.is_some());
    }
}

async fn answers_their_pings<S: tokio_zmtp::Socket>(
    builder: impl Fn() -> Builder<S>,
    their_type: SocketType,
) {
    let pairs = every_pair(builder, their_type);
    for (ours, theirs, _handler) in &pairs {
        set_heartbeat(theirs, INTERVAL, TIMEOUT, TIMEOUT);
        connect(ours, theirs).await;
    }
    let connections = || pairs.iter().map(|(ours, ..)| connection(ours)).collect::<Vec<_>>();
    let before = connections();
    time::sleep(IDLE).await;
    assert_eq!(connections(), before);
}

/// The TTL is shorter than the interval between the PINGs.
async fn disconnects_after_the_ttl<S: tokio_zmtp::Socket>(
    builder: impl Fn() -> Builder<S>,
    their_type: SocketType,
) {
    for (ours, theirs, _handler) in every_pair(builder, their_type) {
        set_heartbeat(&theirs, 3 * SHORT_TTL, TIMEOUT, SHORT_TTL);
        let mut monitor = ours.monitor();
        connect(&ours, &theirs).await;
        let reason = loop {
            let event = monitor.recv().await.unwrap().unwrap();
            if let EventKind::Disconnected { reason } = event.kind {
                break reason;
            }
        };
        assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    }
}

/// Creates a socket of ours and one of theirs for each mechanism and role.
fn every_pair<S: tokio_zmtp::Socket>(
    builder: impl Fn() -> Builder<S>,
    their_type: SocketType,
) -> Vec<(S, Socket, Option<ZapHandler>)> {
    let null = (builder().build(), socket(their_type), None);
    let secure = Credentials::all().map(|credentials| {
        let (theirs, handler) = credentials.theirs(their_type);
        (credentials.ours(builder()), theirs, handler)
    });
    iter::once(null).chain(secure).collect()
}

async fn connect(ours: &impl tokio_zmtp::Socket, theirs: &Socket) {
    let endpoint = ours.bind(ANY_PORT).await.unwrap();
    theirs.connect(&endpoint.to_string()).unwrap();
    ours.remotes().connected().await.unwrap();
}

fn connection(ours: &impl tokio_zmtp::Socket) -> ConnectionId {
    ours.remotes().list()[0].connection_id()
}

fn set_heartbeat(theirs: &Socket, interval: Duration, timeout: Duration, ttl: Duration) {
    for (option, time) in [
        (SocketOption::HeartbeatInterval, interval),
        (SocketOption::HeartbeatTimeout, timeout),
        (SocketOption::HeartbeatTtl, ttl),
    ] {
        theirs.set(option, time.as_millis().try_into().unwrap()).unwrap();
    }
}

const INTERVAL: Duration = Duration::from_millis(50);

/// A timeout that suffices for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A time after which a connection without an answer has ended.
const IDLE: Duration = Duration::from_millis(2_500);

/// The shortest TTL.
const SHORT_TTL: Duration = Duration::from_millis(100);
