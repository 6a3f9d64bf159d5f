//! PLAIN and CURVE between peers of the two libraries, in all roles.

use interop::SocketType;
use support::transports::Transport;
use tokio_zmtp::Peer;

use super::side::PeerSide;
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
                let ours = credentials.ours(Peer::builder());
                let (theirs, _handler) = credentials.theirs(SocketType::Peer);
                exchange(&ours, &theirs, transport).await;
                exchange(&theirs, &ours, transport).await;
            }
        }
    })
    .await;
}

async fn exchange<C: PeerSide, B: PeerSide>(connected: &C, bound: &B, transport: Transport) {
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    let to_bound = connected.connect_peer(&endpoint).await;
    for size in [0, 1, 222, 223, 65_536] {
        let body: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
        connected.route(to_bound, &body).await;
        let to_connected = bound.expect(&body).await;
        bound.route(to_connected, &body).await;
        assert_eq!(connected.expect(&body).await, to_bound);
    }
}
