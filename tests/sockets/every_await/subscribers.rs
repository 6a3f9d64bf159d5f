//! A publisher and two subs in use, with a record of every message, and their async operations.
//!
//! The subs also subscribe to other topics from time to time, so that their queues contain messages
//! that they no longer want.

use fastrand::Rng;
use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_zmtp::{Multipart, Sub};

use super::fan_out::Received;
use super::operation::{Operation, limit, operations, ready};
use super::scene::{EACH, Effect, Lane, Ledger, SENDERS};
use super::{Stage, fan_out, turns};
use crate::over_transport::OverTransport;
use crate::publishing::Publisher;
use crate::transports::Transport;

/// A publisher that waits for full queues, and two subs.
pub(super) struct SubscriberScene<P> {
    publisher: P,
    subs: [Sub; 2],
    sent: Ledger,
    received: [Received; 2],
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The handles that an operation uses.
pub(super) struct SubscriberCast<P> {
    publisher: P,
    sub: Sub,
    sent: Lane,
    received: Received,
    rng: Rng,
}

impl<P: Publisher> Stage for SubscriberScene<P> {
    type Cast = SubscriberCast<P>;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let publisher = P::patient().over(transport).send_hwm(rng.usize(1..4)).build();
        let endpoint = publisher.bind(transport.any()).await.unwrap();
        let hwm = [(); 2].map(|()| rng.usize(1..4));
        let subs = hwm.map(|hwm| Sub::builder().over(transport).recv_hwm(hwm).build());
        for sub in &subs {
            sub.subscribe(NUMBERS).unwrap();
            transport.connect(sub, &publisher, endpoint.clone()).await;
        }
        while publisher.subscribers(NUMBERS) < subs.len() {
            turns(1).await;
        }

        let (sent, received) = (Ledger::default(), [(); 2].map(|()| Received::default()));
        let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
        for number in 1..=SENDERS {
            let (handle, mut lane, mut random) = (publisher.clone(), sent.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    handle.send(OTHER).await.unwrap();
                    let message: Multipart = lane.offer_as();
                    lane.settle(handle.send(message).await);
                }
            });
        }
        for (sub, received) in subs.iter().zip(&received) {
            let (handle, mut random) = (sub.clone(), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..20)).await;
                    handle.subscribe(OTHER).unwrap();
                    turns(random.u32(..20)).await;
                    handle.unsubscribe(OTHER);
                }
                handle.subscribe(OTHER).unwrap();
            });
            let (handle, received, mut random) = (sub.clone(), received.clone(), rng.fork());
            receivers.spawn(async move {
                while let Ok(message) = handle.recv().await {
                    receive(&received, &message);
                    turns(random.u32(..6)).await;
                }
            });
        }
        Self { publisher, subs, sent, received, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> SubscriberCast<P> {
        SubscriberCast {
            publisher: self.publisher.clone(),
            sub: self.subs[0].clone(),
            sent: self.sent.lane(SENDERS + 1),
            received: self.received[0].clone(),
            rng: rng.fork(),
        }
    }

    async fn end(self, _effect: Effect, case: &str) {
        let Self { publisher, subs, sent, received, mut senders, mut receivers } = self;
        while senders.join_next().await.is_some() {}
        fan_out::settled(&sent, &received, || publisher.stats()).await;
        let unsent = publisher.stats().dropped.undelivered as usize;
        publisher.close().await;
        for sub in &subs {
            sub.close().await;
        }
        while receivers.join_next().await.is_some() {}
        fan_out::assert_equal(&sent, &received, unsent, case);
    }
}

/// Records a message that a sub has received.
fn receive(received: &Received, message: &Multipart) {
    if message[0].starts_with(NUMBERS) {
        received.receive_wanted(message);
    } else {
        received.receive_other();
    }
}

impl<P: Publisher> SubscriberCast<P> {
    /// Sends messages until the next one would have to wait.
    fn fill(&mut self) {
        let mut message: Multipart = self.sent.offer_as();
        while self.sent.settle(self.publisher.try_send(message)) {
            message = self.sent.offer_as();
        }
    }

