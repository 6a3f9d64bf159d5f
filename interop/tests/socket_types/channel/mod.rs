//! CHANNEL.

mod exchange;
mod second_remote;
mod security;

use crate::messages::{Receives, Sends};

/// A channel of either library.
trait ChannelSide: Sends + Receives {}

impl<C: Sends + Receives> ChannelSide for C {}

/// Runs `async fn $test::<C, B>(transport)`, in which `C` connects to `B`.
macro_rules! channels {
    ($test:ident) => {
        crate::pairing::for_each_pair!(
            $test,
            ours_connects: <Ours<Channel>, Theirs<Channel>>,
            theirs_connects: <Theirs<Channel>, Ours<Channel>>
        );
    };
}
use channels;
