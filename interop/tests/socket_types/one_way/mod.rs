//! Types that send in turn: SCATTER to GATHER, whose messages have one part, and PUSH to PULL and
//! DEALER to DEALER, whose messages have any number of parts.

mod exchange;
mod restart;
mod security;

use support::transports::Transport;

use crate::messages::{Receives, Sends};
use crate::pairing::{Binds, join};

/// Runs `async fn $test::<S, R>(transport)`, in which `S` sends to `R`.
macro_rules! one_way {
    ($test:ident) => {
        crate::pairing::for_each_pair!(
            $test,
            our_dealer_sends: <Ours<Dealer>, Theirs<Dealer>>,
            their_dealer_sends: <Theirs<Dealer>, Ours<Dealer>>,
            our_push_sends: <Ours<Push>, Theirs<Pull>>,
            their_push_sends: <Theirs<Push>, Ours<Pull>>,
            our_scatter_sends: <Ours<Scatter>, Theirs<Gather>>,
            their_scatter_sends: <Theirs<Scatter>, Ours<Gather>>
        );
    };
}
use one_way;

/// Connects the two, and passes messages of different sizes and numbers of parts.
async fn pass_messages<S: Sends>(
    sender: &S,
    receiver: &impl Receives,
    binds: Binds,
    transport: Transport,
) {
    join(sender, receiver, binds, transport).await;
    for message in S::messages() {
        sender.pass_message(receiver, &message).await;
    }
}
