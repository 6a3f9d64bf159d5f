//! A second remote of a channel.

use std::time::Duration;

use support::events;
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::monitor::{DisconnectReason, EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Channel, Pair};

use super::ChannelSide;
use crate::credentials::Credentials;
use crate::messages::{Receives, Sends};
use crate::pairing::{POLL_INTERVAL, connect, guarded, over_tcp_and_ipc};
use crate::refused::until_refused;
use crate::side::{Ours, Side, SocketType, Theirs, reconnecting};

/// Runs `async fn $test<S: SocketType>(transport)` for both types, over tcp and ipc.
macro_rules! for_either_type {
    ($test:ident) => {
        mod $test {
            use super::*;

            over_tcp_and_ipc!(channel = super::super::$test::<Channel>);
            over_tcp_and_ipc!(pair = super::super::$test::<Pair>);
        }
    };
}

for_either_type!(our_channel_refuses_a_second_remote);

/// Both ends report the refusal. After an ERROR, libzmq does not reconnect by itself.
async fn our_channel_refuses_a_second_remote<S: SocketType>(transport: Transport)
where
    Ours<S>: ChannelSide,
    Theirs<S>: ChannelSide,
{
    let (ours, first) = (Ours::<S>::new(), Theirs::<S>::new());
    let mut monitor = ours.0.monitor();
    let endpoint = connect(&first, &ours, transport).await;
    first.pass(&ours, "first").await;

    let second = Theirs::<S>::new();
    let of_second = second.socket.monitor().unwrap();
    second.connect(&endpoint).await;
    until_occupied(&mut monitor).await;
    until_refused(&of_second).await;

    drop(first);
    events::until_disconnected(&mut monitor).await;
    let third = Theirs::<S>::new();
    third.connect(&endpoint).await;
    third.pass(&ours, "third").await;
}

for_either_type!(a_second_remote_is_refused_under_every_mechanism_and_role);

async fn a_second_remote_is_refused_under_every_mechanism_and_role<S: SocketType>(
    transport: Transport,
) where
    Ours<S>: ChannelSide,
    Theirs<S>: ChannelSide,
{
    for credentials in Credentials::all() {
        let ours = Ours::<S>::secured_by(&credentials);
        let first = Theirs::<S>::secured_by(&credentials);
        let endpoint = connect(&first, &ours, transport).await;
        first.pass(&ours, "first").await;

        let mut monitor = ours.0.monitor();
        let second = Theirs::<S>::secured_by(&credentials);
        second.connect(&endpoint).await;
        until_occupied(&mut monitor).await;
    }
}

for_either_type!(our_second_channel_is_admitted_when_theirs_has_left);

async fn our_second_channel_is_admitted_when_theirs_has_left<S: SocketType>(transport: Transport)
where
    Ours<S>: ChannelSide,
    Theirs<S>: ChannelSide,
{
    let (ours, first) = (Ours::<S>::new(), Theirs::<S>::new());
    let mut monitor = ours.0.monitor();
    let endpoint = connect(&first, &ours, transport).await;
    first.pass(&ours, "first").await;

    let second = Ours::<S>::new();
    second.connect(&endpoint).await;
    until_occupied(&mut monitor).await;
    drop(first);
    second.pass(&ours, "second").await;
}

/// libzmq completes the handshake of a second remote, and then neither reads nor closes.
#[tokio::test]
async fn heartbeats_end_a_connection_to_their_channel_that_has_another_remote() {
    guarded(async {
        let (first, theirs) = (Ours::<Channel>::new(), Theirs::<Channel>::new());
        let endpoint = connect(&first, &theirs, Transport::Tcp).await;
        first.pass(&theirs, "first").await;

        let builder = Channel::builder().heartbeat_interval(Duration::from_millis(100));
        let second = Ours(reconnecting(builder).build());
        let mut monitor = second.0.monitor();
        second.connect(&endpoint).await;
        let message = Ours::<Channel>::message("second");
        let sending = async {
            loop {
                // The libzmq socket answers heartbeats until a message arrives that it cannot
                // queue.
                second.send(&message).await;
                time::sleep(POLL_INTERVAL).await;
            }
        };
        let ending = async {
            events::until_established(&mut monitor).await;
            let reason = events::until_disconnected(&mut monitor).await;
            assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
            first.0.close().await;
            std::future::pending().await
        };
        // libzmq detects the changes of its remotes only while the socket is used.
        tokio::select! {
            () = theirs.expect(&message) => {}
            () = sending => {}
            () = ending => {}
        }
    })
    .await;
}

async fn until_occupied(monitor: &mut Monitor) {
    let event = events::until(monitor, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
    let EventKind::HandshakeFailed { reason } = event.await.kind else { unreachable!() };
    assert!(matches!(reason, HandshakeFailure::Occupied), "{reason:?}");
}
