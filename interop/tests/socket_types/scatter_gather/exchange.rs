//! Messages between the two libraries.

use interop::{number, numbered};
use support::transports::Transport;
use tokio::time;

use super::side::{Binds, GatherSide, ScatterSide, from_scatter_to_gather, join};
use crate::pairing::{POLL_INTERVAL, own_endpoint};

from_scatter_to_gather!(a_scatter_sends_to_two_gathers_in_turn);

/// Corresponds to `test_scatter_gather` of libzmq. Its other test sends a multipart message, which
/// the API of `tokio-zmtp` excludes.
async fn a_scatter_sends_to_two_gathers_in_turn<S: ScatterSide, G: GatherSide>(
    transport: Transport,
) {
    // The scatter dials, so that both queues exist before it sends.
    let (scatter, first, second) = (S::new(), G::new(), G::new());
    scatter.connect(&first.bind(&own_endpoint(transport)).await).await;
    scatter.connect(&second.bind(&own_endpoint(transport)).await).await;
    scatter.send(b"1").await;
    scatter.send(b"2").await;
    first.expect(b"1").await;
    second.expect(b"2").await;
}

from_scatter_to_gather!(bodies_of_every_size_arrive_unchanged);

async fn bodies_of_every_size_arrive_unchanged<S: ScatterSide, G: GatherSide>(
    transport: Transport,
) {
    for binds in Binds::EITHER {
        let (scatter, gather) = (S::new(), G::new());
        join(&scatter, &gather, binds, transport).await;
        for size in [0, 1, 33, 255, 256, 8_192, 65_536, 1 << 20] {
            let body: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
            scatter.send(&body).await;
            gather.expect(&body).await;
        }
    }
}

from_scatter_to_gather!(messages_keep_their_order);

async fn messages_keep_their_order<S: ScatterSide, G: GatherSide>(transport: Transport) {
    const MESSAGES: u64 = 2_000;
    for binds in Binds::EITHER {
        let (scatter, gather) = (S::new(), G::new());
        join(&scatter, &gather, binds, transport).await;
        let sending = async {
            for number in 0..MESSAGES {
                scatter.send(&numbered(number, 16)).await;
            }
        };
        let receiving = async {
            for expected in 0..MESSAGES {
                assert_eq!(number(&gather.recv().await), Some(expected));
            }
        };
        tokio::join!(sending, receiving);
    }
}

from_scatter_to_gather!(a_gather_receives_from_several_scatters);

async fn a_gather_receives_from_several_scatters<S: ScatterSide, G: GatherSide>(
    transport: Transport,
) {
    const EACH: u8 = 10;
    let gather = G::new();
    let endpoint = gather.bind(&own_endpoint(transport)).await;
    let scatters = [S::new(), S::new()];
    for (name, scatter) in (0..).zip(&scatters) {
        scatter.connect(&endpoint).await;
        scatter.send(&[name, EACH]).await;
    }
    // Both scatters are connected, and send their other messages before any of them is received.
    gather.recv().await;
    gather.recv().await;
    for (name, scatter) in (0..).zip(&scatters) {
        for number in 0..EACH {
            scatter.send(&[name, number]).await;
        }
    }
    let mut next = [0; 2];
    for _ in 0..2 * EACH {
        let message = gather.recv().await;
        let expected = &mut next[usize::from(message[0])];
        assert_eq!(message[1], *expected, "messages of one scatter are not in order");
        *expected += 1;
    }
    assert_eq!(next, [EACH; 2]);
}

from_scatter_to_gather!(a_mute_scatter_loses_nothing);

async fn a_mute_scatter_loses_nothing<S: ScatterSide, G: GatherSide>(transport: Transport) {
    for binds in Binds::EITHER {
        let (scatter, gather) = (S::with_hwm(10), G::with_hwm(10));
        assert!(!scatter.try_send(b"x"), "a scatter without remotes is mute");
        join(&scatter, &gather, binds, transport).await;
        scatter.send(b"hello").await;
        gather.expect(b"hello").await;
        let mut sent = 0;
        // The system's buffers take some messages as well before the mute state is reached.
        while scatter.try_send(&numbered(sent, SIZE)) {
            sent += 1;
            time::sleep(POLL_INTERVAL).await;
            assert!(sent < FAR_TOO_MANY, "the scatter does not become mute");
        }
        for expected in 0..sent {
            assert_eq!(number(&gather.recv().await), Some(expected));
        }
        scatter.send(b"no longer mute").await;
        gather.expect(b"no longer mute").await;
    }
}

/// The size of a body. Few bodies fit into the system's buffers.
const SIZE: usize = 256 << 10;

/// More messages than fit into all queues and buffers.
const FAR_TOO_MANY: u64 = 1_000;
