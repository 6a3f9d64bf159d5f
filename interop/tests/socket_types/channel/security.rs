//! PLAIN and CURVE between channels of the two libraries, in all roles.

use support::transports::Transport;

use super::{ChannelSide, channels};
use crate::credentials::Credentials;
use crate::pairing::connect;

channels!(plain_and_curve_work_in_both_directions_and_roles);

async fn plain_and_curve_work_in_both_directions_and_roles<C: ChannelSide, B: ChannelSide>(
    transport: Transport,
) {
    for credentials in Credentials::all() {
        let (connected, bound) = (C::secured_by(&credentials), B::secured_by(&credentials));
        connect(&connected, &bound, transport).await;
        for message in C::messages() {
            connected.pass_message(&bound, &message).await;
            bound.pass_message(&connected, &message).await;
        }
    }
}
