//! PLAIN and CURVE between the two libraries, in all roles.

use interop::SocketType;
use support::transports::Transport;
use tokio_zmtp::{Pull, Push};

use super::side::{Binds, PullSide, PushSide, TheirPull, TheirPush, join, messages};
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
                    let (theirs, _handler) = credentials.theirs(SocketType::Pull);
                    let ours = credentials.ours(Push::builder());
                    exchange(&ours, &TheirPull(theirs), binds, transport).await;

                    let (theirs, _handler) = credentials.theirs(SocketType::Push);
                    let ours = credentials.ours(Pull::builder());
                    exchange(&TheirPush(theirs), &ours, binds, transport).await;
                }
            }
        }
    })
    .await;
}

async fn exchange(push: &impl PushSide, pull: &impl PullSide, binds: Binds, transport: Transport) {
    join(push, pull, binds, transport).await;
    for message in messages() {
        push.send(&message).await;
        pull.expect(&message).await;
    }
}
