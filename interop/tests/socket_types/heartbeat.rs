//! Heartbeats under every mechanism and role.
//!
//! RADIO and DISH are tested in `radio_dish`: a PING ends the connection of a libzmq DISH.

use std::iter;
use std::time::Duration;

use interop::{Socket, SocketOption};
use tokio::time;
use tokio_zmtp::monitor::{DisconnectReason, EventKind};
use tokio_zmtp::{
    Builder, Channel, Client, ConnectionId, Dealer, Gather, Pair, Peer, Pub, Pull, Push, Rep, Req,
    Scatter, Server, Sub, XPub, XSub,
};

use crate::credentials::Credentials;
use crate::pairing::{ANY_PORT, guarded};
use crate::side::{DEFAULT_HWM, Ours, Side, SocketType, Theirs};

/// Runs `async fn $test::<O, T>()` concurrently for each type `O` of our socket and a compatible
/// type `T` of theirs.
macro_rules! with_every_type {
    ($test:ident) => {
        guarded(async {
            tokio::join!(
                $test::<Channel, Channel>(),
                $test::<Client, Server>(),
                $test::<Dealer, Dealer>(),
                $test::<Gather, Scatter>(),
                $test::<Pair, Pair>(),
                $test::<Peer, Peer>(),
                $test::<Pub, Sub>(),
                $test::<Pull, Push>(),
                $test::<Push, Pull>(),
                $test::<Rep, Dealer>(),
                $test::<Req, Rep>(),
                $test::<Scatter, Gather>(),
                $test::<Server, Client>(),
                $test::<Sub, Pub>(),
                $test::<XPub, Sub>(),
                $test::<XSub, Pub>(),
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

async fn answers_our_pings<O: SocketType, T: SocketType>() {
    let pairs = every_pair::<O, T>(|builder| {
        builder.heartbeat_interval(INTERVAL).heartbeat_timeout(TIMEOUT)
    });
    for (ours, theirs) in &pairs {
        connect(ours, theirs).await;
    }
    let connections = || pairs.iter().map(|(ours, _)| connection(ours)).collect::<Vec<_>>();
    let before = connections();
    time::sleep(IDLE).await;
    assert_eq!(connections(), before);
    for ((ours, _), remote) in pairs.iter().zip(before) {
        assert!(ours.0.remotes().stats(remote).unwrap().heartbeat_round_trip.is_some());
    }
}

async fn answers_their_pings<O: SocketType, T: SocketType>() {
    let pairs = every_pair::<O, T>(|builder| builder);
    for (ours, theirs) in &pairs {
        set_heartbeat(&theirs.socket, INTERVAL, TIMEOUT, TIMEOUT);
        connect(ours, theirs).await;
    }
    let connections = || pairs.iter().map(|(ours, _)| connection(ours)).collect::<Vec<_>>();
    let before = connections();
    time::sleep(IDLE).await;
    assert_eq!(connections(), before);
}

/// The TTL is shorter than the interval between the PINGs.
async fn disconnects_after_the_ttl<O: SocketType, T: SocketType>() {
    for (ours, theirs) in every_pair::<O, T>(|builder| builder) {
        set_heartbeat(&theirs.socket, 3 * SHORT_TTL, TIMEOUT, SHORT_TTL);
        let mut monitor = ours.0.monitor();
        connect(&ours, &theirs).await;
        let reason = loop {
            let event = monitor.recv().await.unwrap().unwrap();
            if let EventKind::Disconnected { reason, .. } = event.kind {
                break reason;
            }
        };
        assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    }
}

/// Creates a socket of ours, with further options, and one of theirs for each mechanism and role.
fn every_pair<O: SocketType, T: SocketType>(
    options: impl Fn(Builder<O>) -> Builder<O>,
) -> Vec<(Ours<O>, Theirs<T>)> {
    let null = (Ours(options(O::builder_with_hwm(DEFAULT_HWM)).build()), Theirs::new());
    let secure = Credentials::all().map(|credentials| {
        let builder = credentials.secure_ours(O::builder_with_hwm(DEFAULT_HWM));
        (Ours(options(builder).build()), Theirs::secured_by(&credentials))
    });
    iter::once(null).chain(secure).collect()
}

async fn connect<O: SocketType>(ours: &Ours<O>, theirs: &impl Side) {
    theirs.connect(&ours.bind(ANY_PORT).await).await;
    ours.0.remotes().connected().await.unwrap();
}

fn connection<O: SocketType>(ours: &Ours<O>) -> ConnectionId {
    ours.0.remotes().list()[0].connection_id()
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
