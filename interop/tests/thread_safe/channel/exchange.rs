//! Messages between the two libraries.

use interop::{number, numbered};
use support::transports::Transport;

use super::side::{ChannelSide, channels};
use crate::pairing::{both_ways, own_endpoint};

channels!(messages_go_back_and_forth);

/// libzmq's test_channel and test_pair.
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

channels!(a_channel_falls_mute_and_loses_nothing);

async fn a_channel_falls_mute_and_loses_nothing<C: ChannelSide, B: ChannelSide>(
    transport: Transport,
) {
    let (connected, bound) = (C::with_hwm(10), B::with_hwm(10));
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    connected.connect(&endpoint).await;
    let mut sent = 0;
    // The system has buffers as well, so that the mute state is reached only after some messages.
    while connected.try_send(&numbered(sent, SIZE)) {
        sent += 1;
        tokio::task::yield_now().await;
    }
    for expected in 0..sent {
        assert_eq!(number(&bound.recv().await), Some(expected));
    }
    connected.send(b"mute no more").await;
    bound.expect(b"mute no more").await;
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
        // A message that is written before the end of a connection is noticed may be lost.
        bound.send(b"here").await;
        connected.expect(b"here").await;
        connected.send(b"there").await;
        bound.expect(b"there").await;
        drop(bound);
    }
}

// A bound CHANNEL of libzmq leaves the next remote without an answer if it has not noticed the end of
// the last one.
both_ways!(
    a_bound_channel_takes_the_next_remote,
    theirs_connects: <interop::Socket, tokio_zmtp::Channel>
);

async fn a_bound_channel_takes_the_next_remote<C: ChannelSide, B: ChannelSide>(
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

/// A body of which few fit into the buffers of the system.
const SIZE: usize = 256 << 10;
