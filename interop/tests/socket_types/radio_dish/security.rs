//! PLAIN and CURVE between the two libraries, in all roles.

use support::transports::Transport;

use super::side::{DishSide, RadioSide, from_radio_to_dish, pass_bodies};
use crate::credentials::Credentials;
use crate::pairing::Binds;

from_radio_to_dish!(plain_and_curve_work_in_both_directions_and_roles);

async fn plain_and_curve_work_in_both_directions_and_roles<R: RadioSide, D: DishSide>(
    transport: Transport,
) {
    for credentials in Credentials::all() {
        for binds in Binds::EITHER {
            let (radio, dish) = (R::secured_by(&credentials), D::secured_by(&credentials));
            pass_bodies(&radio, &dish, binds, transport).await;
        }
    }
}
