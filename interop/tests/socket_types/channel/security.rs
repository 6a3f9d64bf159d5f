//! PLAIN and CURVE between channels of the two libraries, in all roles.

use interop::{Socket, SocketType};
use support::events;
use support::transports::Transport;
use tokio_zmtp::Channel;
use tokio_zmtp::monitor::{EventKind, HandshakeFailure};

use super::side::ChannelSide;
use crate::credentials::Credentials;
use crate::pairing::{guarded, own_endpoint};

#[tokio::test]
async fn plain_and_curve_work_in_both_directions_and_roles() {
    guarded(async {
        for credentials in Credentials::all() {
            for transport in [
                Transport::Tcp,
                #[cfg(unix)]
                Transport::Ipc,
            ] {
                let ours = credentials.ours(Channel::builder());
                let (theirs, _handler) = credentials.theirs(SocketType::Channel);
                exchange(&ours, &theirs, transport).await;

                let ours = credentials.ours(Channel::builder());
                let (first, _handler) = credentials.theirs(SocketType::Channel);
                let endpoint = exchange(&first, &ours, transport).await;
                let (second, _handler) = credentials.theirs(SocketType::Channel);
                refuse_another(&ours, &second, &endpoint).await;
            }
        }
    })
    .await;
}

/// Connects `connected` to `bound`, and exchanges messages. Returns the endpoint.
async fn exchange<C: ChannelSide, B: ChannelSide>(
    connected: &C,
    bound: &B,
    transport: Transport,
) -> String {
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    connected.connect(&endpoint).await;
    for size in [0, 1, 222, 223, 65_536] {
        let body: Vec<u8> = (0..size).map(|place: usize| (place % 251) as u8).collect();
        connected.send(&body).await;
        bound.expect(&body).await;
        bound.send(&body).await;
        connected.expect(&body).await;
    }
    endpoint
}

async fn refuse_another(ours: &Channel, another: &Socket, endpoint: &str) {
    let mut monitor = ours.monitor();
    another.connect(endpoint).unwrap();
    let failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    let event = events::until(&mut monitor, failed).await;
    let EventKind::HandshakeFailed { reason } = event.kind else { unreachable!() };
    assert!(matches!(reason, HandshakeFailure::Occupied), "{reason:?}");
}
