//! PLAIN and CURVE between the two libraries, in all roles.

use interop::SocketType;
use support::transports::Transport;
use tokio_zmtp::{Gather, Scatter};

use super::side::{Binds, GatherSide, ScatterSide, TheirGather, TheirScatter, join};
use crate::credentials::Credentials;
use crate::pairing::guarded;

#[tokio::test]
async fn plain_and_curve_work_in_both_directions_and_roles() {
    guarded(async {
        for credentials in Credentials::all() {
            for binds in Binds::EITHER {
                for transport in [
                    Transport::Tcp,
                    #[cfg(unix)]
                    Transport::Ipc,
                ] {
                    let (theirs, _handler) = credentials.theirs(SocketType::Gather);
                    let ours = credentials.ours(Scatter::builder());
                    exchange(&ours, &TheirGather(theirs), binds, transport).await;

                    let (theirs, _handler) = credentials.theirs(SocketType::Scatter);
                    let ours = credentials.ours(Gather::builder());
                    exchange(&TheirScatter(theirs), &ours, binds, transport).await;
                }
            }
        }
    })
    .await;
}

async fn exchange<S: ScatterSide, G: GatherSide>(
    scatter: &S,
    gather: &G,
    binds: Binds,
    transport: Transport,
) {
    join(scatter, gather, binds, transport).await;
    for size in [0, 1, 222, 223, 65_536] {
        let body: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
        scatter.send(&body).await;
        gather.expect(&body).await;
    }
}
