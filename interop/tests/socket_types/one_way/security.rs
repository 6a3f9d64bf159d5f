//! PLAIN and CURVE between the two libraries, in all roles.

use support::transports::Transport;

use super::{one_way, pass_messages};
use crate::credentials::Credentials;
use crate::messages::{Receives, Sends};
use crate::pairing::Binds;

one_way!(plain_and_curve_work_in_both_directions_and_roles);

async fn plain_and_curve_work_in_both_directions_and_roles<S: Sends, R: Receives>(
    transport: Transport,
) {
    for credentials in Credentials::all() {
        for binds in Binds::EITHER {
            let (sender, receiver) = (S::secured_by(&credentials), R::secured_by(&credentials));
            pass_messages(&sender, &receiver, binds, transport).await;
        }
    }
}
