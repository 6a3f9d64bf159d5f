//! Messages between the two libraries.

use interop::numbered;
use support::transports::Transport;
use tokio::time;

use super::{one_way, pass_messages};
use crate::messages::{Receives, Sends};
use crate::pairing::{Binds, POLL_INTERVAL, join, own_endpoint};

one_way!(a_sender_serves_two_receivers_in_turn);

/// Corresponds to `test_spec_pushpull` and `test_scatter_gather` of libzmq. Another test of the
/// latter sends a multipart message, which the API of `tokio-zmtp` excludes.
async fn a_sender_serves_two_receivers_in_turn<S: Sends, R: Receives>(transport: Transport) {
    // The sender dials, so that both queues exist before it sends.
    let (sender, first, second) = (S::new(), R::new(), R::new());
    sender.connect(&first.bind(&own_endpoint(transport)).await).await;
    sender.connect(&second.bind(&own_endpoint(transport)).await).await;
    for number in [1, 2, 3, 4] {
        sender.send(&S::message([number])).await;
    }
    for (receiver, numbers) in [(first, [1, 3]), (second, [2, 4])] {
        for number in numbers {
            receiver.expect(&S::message([number])).await;
        }
    }
}

one_way!(a_receiver_serves_several_senders);

async fn a_receiver_serves_several_senders<S: Sends, R: Receives>(transport: Transport) {
    const EACH: u8 = 10;
    let receiver = R::new();
    let endpoint = receiver.bind(&own_endpoint(transport)).await;
    let senders = [S::new(), S::new()];
    for (name, sender) in (0..).zip(&senders) {
        sender.connect(&endpoint).await;
        sender.send(&S::message([name, EACH])).await;
    }
    // Both senders are connected, and send their other messages before any of them is received.
    receiver.recv().await;
    receiver.recv().await;
    for (name, sender) in (0..).zip(&senders) {
        for number in 0..EACH {
            sender.send(&S::message([name, number])).await;
        }
    }
    let mut next = [0; 2];
    for _ in 0..2 * EACH {
        let message = receiver.recv().await;
        let name = message[0][0];
        let expected = &mut next[usize::from(name)];
        assert_eq!(message, S::message([name, *expected]), "messages of a sender are not in order");
        *expected += 1;
    }
    assert_eq!(next, [EACH; 2]);
}

one_way!(messages_of_every_size_arrive_unchanged);

async fn messages_of_every_size_arrive_unchanged<S: Sends, R: Receives>(transport: Transport) {
    for binds in Binds::EITHER {
        pass_messages(&S::new(), &R::new(), binds, transport).await;
    }
}

one_way!(messages_keep_their_order);

async fn messages_keep_their_order<S: Sends, R: Receives>(transport: Transport) {
    const MESSAGES: u64 = 2_000;
    for binds in Binds::EITHER {
        let (sender, receiver) = (S::new(), R::new());
        join(&sender, &receiver, binds, transport).await;
        let sending = async {
            for number in 0..MESSAGES {
                sender.send(&S::message(numbered(number, 16))).await;
            }
        };
        let receiving = async {
            for number in 0..MESSAGES {
                receiver.expect(&S::message(numbered(number, 16))).await;
            }
        };
        tokio::join!(sending, receiving);
    }
}

one_way!(a_mute_sender_loses_nothing);

async fn a_mute_sender_loses_nothing<S: Sends, R: Receives>(transport: Transport) {
    for binds in Binds::EITHER {
        let (sender, receiver) = (S::with_hwm(10), R::with_hwm(10));
        assert!(!sender.try_send(&S::message("x")), "a sender without remotes is mute");
        join(&sender, &receiver, binds, transport).await;
        sender.pass(&receiver, "hello").await;
        let mut sent = 0;
        // The system's buffers take some messages as well before the mute state is reached.
        while sender.try_send(&S::message(numbered(sent, SIZE))) {
            sent += 1;
            time::sleep(POLL_INTERVAL).await;
            assert!(sent < FAR_TOO_MANY, "the sender does not become mute");
        }
        for number in 0..sent {
            receiver.expect(&S::message(numbered(number, SIZE))).await;
        }
        sender.pass(&receiver, "no longer mute").await;
    }
}

/// The size of a body. Few bodies fit into the system's buffers.
const SIZE: usize = 256 << 10;

/// More messages than fit into all queues and buffers.
const FAR_TOO_MANY: u64 = 1_000;
