//! A second remote of a channel.

use std::time::Duration;

use interop::Socket;
use support::events;
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::Channel;
use tokio_zmtp::monitor::{DisconnectReason, EventKind as OurEventKind, HandshakeFailure};

use super::side::ChannelSide;
use crate::pairing::{POLL_INTERVAL, RECONNECT_INTERVAL, guarded, own_endpoint, until_refused};

/// Both ends report the refusal. After an ERROR, libzmq does not reconnect by itself.
#[tokio::test]
async fn our_channel_refuses_a_second_remote() {
    guarded(async {
        for transport in [
            Transport::Tcp,
            #[cfg(unix)]
            Transport::Ipc,
        ] {
            let ours: Channel = ChannelSide::new();
            let mut monitor = ours.monitor();
            let endpoint = ChannelSide::bind(&ours, &own_endpoint(transport)).await;
            let first: Socket = ChannelSide::new();
            first.connect(&endpoint).unwrap();
            ChannelSide::send(&first, b"first").await;
            ours.expect(b"first").await;

            let second: Socket = ChannelSide::new();
            let of_second = second.monitor().unwrap();
            second.connect(&endpoint).unwrap();
            until_occupied(&mut monitor).await;
            until_refused(&of_second).await;

            drop(first);
            events::until_disconnected(&mut monitor).await;
            let third: Socket = ChannelSide::new();
            third.connect(&endpoint).unwrap();
            ChannelSide::send(&third, b"third").await;
            ours.expect(b"third").await;
        }
    })
    .await;
}

#[tokio::test]
async fn our_second_channel_is_admitted_when_theirs_has_left() {
    guarded(async {
        let ours: Channel = ChannelSide::new();
        let mut monitor = ours.monitor();
        let endpoint = ChannelSide::bind(&ours, &own_endpoint(Transport::Tcp)).await;
        let first: Socket = ChannelSide::new();
        first.connect(&endpoint).unwrap();
        ChannelSide::send(&first, b"first").await;
        ours.expect(b"first").await;

        let second: Channel = ChannelSide::new();
        ChannelSide::connect(&second, &endpoint).await;
        until_occupied(&mut monitor).await;
        drop(first);
        ChannelSide::send(&second, b"second").await;
        ours.expect(b"second").await;
    })
    .await;
}

/// libzmq completes the handshake of a second remote, and then neither reads nor closes.
#[tokio::test]
async fn heartbeats_end_a_connection_to_their_channel_that_has_another_remote() {
    guarded(async {
        let theirs: Socket = ChannelSide::new();
        let endpoint = ChannelSide::bind(&theirs, &own_endpoint(Transport::Tcp)).await;
        let first: Channel = ChannelSide::new();
        ChannelSide::connect(&first, &endpoint).await;
        ChannelSide::send(&first, b"first").await;
        theirs.expect(b"first").await;

        let second = Channel::builder()
            .heartbeat_interval(Duration::from_millis(100))
            .reconnect_interval(RECONNECT_INTERVAL)
            .build();
        let mut monitor = second.monitor();
        ChannelSide::connect(&second, &endpoint).await;
        let sending = async {
            loop {
                // The libzmq socket answers heartbeats until a message arrives that it cannot
                // queue.
                ChannelSide::send(&second, b"second").await;
                time::sleep(POLL_INTERVAL).await;
            }
        };
        let ending = async {
            events::until_established(&mut monitor).await;
            let reason = events::until_disconnected(&mut monitor).await;
            assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
            first.close().await;
            std::future::pending().await
        };
        // libzmq detects the changes of its remotes only while the socket is used.
        tokio::select! {
            received = ChannelSide::recv(&theirs) => assert_eq!(received, b"second"),
            () = sending => {}
            () = ending => {}
        }
    })
    .await;
}

async fn until_occupied(monitor: &mut tokio_zmtp::monitor::Monitor) {
    let event = events::until(monitor, |kind| matches!(kind, OurEventKind::HandshakeFailed { .. }));
    let OurEventKind::HandshakeFailed { reason } = event.await.kind else { unreachable!() };
    assert!(matches!(reason, HandshakeFailure::Occupied), "{reason:?}");
}
