//! Messages between the two libraries.

use interop::numbered;
use support::transports::Transport;

use super::{ChannelSide, channels};
use crate::pairing::{connect, for_each_pair, own_endpoint};

channels!(messages_go_back_and_forth);

/// Corresponds to `test_channel`, `test_pair_tcp` and `test_pair_ipc` of libzmq.
async fn messages_go_back_and_forth<C: ChannelSide, B: ChannelSide>(transport: Transport) {
    let (connected, bound) = (C::new(), B::new());
    connect(&connected, &bound, transport).await;
    bound.pass(&connected, "HELLO").await;
    connected.pass(&bound, "WORLD").await;
    for message in C::messages() {
        connected.pass_message(&bound, &message).await;
        bound.pass_message(&connected, &message).await;
    }
}

channels!(a_mute_channel_loses_nothing);

async fn a_mute_channel_loses_nothing<C: ChannelSide, B: ChannelSide>(transport: Transport) {
    let (connected, bound) = (C::with_hwm(10), B::with_hwm(10));
    connect(&connected, &bound, transport).await;
    let mut sent = 0;
    // The system's buffers take some messages as well before the mute state is reached.
    while connected.try_send(&C::message(numbered(sent, SIZE))) {
        sent += 1;
        tokio::task::yield_now().await;
    }
    for number in 0..sent {
        bound.expect(&C::message(numbered(number, SIZE))).await;
    }
    connected.pass(&bound, "no longer mute").await;
}

channels!(a_channel_outlives_its_remotes);

async fn a_channel_outlives_its_remotes<C: ChannelSide, B: ChannelSide>(transport: Transport) {
    let (connected, bound) = (C::new(), B::new());
    let endpoint = connect(&connected, &bound, transport).await;
    connected.pass(&bound, "first").await;
    drop(bound);
    for _ in 0..3 {
        let bound = B::new();
        bound.bind(&endpoint).await;
        // A message may be lost if it is written before the end of its connection is detected.
        bound.pass(&connected, "here").await;
        connected.pass(&bound, "there").await;
        drop(bound);
    }
}

// A bound CHANNEL or PAIR of libzmq does not answer the next remote before it has detected the end
// of the last one.
for_each_pair!(
    a_bound_channel_accepts_the_next_remote,
    their_channel_connects: <Theirs<Channel>, Ours<Channel>>,
    their_pair_connects: <Theirs<Pair>, Ours<Pair>>
);

async fn a_bound_channel_accepts_the_next_remote<C: ChannelSide, B: ChannelSide>(
    transport: Transport,
) {
    let bound = B::new();
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    for round in 0..3 {
        let connected = C::new();
        connected.connect(&endpoint).await;
        connected.pass(&bound, [round]).await;
        drop(connected);
    }
}

/// The size of a body. Few bodies fit into the system's buffers.
const SIZE: usize = 256 << 10;
