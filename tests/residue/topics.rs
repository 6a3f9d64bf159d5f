//! The memory of the topics that remotes of a PUB have subscribed to.

use tokio_zmtp::Pub;

use crate::process_usage::{self, ProcessUsage};
use crate::remote::{Remote, command};
use crate::watchdog::Watchdog;

#[test]
fn topics_occupy_no_more_memory_than_is_counted() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let shapes: [fn(usize) -> Vec<u8>; 3] = [
        // Branches in every byte.
        |number| (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes().to_vec(),
        |number| format!("a common beginning of {number:06} and a common end").into_bytes(),
        // Each topic is a prefix of the next one.
        |number| vec![b'x'; number],
    ];
    for (shape, remotes) in shapes.into_iter().flat_map(|shape| [(shape, 1), (shape, 4)]) {
        let taken = bytes_of_topics(shape, remotes);
        let lens = (0..TOPICS).map(|number| shape(number).len());
        let counted = lens.map(|len| TOPIC_BYTES + len + SUBSCRIPTION_BYTES * remotes).sum();
        assert!(taken <= counted, "{taken} bytes instead of {counted}, with {remotes} remotes");
    }
}

/// Returns the number of bytes on the heap for the topics of all remotes.
fn bytes_of_topics(topic: fn(usize) -> Vec<u8>, remotes: usize) -> usize {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let publisher = Pub::new();
        let endpoint = publisher.bind("tcp://127.0.0.1:*").await.unwrap();
        let mut subscribers = Vec::new();
        for _ in 0..remotes {
            let mut remote = Remote::dial(&endpoint).await;
            remote.shake_hands("SUB").await;
            remote.write(&command("SUBSCRIBE", b"first")).await;
            remote.sync().await;
            subscribers.push(remote);
        }
        let before = ProcessUsage::take().heap;
        for number in 0..TOPICS {
            let subscribe = command("SUBSCRIBE", &topic(number));
            for remote in &mut subscribers {
                remote.write(&subscribe).await;
            }
        }
        for remote in &mut subscribers {
            remote.sync().await;
        }
        assert_eq!(publisher.subscribers(topic(TOPICS - 1)), remotes);
        ProcessUsage::take().heap - before
    })
}

/// The number of topics, slightly more than fill a list of them.
const TOPICS: usize = 4_200;

/// The bytes that are counted for a topic without its length, and for each of its subscribers.
const TOPIC_BYTES: usize = 256;
const SUBSCRIPTION_BYTES: usize = 32;
