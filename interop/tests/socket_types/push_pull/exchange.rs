//! Messages between the two libraries.

use interop::{number, numbered};
use support::transports::Transport;
use tokio::time;

use super::side::{Binds, PullSide, PushSide, from_push_to_pull, join, messages};
use crate::pairing::{POLL_INTERVAL, own_endpoint};

from_push_to_pull!(a_push_sends_to_two_pulls_in_turn);

/// Corresponds to `test_spec_pushpull` of libzmq: round-robin, and fair queuing.
async fn a_push_sends_to_two_pulls_in_turn<S: PushSide, L: PullSide>(transport: Transport) {
    // The push dials, so that both queues exist before it sends.
    let (push, first, second) = (S::new(), L::new(), L::new());
    push.connect(&first.bind(&own_endpoint(transport)).await).await;
    push.connect(&second.bind(&own_endpoint(transport)).await).await;
    for part in ["1", "2", "3", "4"] {
        push.send(&[part.into(), "rest".into()]).await;
    }
    for (pull, parts) in [(first, ["1", "3"]), (second, ["2", "4"])] {
        for part in parts {
            pull.expect(&[part.into(), "rest".into()]).await;
        }
    }
}

from_push_to_pull!(parts_of_every_number_and_size_arrive_unchanged);

async fn parts_of_every_number_and_size_arrive_unchanged<S: PushSide, L: PullSide>(
    transport: Transport,
) {
    for binds in Binds::EITHER {
        let (push, pull) = (S::new(), L::new());
        join(&push, &pull, binds, transport).await;
        for message in messages() {
            push.send(&message).await;
            pull.expect(&message).await;
        }
    }
}

from_push_to_pull!(messages_keep_their_order);

async fn messages_keep_their_order<S: PushSide, L: PullSide>(transport: Transport) {
    const MESSAGES: u64 = 2_000;
    for binds in Binds::EITHER {
        let (push, pull) = (S::new(), L::new());
        join(&push, &pull, binds, transport).await;
        let sending = async {
            for number in 0..MESSAGES {
                push.send(&[numbered(number, 16), Vec::new(), numbered(number, 100)]).await;
            }
        };
        let receiving = async {
            for expected in 0..MESSAGES {
                let parts = pull.recv().await;
                assert_eq!(parts.len(), 3);
                assert_eq!(number(&parts[0]), Some(expected));
                assert_eq!(number(&parts[2]), Some(expected));
            }
        };
        tokio::join!(sending, receiving);
    }
}

from_push_to_pull!(a_mute_push_loses_nothing);

async fn a_mute_push_loses_nothing<S: PushSide, L: PullSide>(transport: Transport) {
    let message = |number| [numbered(number, 8), vec![7; SIZE]];
    for binds in Binds::EITHER {
        let (push, pull) = (S::with_hwm(10), L::with_hwm(10));
        assert!(!push.try_send(&message(0)), "a push without remotes is mute");
        join(&push, &pull, binds, transport).await;
        push.send(&["hello".into()]).await;
        pull.expect(&["hello".into()]).await;
        let mut sent = 0;
        // The system's buffers take some messages as well before the mute state is reached.
        while push.try_send(&message(sent)) {
            sent += 1;
            time::sleep(POLL_INTERVAL).await;
            assert!(sent < FAR_TOO_MANY, "the push does not become mute");
        }
        for expected in 0..sent {
            pull.expect(&message(expected)).await;
        }
        push.send(&["no longer mute".into()]).await;
        pull.expect(&["no longer mute".into()]).await;
    }
}

/// The size of a part. Few messages fit into the system's buffers.
const SIZE: usize = 256 << 10;

/// More messages than fit into all queues and buffers.
const FAR_TOO_MANY: u64 = 1_000;
