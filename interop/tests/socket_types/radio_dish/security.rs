//! PLAIN and CURVE between the two libraries, in all roles.

use interop::SocketType;
use support::transports::Transport;
use tokio_zmtp::{Dish, Radio};

use super::side::{Binds, DishSide, RadioSide, TheirDish, TheirRadio, join};
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
                    let (theirs, _handler) = credentials.theirs(SocketType::Dish);
                    let ours = credentials.ours(Radio::builder());
                    exchange(&ours, &TheirDish(theirs), binds, transport).await;

                    let (theirs, _handler) = credentials.theirs(SocketType::Radio);
                    let ours = credentials.ours(Dish::builder());
                    exchange(&TheirRadio(theirs), &ours, binds, transport).await;
                }
            }
        }
    })
    .await;
}

async fn exchange<R: RadioSide, D: DishSide>(
    radio: &R,
    dish: &D,
    binds: Binds,
    transport: Transport,
) {
    join(radio, dish, "secret", binds, transport).await;
    for size in [0, 1, 222, 223, 65_536] {
        let body: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
        radio.send("secret", &body).await;
        dish.expect("secret", &body).await;
    }
}
