//! PLAIN and CURVE between peers of the two libraries, in all roles.

use support::transports::Transport;

use super::side::{PeerSide, between_peers, pass_bodies};
use crate::credentials::Credentials;

between_peers!(plain_and_curve_work_in_both_directions_and_roles);

async fn plain_and_curve_work_in_both_directions_and_roles<C: PeerSide, B: PeerSide>(
    transport: Transport,
) {
    for credentials in Credentials::all() {
        let (connected, bound) = (C::secured_by(&credentials), B::secured_by(&credentials));
        pass_bodies(&connected, &bound, transport).await;
    }
}
