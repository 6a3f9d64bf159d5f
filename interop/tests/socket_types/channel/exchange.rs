//! Messages between the two libraries.

use interop::{number, numbered};
use support::transports::Transport;

use super::side::{ChannelSide, channels};
use crate::pairing::{both_ways, own_endpoint};

channels!(messages_go_back_and_forth);

/// Corresponds to `test_channel` and `test_pair` of libzmq.
async fn messages_go_back_and_forth<C: ChannelSide, B: ChannelSide>(transport: Transport) {
    let (connected, bound) = (C::new(), B::new());
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    connected.connect(&endpoint).await;
    bound.send(b"HELLO").await;
    connected.expect(b"HELLO").await;
    connected.send(b"WORLD").await;
    bound.expect(b"WORLD").await;
    for size in [0, 1, 33, 255, 256, 8_192, 65_536, 1 << 20] {
        let body: Vec<u8> = (0..size).map(|place: usize| (place % 251) as u8).collect();
        connected.send(&body).await;
        bound.expect(&body).await;
        bound.send(&body).await;
        connected.expect(&body).await;
    }
}

channels!(a_mute_channel_loses_nothing);

async fn a_mute_channel_loses_nothing<C: ChannelSide, B: ChannelSide>(transport: Transport) {
    let (connected, bound) = (C::with_hwm(10), B::with_hwm(10));
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    connected.connect(&endpoint).await;
    let mut sent = 0;
    // The system's buffers take some messages as well before the mute state is reached.
    while connected.try_send(&numbered(sent, SIZE)) {
        sent += 1;
        tokio::task::yield_now().await;
    }
    for expected in 0..sent {
        assert_eq!(number(&bound.recv().await), Some(expected));
    }
    connected.send(b"no longer mute").await;
    bound.expect(b"no longer mute").await;
}

channels!(a_channel_outlives_its_remotes);

async fn a_channel_outlives_its_remotes<C: ChannelSide, B: ChannelSide>(transport: Transport) {
    let connected = C::new();
    let bound = B::new();
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    connected.connect(&endpoint).await;
    connected.send(b"first").await;
    bound.expect(b"first").await;
    drop(bound);
    for _ in 0..3 {
        let bound = B::new();
        bound.bind(&endpoint).await;
        // A message may be lost if it is written before the end of its connection is detected.
        bound.send(b"here").await;
        connected.expect(b"here").await;
        connected.send(b"there").await;
        bound.expect(b"there").await;
        drop(bound);
    }
}

// A bound CHANNEL of libzmq does not answer the next remote before it has detected the end of the
// last one.
both_ways!(
    a_bound_channel_accepts_the_next_remote,
    theirs_connects: <interop::Socket, tokio_zmtp::Channel>
);

async fn a_bound_channel_accepts_the_next_remote<C: ChannelSide, B: ChannelSide>(
    transport: Transport,
) {
    let bound = B::new();
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    for round in 0..3 {
        let connected = C::new();
        connected.connect(&endpoint).await;
        connected.send(&[round]).await;
        bound.expect(&[round]).await;
        drop(connected);
    }
}

/// The size of a body. Few bodies fit into the system's buffers.
const SIZE: usize = 256 << 10;
