//! What scenes share in which each message is for two receivers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_zmtp::stats::Stats;

use super::scene::{LANE, Ledger, SENDERS};
use super::turns;
use crate::one_way::Numbered;

/// The record of the messages that a socket has received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    wanted: Vec<u32>,
    /// The number of messages that the socket wants only from time to time.
    others: usize,
}

impl Received {
    pub(super) fn receive_wanted(&self, message: &impl Numbered) {
        self.entries().wanted.push(message.number());
    }

    pub(super) fn receive_other(&self) {
        self.entries().others += 1;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }
}

impl Entries {
    /// Returns the numbers of the wanted messages, which are in the order of each sender.
    fn numbers(&self, case: &str) -> BTreeSet<u32> {
        let Self { wanted, .. } = self;
        for lane in 0..=SENDERS + 1 {
            let lane = wanted.iter().filter(|number| **number / LANE == lane);
            assert!(lane.is_sorted(), "{case}: {wanted:?} is out of order");
        }
        let numbers: BTreeSet<_> = wanted.iter().copied().collect();
        assert_eq!(numbers.len(), wanted.len(), "{case}: duplicates in {wanted:?}");
        numbers
    }
}

/// Waits until both receivers have all messages that were sent, except those that the sender has
/// counted.
pub(super) async fn settled(sent: &Ledger, received: &[Received; 2], sender: impl Fn() -> Stats) {
    for received in received {
        let unsent = || sender().dropped.undelivered as usize;
        while received.entries().wanted.len() + unsent() < sent.sent().len() {
            turns(1).await;
        }
    }
}

/// Both receivers have received the same messages, in the order of each sender: all that were sent
/// except those that the sender has counted.
pub(super) fn assert_equal(sent: &Ledger, received: &[Received; 2], unsent: usize, case: &str) {
    let sent: BTreeSet<_> = sent.sent().into_iter().collect();
    let arrived = received.each_ref().map(|received| received.entries().numbers(case));
    assert_eq!(arrived[0], arrived[1], "{case}: not sent to both receivers");
    assert!(arrived[0].is_subset(&sent), "{case}: received {arrived:?}, sent {sent:?}");
    assert_eq!(arrived[0].len() + unsent, sent.len(), "{case}: lost");
}