    /// Receives all available messages, and unsubscribes from the other topic, so that those of it
    /// that still arrive are discarded.
    fn drain(&mut self) {
        while let Ok(message) = self.sub.try_recv() {
            receive(&self.received, &message);
        }
        self.sub.unsubscribe(OTHER);
    }
}

/// The topic of the numbered messages, whose number is below 2^24.
const NUMBERS: &[u8] = b"\0";

/// A topic that is subscribed to from time to time.
const OTHER: &str = "other";

/// A topic that is first subscribed to while a task waits for it.
const LATER: &str = "later";

impl<P: Publisher> SubscriberScene<P> {
    /// The operations of the publisher, for whose type `Publisher` stands.
    pub(super) const OPERATIONS: &[Operation<SubscriberCast<P>>] = operations! {
        // Sending to queues of which at least one is initially full.
        "Publisher::send" Traffic |cast| {
            cast.fill();
            let message: Multipart = cast.sent.offer_as();
            cast.sent.settle(cast.publisher.send(message).await);
        }
        "Publisher::send_many" Traffic |cast| {
            cast.fill();
            let mut batch = cast.sent.offer_many();
            cast.publisher.send_many(&mut batch.messages).await.unwrap();
        }
        "Publisher::send_timeout" Traffic |cast| {
            cast.fill();
            let message: Multipart = cast.sent.offer_as();
            let limit = limit(&mut cast.rng);
            cast.sent.settle(cast.publisher.send_timeout(message, limit).await);
        }
        "Sink for Publisher::poll_ready" Traffic |cast| {
            cast.fill();
            ready::<Multipart, _>(&mut cast.publisher).await.unwrap();
            turns(cast.rng.u32(..3)).await;
            let message: Multipart = cast.sent.offer_as();
            cast.sent.settle(cast.publisher.start_send_unpin(message));
        }
        "Sink for Publisher::poll_flush" Traffic |cast| {
            cast.fill();
            let message: Multipart = cast.sent.offer_as();
            cast.sent.settle(cast.publisher.start_send_unpin(message));
            SinkExt::<Multipart>::flush(&mut cast.publisher).await.unwrap();
        }
        "Sink for Publisher::poll_close" Traffic |cast| {
            cast.fill();
            let message: Multipart = cast.sent.offer_as();
            cast.sent.settle(cast.publisher.start_send_unpin(message));
            SinkExt::<Multipart>::close(&mut cast.publisher).await.unwrap();
        }
        // Waiting for a topic that is subscribed to later.
        "Publisher::subscribed" Traffic |cast| {
            let later = async {
                turns(cast.rng.u32(1..20)).await;
                cast.sub.subscribe(LATER).unwrap();
            };
            let topic = [LATER, " topic"].concat();
            let (subscribed, ()) = tokio::join!(cast.publisher.subscribed(topic.as_bytes()), later);
            subscribed.unwrap();
        }
    };

    /// The operations of a sub.
    pub(super) const SUB_OPERATIONS: &[Operation<SubscriberCast<P>>] = operations! {
        // Receiving from a queue that is initially empty, or contains messages of another topic.
        "Sub::recv" Traffic |cast| {
            cast.drain();
            let message = cast.sub.recv().await.unwrap();
            receive(&cast.received, &message);
        }
        "Sub::recv_from" Traffic |cast| {
            cast.drain();
            let (message, _) = cast.sub.recv_from().await.unwrap();
            receive(&cast.received, &message);
        }
        "Sub::recv_many" Traffic |cast| {
            cast.drain();
            let mut messages = Vec::new();
            let most = cast.rng.usize(1..4);
            cast.sub.recv_many(&mut messages, most).await.unwrap();
            messages.iter().for_each(|message| receive(&cast.received, message));
        }
        "Sub::recv_timeout" Traffic |cast| {
            cast.drain();
            let limit = limit(&mut cast.rng);
            if let Ok(message) = cast.sub.recv_timeout(limit).await {
                receive(&cast.received, &message);
            }
        }
        "Stream for Sub::poll_next" Traffic |cast| {
            cast.drain();
            let message = cast.sub.next().await.unwrap();
            receive(&cast.received, &message);
        }
    };
}
