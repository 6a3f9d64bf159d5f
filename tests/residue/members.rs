//! The memory of a RADIO whose members do not read.

use tokio_zmtp::{ConnectionId, Group, Radio};

use crate::groups::until_joined;
use crate::process_usage::{self, ProcessUsage};
use crate::remote::{LONGER_THAN_BUFFERS, Remote, command};
use crate::watchdog::Watchdog;

/// Short messages are copied into the queue of each member.
#[test]
fn short_messages_for_members_that_do_not_read_take_little_more_than_their_bytes() {
    let (hwm, len) = (10_000, 100);
    let heap = bytes_of_queues(hwm, len);
    let bodies = MEMBERS * hwm * len;
    let allowed = bodies + MEMBERS * hwm * PACKED_OVERHEAD;
    assert!((bodies..allowed).contains(&heap), "{heap} bytes instead of {bodies} to {allowed}");
}

/// Long messages are shared by the queues of all members.
#[test]
fn long_messages_for_members_that_do_not_read_are_held_once() {
    let (hwm, len) = (1_000, 10_000);
    let heap = bytes_of_queues(hwm, len);
    let bodies = hwm * len;
    let allowed = bodies + MEMBERS * hwm * LISTED_OVERHEAD;
    assert!((bodies..allowed).contains(&heap), "{heap} bytes instead of {bodies} to {allowed}");
}

/// Sends three times as many messages as the queues hold to members that do not read. Returns the
/// growth of the heap in bytes.
fn bytes_of_queues(hwm: usize, len: usize) -> usize {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let group: Group = "a".parse().unwrap();
        let radio = Radio::builder().send_hwm(hwm).build();
        let endpoint = radio.bind("tcp://127.0.0.1:*").await.unwrap();
        let mut members = Vec::new();
        for _ in 0..MEMBERS {
            let mut dish = Remote::dial(&endpoint).await;
            dish.shake_hands("DISH").await;
            dish.write(&command("JOIN", group.as_bytes())).await;
            members.push(dish);
        }
        until_joined(&radio, &group, MEMBERS).await;
        let ids: Vec<_> = radio.remotes().iter().map(|remote| remote.connection_id()).collect();
        // Every connection then waits for its member, and takes no other message.
        radio.send(&group, vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
        for dish in &members {
            dish.peek().await;
        }
        assert!(ids.iter().all(|id| counts(&radio, *id) == (0, 0)));

        let before = ProcessUsage::take().heap;
        for _ in 0..3 * hwm {
            radio.send(&group, vec![b'x'; len]).await.unwrap();
        }
        let heap = ProcessUsage::take().heap - before;
        assert!(ids.iter().all(|id| counts(&radio, *id) == (hwm, 2 * hwm as u64)));
        heap
    })
}

/// Returns the number of messages that are queued for a member, and of those that it has missed.
fn counts(radio: &Radio, id: ConnectionId) -> (usize, u64) {
    let stats = radio.remotes().stats(id).unwrap();
    (stats.queued.outgoing, stats.missed)
}

const MEMBERS: usize = 10;

/// The memory of a packed message in addition to its body: five bytes of headers and group, and
/// its share of a buffer that is not full.
const PACKED_OVERHEAD: usize = 32;

/// The memory of a message that is an element of a queue, in addition to its body. A queue that has
/// just grown has as many free elements as used ones.
const LISTED_OVERHEAD: usize = 128;
