//! CHANNEL and PAIR. In the names of the tests, a channel is a socket of either type.

mod exchange;
mod second_remote;
mod security;

use crate::messages::{Receives, Sends};

/// A channel or pair of either library.
trait ChannelSide: Sends + Receives {}

impl<C: Sends + Receives> ChannelSide for C {}

/// Runs `async fn $test::<C, B>(transport)`, in which `C` connects to `B`.
macro_rules! channels {
    ($test:ident) => {
        crate::pairing::for_each_pair!(
            $test,
            our_channel_connects: <Ours<Channel>, Theirs<Channel>>,
            our_pair_connects: <Ours<Pair>, Theirs<Pair>>,
            their_channel_connects: <Theirs<Channel>, Ours<Channel>>,
            their_pair_connects: <Theirs<Pair>, Ours<Pair>>
        );
    };
}
use channels;
