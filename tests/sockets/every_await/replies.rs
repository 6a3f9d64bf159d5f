//! A rep and a requester in use, with a record of every request and reply, and the async operations
//! of the rep.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use fastrand::Rng;
use futures::StreamExt;
use tokio::task::JoinSet;
use tokio_zmtp::{Dealer, Multipart, Rep, Replier};

use super::operation::{Operation, limit, operations};
use super::scene::Effect;
use super::{Stage, turns};
use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// A rep whose service replies to the requests that an operation leaves.
pub(super) struct ReplyScene {
    rep: Rep,
    dealer: Dealer,
    record: Record,
    requests: JoinSet<()>,
    services: JoinSet<()>,
}

/// The handles that an operation uses.
pub(super) struct ReplyCast {
    rep: Rep,
    record: Record,
    rng: Rng,
}

/// The record of requests and replies, by number.
#[derive(Clone, Debug, Default)]
struct Record(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    received: Vec<u32>,
    /// The requests whose replies the rep has accepted.
    replied: BTreeSet<u32>,
    /// The replies that have arrived at the requester.
    arrived: Vec<u32>,
}

impl Stage for ReplyScene {
    type Cast = ReplyCast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let builder = Rep::builder().send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(4..8));
        let rep = builder.over(transport).bind(transport.any()).await.unwrap();
        let builder = Dealer::builder().send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4));
        let dealer = builder.over(transport).build();
        transport.connect(&dealer, &rep, rep.last_endpoint().unwrap()).await;
        let record = Record::default();

        let (mut requests, mut services) = (JoinSet::new(), JoinSet::new());
        let (handle, mut random) = (dealer.clone(), rng.fork());
        requests.spawn(async move {
            for number in 0..REQUESTS {
                turns(random.u32(..3)).await;
                handle.send([&b"id"[..], b"", &number.to_be_bytes()]).await.unwrap();
            }
        });
        let (handle, replies, mut random) = (dealer.clone(), record.clone(), rng.fork());
        services.spawn(async move {
            while let Ok(reply) = handle.recv().await {
                assert_eq!((&reply[0], &reply[1]), (&b"id"[..], &b""[..]));
                replies.entries().arrived.push(number(&reply[2]));
                turns(random.u32(..6)).await;
            }
        });
        let (handle, record_of_service, mut random) = (rep.clone(), record.clone(), rng.fork());
        services.spawn(async move {
            while let Ok((request, replier)) = handle.recv().await {
                let mut open = record_of_service.open(&request, replier);
                open.reply().await;
                turns(random.u32(..12)).await;
            }
        });
        Self { rep, dealer, record, requests, services }
    }

    fn cast(&self, rng: &mut Rng) -> ReplyCast {
        ReplyCast { rep: self.rep.clone(), record: self.record.clone(), rng: rng.fork() }
    }

    /// Every request was received once. Either its reply was accepted and has arrived, or it is
    /// counted as unanswered.
    async fn end(self, _effect: Effect, case: &str) {
        let Self { rep, dealer, record, mut requests, mut services } = self;
        while requests.join_next().await.is_some() {}
        let is_settled = || {
            let entries = record.entries();
            let unanswered = rep.stats().dropped.unanswered_requests as usize;
            entries.arrived.len() + unanswered == REQUESTS as usize
        };
        while !is_settled() {
            turns(1).await;
        }
        rep.close().await;
        dealer.close().await;
        while services.join_next().await.is_some() {}

        let Entries { received, replied, arrived } = &*record.entries();
        let numbers: BTreeSet<_> = received.iter().copied().collect();
        assert_eq!(numbers.len(), received.len(), "{case}: duplicates in {received:?}");
        assert!(replied.is_subset(&numbers), "{case}: replies {replied:?} to {received:?}");
        assert_eq!(replied.len(), arrived.len(), "{case}: replies {replied:?}, but {arrived:?}");
        assert_eq!(*replied, arrived.iter().copied().collect(), "{case}");
    }
}

/// A request that was received and not replied to.
struct Open {
    record: Record,
    number: u32,
    replier: Replier,
}

impl Record {
    fn open(&self, request: &Multipart, replier: Replier) -> Open {
        let number = number(&request[0]);
        self.entries().received.push(number);
        Open { record: self.clone(), number, replier }
    }

    fn replied(&self, number: u32) {
        assert!(self.entries().replied.insert(number), "{number} has two replies");
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }
}

impl Open {
    async fn reply(&mut self) {
        self.replier.reply(self.number.to_be_bytes()).await.unwrap();
        self.record.replied(self.number);
    }
}

impl ReplyCast {
    /// Receives a request, and replies to all other available requests until the queue of the
    /// requester is full.
    async fn open_and_fill(&self) -> Open {
        let (request, replier) = self.rep.recv().await.unwrap();
        let open = self.record.open(&request, replier);
        while let Ok((request, replier)) = self.rep.try_recv() {
            let mut other = self.record.open(&request, replier);
            if other.replier.try_reply(other.number.to_be_bytes()).is_err() {
                break;
            }
            self.record.replied(other.number);
        }
        open
    }

    /// Replies to all available requests while there is room.
    async fn drain(&self) {
        while let Ok((request, replier)) = self.rep.try_recv() {
            self.record.open(&request, replier).reply().await;
        }
    }
}

fn number(part: &[u8]) -> u32 {
    u32::from_be_bytes(part.try_into().unwrap())
}

/// The number of requests in each case.
const REQUESTS: u32 = 40;

pub(super) const REPLY_OPERATIONS: &[Operation<ReplyCast>] = operations! {
    // Receiving from a queue that is initially empty.
    "Rep::recv" Traffic |cast| {
        cast.drain().await;
        let (request, replier) = cast.rep.recv().await.unwrap();
        cast.record.open(&request, replier).reply().await;
    }
    "Rep::recv_timeout" Traffic |cast| {
        cast.drain().await;
        let limit = limit(&mut cast.rng);
        if let Ok((request, replier)) = cast.rep.recv_timeout(limit).await {
            cast.record.open(&request, replier).reply().await;
        }
    }
    "Stream for Rep::poll_next" Traffic |cast| {
        cast.drain().await;
        let (request, replier) = cast.rep.next().await.unwrap();
        cast.record.open(&request, replier).reply().await;
    }
    "LockStep::recv" Traffic |cast| {
        cast.drain().await;
        let mut service = cast.rep.lock_step();
        let request = service.recv().await.unwrap();
        let number = number(&request[0]);
        cast.record.entries().received.push(number);
        service.send(request).await.unwrap();
        cast.record.replied(number);
    }
    // Replying to a requester whose queue is initially full.
    "Replier::reply" Traffic |cast| {
        cast.open_and_fill().await.reply().await;
    }
    "Replier::reply_timeout" Traffic |cast| {
        let mut open = cast.open_and_fill().await;
        let limit = limit(&mut cast.rng);
        if open.replier.reply_timeout(open.number.to_be_bytes(), limit).await.is_ok() {
            open.record.replied(open.number);
        } else {
            open.reply().await;
        }
    }
    "LockStep::send" Traffic |cast| {
        let mut service = cast.rep.lock_step();
        let request = service.recv().await.unwrap();
        let number = number(&request[0]);
        cast.record.entries().received.push(number);
        cast.open_and_fill().await.reply().await;
        service.send(request).await.unwrap();
        cast.record.replied(number);
    }
};
