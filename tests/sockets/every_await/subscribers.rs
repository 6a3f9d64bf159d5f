//! A publisher and two subscribers in use, with a record of every message, and its async
//! operations.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use futures::SinkExt;
use tokio::task::JoinSet;
use tokio_zmtp::{Endpoint, Multipart, Pub};

use super::operation::{Operation, limit, operations, ready};
use super::scene::{EACH, Effect, LANE, Lane, Ledger, SENDERS};
use super::{Stage, turns};
use crate::remote::{MORE, Remote, command};
use crate::transports::Transport;

/// A publisher that waits for full queues, and two subscribers.
pub(super) struct SubscriberScene {
    publisher: Pub,
    sent: Ledger,
    received: [Received; 2],
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The handles that an operation uses.
pub(super) struct SubscriberCast {
    publisher: Pub,
    sent: Lane,
    rng: Rng,
}

/// The numbers of the messages that a subscriber has received.
type Received = Arc<Mutex<Vec<u32>>>;

impl Stage for SubscriberScene {
    type Cast = SubscriberCast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let publisher = Pub::builder().no_drop(true).send_hwm(rng.usize(1..4)).build();
        let endpoint = publisher.bind(transport.any()).await.unwrap();
        let (sent, received) = (Ledger::default(), [(); 2].map(|()| Received::default()));
        let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
        for received in &received {
            let mut remote = subscriber(&endpoint, &[NUMBERS, END]).await;
            let (received, mut random) = (Arc::clone(received), rng.fork());
            receivers.spawn(async move {
                while let Some(number) = receive(&mut remote).await {
                    received.lock().unwrap().push(number);
                    turns(random.u32(..6)).await;
                }
            });
        }
        while publisher.subscribers(END) < received.len() {
            turns(1).await;
        }
        for number in 1..=SENDERS {
            let (handle, mut lane, mut random) = (publisher.clone(), sent.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    handle.send("without subscribers").await.unwrap();
                    let message: Multipart = lane.offer_as();
                    lane.settle(handle.send(message).await);
                }
            });
        }
        let (mut remote, mut random) = (subscriber(&endpoint, &[]).await, rng.fork());
        senders.spawn(async move {
            for name in ["SUBSCRIBE", "CANCEL"].repeat(EACH as usize) {
                turns(random.u32(..20)).await;
                remote.write(&command(name, AWAITED)).await;
            }
            remote.write(&command("SUBSCRIBE", AWAITED)).await;
            remote.sync().await;
        });
        Self { publisher, sent, received, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> SubscriberCast {
        let (publisher, sent) = (self.publisher.clone(), self.sent.lane(SENDERS + 1));
        SubscriberCast { publisher, sent, rng: rng.fork() }
    }

    /// Both subscribers have received the same messages, in the order of each sender: all that were
    /// sent except those that the publisher has counted.
    async fn end(self, _effect: Effect, case: &str) {
        let Self { publisher, sent, received, mut senders, mut receivers } = self;
        while senders.join_next().await.is_some() {}
        publisher.send(END).await.unwrap();
        while receivers.join_next().await.is_some() {}
        let sent: BTreeSet<_> = sent.sent().into_iter().collect();
        let unsent = publisher.stats().dropped.undelivered as usize;
        let arrived = received.each_ref().map(|received| numbers(&received.lock().unwrap(), case));
        assert_eq!(arrived[0], arrived[1], "{case}: not sent to all subscribers");
        assert!(arrived[0].is_subset(&sent), "{case}: received {arrived:?}, sent {sent:?}");
        assert_eq!(arrived[0].len() + unsent, sent.len(), "{case}: lost");
        publisher.close().await;
    }
}

impl SubscriberCast {
    /// Sends messages until the next one would have to wait.
    fn fill(&mut self) {
        let mut message: Multipart = self.sent.offer_as();
        while self.sent.settle(self.publisher.try_send(message)) {
            message = self.sent.offer_as();
        }
    }
}

async fn subscriber(endpoint: &Endpoint, topics: &[&[u8]]) -> Remote {
    let mut remote = Remote::dial(endpoint).await;
    remote.shake_hands("SUB").await;
    for topic in topics {
        remote.write(&command("SUBSCRIBE", topic)).await;
    }
    remote.sync().await;
    remote
}

/// Receives the number of the next message. Returns `None` if it is the last one.
async fn receive(remote: &mut Remote) -> Option<u32> {
    let (mut flags, first) = remote.read_frame().await;
    while flags & MORE != 0 {
        (flags, _) = remote.read_frame().await;
    }
    (first != END).then(|| u32::from_be_bytes(first.try_into().unwrap()))
}

/// Returns the numbers, which are in the order of each sender.
fn numbers(received: &[u32], case: &str) -> BTreeSet<u32> {
    for lane in 0..=SENDERS + 1 {
        let lane = received.iter().filter(|number| **number / LANE == lane);
        assert!(lane.is_sorted(), "{case}: {received:?} is out of order");
    }
    let numbers: BTreeSet<_> = received.iter().copied().collect();
    assert_eq!(numbers.len(), received.len(), "{case}: duplicates in {received:?}");
    numbers
}

/// The topic of the numbered messages, whose number is below 2^24.
const NUMBERS: &[u8] = b"\0";

/// The last message.
const END: &[u8] = b"end";

/// A topic that is subscribed to from time to time.
const AWAITED: &[u8] = b"awaited";

pub(super) const SUBSCRIBER_OPERATIONS: &[Operation<SubscriberCast>] = operations! {
    // Sending to queues of which at least one is initially full.
    "Pub::send" Traffic |cast| {
        cast.fill();
        let message: Multipart = cast.sent.offer_as();
        cast.sent.settle(cast.publisher.send(message).await);
    }
    "Pub::send_timeout" Traffic |cast| {
        cast.fill();
        let message: Multipart = cast.sent.offer_as();
        let limit = limit(&mut cast.rng);
        cast.sent.settle(cast.publisher.send_timeout(message, limit).await);
    }
    "Sink for Pub::poll_ready" Traffic |cast| {
        cast.fill();
        ready::<Multipart, _>(&mut cast.publisher).await.unwrap();
        turns(cast.rng.u32(..3)).await;
        let message: Multipart = cast.sent.offer_as();
        cast.sent.settle(cast.publisher.start_send_unpin(message));
    }
    "Sink for Pub::poll_flush" Traffic |cast| {
        cast.fill();
        let message: Multipart = cast.sent.offer_as();
        cast.sent.settle(cast.publisher.start_send_unpin(message));
        SinkExt::<Multipart>::flush(&mut cast.publisher).await.unwrap();
    }
    "Sink for Pub::poll_close" Traffic |cast| {
        cast.fill();
        let message: Multipart = cast.sent.offer_as();
        cast.sent.settle(cast.publisher.start_send_unpin(message));
        SinkExt::<Multipart>::close(&mut cast.publisher).await.unwrap();
    }
    // Waiting for a topic that is subscribed to later.
    "Pub::subscribed" Traffic |cast| {
        cast.publisher.subscribed([AWAITED, b" topic"].concat()).await.unwrap();
    }
};
