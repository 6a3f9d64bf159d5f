//! The memory of the groups that remotes of a RADIO have joined.

use tokio::task;
use tokio_zmtp::{Group, Radio};

use crate::process_usage::{self, ProcessUsage};
use crate::remote::{Remote, command};
use crate::watchdog::Watchdog;

/// The hash table of the radio has just grown, so it has the most free slots.
#[test]
fn groups_occupy_no_more_memory_than_is_counted() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    for (len, remotes) in [(8, 1), (8, 4), (255, 1), (255, 4)] {
        let taken = bytes_of_groups(len, remotes);
        let counted = GROUPS * (GROUP_BYTES + len + MEMBER_BYTES * remotes);
        assert!(
            taken <= counted,
            "{taken} bytes instead of {counted}, with {remotes} remotes and names of {len} bytes"
        );
    }
}

/// Returns the number of bytes on the heap for the groups that all remotes join.
fn bytes_of_groups(len: usize, remotes: usize) -> usize {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let radio = Radio::new();
        let endpoint = radio.bind("tcp://127.0.0.1:*").await.unwrap();
        let mut dishes = Vec::new();
        for _ in 0..remotes {
            let mut dish = Remote::dial(&endpoint).await;
            dish.shake_hands("DISH").await;
            dish.write(&command("JOIN", b"first")).await;
            dishes.push(dish);
        }
        let first = "first".parse().unwrap();
        until_joined(&radio, &first, remotes).await;
        let before = ProcessUsage::take().heap;
        let mut last = first;
        for number in 0..GROUPS {
            last = format!("{number:0len$}").parse().unwrap();
            let join = command("JOIN", last.as_bytes());
            for dish in &mut dishes {
                dish.write(&join).await;
            }
        }
        until_joined(&radio, &last, remotes).await;
        ProcessUsage::take().heap - before
    })
}

pub(crate) async fn until_joined(radio: &Radio, group: &Group, members: usize) {
    while radio.members(group).len() != members {
        task::yield_now().await;
    }
}

/// The number of groups, slightly more than fit into a hash table with 8,192 slots.
const GROUPS: usize = 7_200;

/// The bytes that are counted for a group without its name, and for each of its members.
const GROUP_BYTES: usize = 128;
const MEMBER_BYTES: usize = 80;
