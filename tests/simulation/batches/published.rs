//! Batches and sinks of a PUB, whose messages go to several subscribers.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use futures::SinkExt;
use futures::future;
use tokio::time;
use tokio_zmtp::{Batched, Multipart, Pub, SendError, SlowSubscriber, Sub, TrySendError};

use super::{patience, within};
use crate::network::Network;
use crate::scenario::{run, seeds};

#[test]
fn every_copy_of_a_published_message_is_delivered_handed_back_or_counted() {
    for seed in seeds() {
        run(seed, |network| exchange(network, seed));
    }
}

/// Programs with one publisher send to subscribers that are slow, until the publisher is closed.
async fn exchange(network: Network, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    network.set_latency(Duration::from_millis(1), Duration::from_millis(rng.u64(1..100)));
    let here = network.host();
    let policies = [
        SlowSubscriber::DropNewest,
        SlowSubscriber::DropOldest,
        SlowSubscriber::KeepLast,
        SlowSubscriber::Wait,
    ];
    let publisher = Pub::builder()
        .slow_subscriber(policies[rng.usize(..policies.len())])
        .send_hwm(rng.usize(1..20))
        .linger(if rng.bool() { None } else { Some(Duration::from_millis(rng.u64(..2_000))) })
        .build();
    here.listen(&publisher);
    let mut topics = Vec::new();
    let mut receiving = Vec::new();
    for _ in 0..rng.u32(1..5) {
        let sub = Sub::builder().recv_hwm(rng.usize(1..20)).build();
        let own: BTreeSet<_> = (0..TOPICS).filter(|_| rng.bool()).collect();
        for topic in &own {
            sub.subscribe([b'a' + topic]).unwrap();
        }
        network.host().connect(&sub, &here).await;
        topics.push(own);
        let mut rng = rng.fork();
        receiving.push(async move {
            let mut received = 0;
            while time::timeout(Duration::from_secs(60), sub.recv()).await.is_ok() {
                received += 1;
                time::sleep(Duration::from_millis(rng.u64(..100))).await;
            }
            assert_eq!(sub.stats().received.messages, received);
            received
        });
    }
    publisher.remotes().at_least(topics.len()).await.unwrap();
    time::sleep(Duration::from_secs(1)).await;
    let receiving = tokio::spawn(future::join_all(receiving));
    let programs: Vec<_> = (0..rng.u32(1..4))
        .map(|_| tokio::spawn(Program::new(&publisher, &mut rng).run()))
        .collect();
    time::sleep(Duration::from_millis(rng.u64(..10_000))).await;
    publisher.close().await;
    let mut copies = 0;
    for program in programs {
        for topic in program.await.unwrap() {
            copies += topics.iter().filter(|own| own.contains(&topic)).count() as u64;
        }
    }
    let received: u64 = receiving.await.unwrap().into_iter().sum();
    let stats = publisher.stats();
    network.note(|| format!("{copies} copies, {received} received, {stats:?}"));
    assert_eq!(stats.sent.messages, received);
    let dropped = stats.dropped;
    let lost = dropped.missed + dropped.replaced + dropped.undelivered;
    assert_eq!(received + lost, copies, "{stats:?}");
}

struct Program {
    publisher: Pub,
    rng: Rng,
    batch: VecDeque<Multipart>,
    batched: Batched<Pub>,
    /// The topics of the messages that were not handed back.
    accepted: Vec<u8>,
    is_closed: bool,
}

impl Program {
    fn new(publisher: &Pub, rng: &mut Rng) -> Self {
        let mut rng = rng.fork();
        Self {
            publisher: publisher.clone(),
            batch: VecDeque::new(),
            batched: publisher.clone().batched(rng.usize(..12)),
            accepted: Vec::new(),
            is_closed: false,
            rng,
        }
    }

    async fn run(mut self) -> Vec<u8> {
        while !self.is_closed {
            match self.rng.u8(..6) {
                0 => self.send().await,
                1 | 2 => self.send_many().await,
                3 => self.try_send_many(),
                _ => self.feed_batched().await,
            }
            if self.rng.u8(..3) == 0 {
                time::sleep(Duration::from_millis(self.rng.u64(..300))).await;
            }
        }
        for message in self.batch.drain(..) {
            remove(&mut self.accepted, &message);
        }
        let (_, unsent) = self.batched.into_inner();
        for message in unsent {
            remove(&mut self.accepted, &message);
        }
        self.accepted
    }

    async fn send(&mut self) {
        let message = self.create();
        let limit = self.patience();
        let publisher = self.publisher.clone();
        match within(limit, publisher.send(message.clone())).await {
            Some(Ok(())) => {}
            Some(Err(error)) => self.failed(error),
            None => remove(&mut self.accepted, &message),
        }
    }

    async fn send_many(&mut self) {
        self.extend_batch();
        let limit = self.patience();
        match within(limit, self.publisher.send_many(&mut self.batch)).await {
            Some(Ok(())) => assert!(self.batch.is_empty()),
            Some(Err(error)) => {
                assert_eq!(error, SendError::Closed(()));
                self.is_closed = true;
            }
            None => {}
        }
    }

    fn try_send_many(&mut self) {
        self.extend_batch();
        match self.publisher.try_send_many(&mut self.batch) {
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(error) => {
                assert_eq!(error, TrySendError::Closed(()));
                self.is_closed = true;
            }
        }
    }

    async fn feed_batched(&mut self) {
        for _ in 0..self.rng.u8(1..8) {
            let message = self.create();
            let limit = self.patience();
            match within(limit, self.batched.feed(message.clone())).await {
                Some(Ok(())) => {}
                Some(Err(error)) => self.failed(error),
                None => remove(&mut self.accepted, &message),
            }
        }
        let limit = self.patience();
        if self.rng.bool() {
            if let Some(Err(error)) =
                within(limit, SinkExt::<Multipart>::flush(&mut self.batched)).await
            {
                self.failed(error);
            }
        }
    }

    fn failed(&mut self, error: SendError<Multipart>) {
        let SendError::Closed(message) = error else { panic!("{error}") };
        remove(&mut self.accepted, &message);
        self.is_closed = true;
    }

    fn extend_batch(&mut self) {
        for _ in 0..self.rng.u8(..12) {
            let message = self.create();
            self.batch.push_back(message);
        }
    }

    fn create(&mut self) -> Multipart {
        let topic = self.rng.u8(..TOPICS);
        self.accepted.push(topic);
        let body = vec![7; self.rng.usize(..200)];
        Multipart::from(vec![vec![b'a' + topic], body])
    }

    fn patience(&mut self) -> Option<Duration> {
        patience(&mut self.rng)
    }
}

/// Removes one message with the topic of `message`, which was handed back.
fn remove(accepted: &mut Vec<u8>, message: &Multipart) {
    let topic = message[0][0] - b'a';
    let at = accepted.iter().position(|other| *other == topic).unwrap();
    accepted.swap_remove(at);
}

const TOPICS: u8 = 4;
