//! A client and a server in use, with a record of every message.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_zmtp::stats::Stats;
use tokio_zmtp::{
    Client, CloseReport, Endpoint, Message, Peer, RouteError, RoutingId, SendError, Server,
    TryRouteError, TrySendError,
};

use super::{Stage, turns};
use crate::one_way::{Numbered, Payload};
use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// Messages that are sent together. When it is dropped, the messages that it no longer contains are
/// recorded as sent, and the others as returned.
pub(super) struct Batch<M: Numbered> {
    pub(super) messages: VecDeque<M>,
    ledger: Ledger,
    numbers: RangeInclusive<u32>,
}

/// The effect of an operation on the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Sends or receives messages, or has no effect.
    Traffic,
    /// Establishes connections, or ends the client's.
    Connects,
    /// Ends the connections of the server.
    Unbinds,
    ClosesClient,
    ClosesServer,
}

/// Two sockets with senders and receivers, whose messages are recorded.
pub(super) struct Scene {
    client: Client,
    server: Server,
    transport: Transport,
    endpoint: Endpoint,
    /// The first message of the client.
    hello: Message,
    requests: Ledger,
    replies: Ledger,
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The handles that an operation uses.
pub(super) struct Cast {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) transport: Transport,
    pub(super) endpoint: Endpoint,
    pub(super) hello: Message,
    /// The routing id of the client.
    pub(super) id: RoutingId,
    pub(super) requests: Lane,
    pub(super) replies: Lane,
    pub(super) rng: Rng,
    /// The runtime of the sockets.
    runtime: Handle,
}

/// The record of the messages in one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// The messages that a socket has accepted, in the order of each sender.
    sent: Vec<u32>,
    /// The messages that a socket has returned, before or after it had accepted them.
    refused: BTreeSet<u32>,
    unsent: BTreeSet<u32>,
    received: Vec<u32>,
}

/// The numbered messages of one sender.
#[derive(Debug)]
pub(super) struct Lane {
    ledger: Ledger,
    last: u32,
}

impl Stage for Scene {
    type Cast = Cast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let builder = Server::builder().send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4));
        let server = builder.over(transport).bind(transport.any()).await.unwrap();
        let endpoint = server.last_endpoint().unwrap();
        let builder = Client::builder().send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4));
        let builder = builder.reconnect_interval(Duration::from_millis(1));
        let client = builder.over(transport).build();
        transport.connect(&client, &server, endpoint.clone()).await;
        let (requests, replies) = (Ledger::default(), Ledger::default());
        let mut lane = requests.lane(0);
        let number = lane.offer();
        lane.settle(client.send(number).await);
        let hello = server.recv().await.unwrap();
        requests.receive(&hello);
        let id = hello.routing_id().unwrap();

        let mut senders = JoinSet::new();
        let mut receivers = JoinSet::new();
        for number in 1..=SENDERS {
            let (handle, mut lane, mut random) =
                (client.clone(), requests.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    let message = lane.offer();
                    lane.settle(handle.send(message).await);
                }
            });
            let (handle, mut lane, mut random) = (server.clone(), replies.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    let message = lane.offer();
                    lane.settle(handle.route(id, message).await);
                }
            });
        }
        let (handle, ledger, mut random) = (server.clone(), requests.clone(), rng.fork());
        receivers.spawn(async move {
            while let Ok(message) = handle.recv().await {
                ledger.receive(&message);
                turns(random.u32(..6)).await;
            }
        });
        let (handle, ledger, mut random) = (client.clone(), replies.clone(), rng.fork());
        receivers.spawn(async move {
            while let Ok(message) = handle.recv().await {
                ledger.receive(&message);
                turns(random.u32(..6)).await;
            }
        });
        Self { client, server, transport, endpoint, hello, requests, replies, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> Cast {
        Cast {
            client: self.client.clone(),
            server: self.server.clone(),
            transport: self.transport,
            endpoint: self.endpoint.clone(),
            hello: self.hello.clone(),
            id: self.hello.routing_id().unwrap(),
            requests: self.requests.lane(SENDERS + 1),
            replies: self.replies.lane(SENDERS + 1),
            rng: rng.fork(),
            runtime: Handle::current(),
        }
    }

    async fn end(self, effect: Effect, case: &str) {
        let Self {
            client, server, endpoint, requests, replies, mut senders, mut receivers, ..
        } = self;
        match effect {
            Effect::Traffic => {
                while senders.join_next().await.is_some() {}
                while !requests.is_settled(&client.stats()) || !replies.is_settled(&server.stats())
                {
                    turns(1).await;
                }
            }
            Effect::Connects => client.connect(endpoint).await.unwrap(),
            Effect::Unbinds => {
                // The client needs a remote to write to, whether or not the operation has
                // completed.
                let _ = server.unbind(endpoint.clone()).await;
                server.bind(endpoint).await.unwrap();
            }
            Effect::ClosesClient => {}
            Effect::ClosesServer => {
                server.close().await;
                client.set_linger(Duration::ZERO);
            }
        }
        let client_end = client.close().await;
        let server_end = server.close().await;
        while senders.join_next().await.is_some() {}
        while receivers.join_next().await.is_some() {}

        let connections = match effect {
            Effect::Connects | Effect::Unbinds => Connections::Many,
            _ => Connections::One,
        };
        let (client, server) = (client.stats(), server.stats());
        requests.assert_balanced(client_end, &server, connections, &format!("requests of {case}"));
        replies.assert_balanced(server_end, &client, connections, &format!("replies of {case}"));
    }
}

impl Cast {
    /// Creates a client without an endpoint.
    pub(super) fn fresh_client(&self) -> Client {
        let _guard = self.runtime.enter();
        Client::builder().over(self.transport).build()
    }

    /// Creates a peer without an endpoint.
    pub(super) fn fresh_peer(&self) -> Peer {
        let _guard = self.runtime.enter();
        Peer::builder().over(self.transport).linger(Duration::ZERO).build()
    }

    /// Connects a client to the server, which causes events.
    pub(super) fn connect_soon(&self, client: &Client) {
        let (client, endpoint) = (client.clone(), self.endpoint.clone());
        self.runtime.spawn(async move { client.connect(endpoint).await });
    }

    /// Sends requests until the next one would have to wait.
    pub(super) fn fill_requests(&mut self) {
        let Self { client, requests, .. } = self;
        let mut message = requests.offer();
        while requests.settle(client.try_send(message)) {
            message = requests.offer();
        }
    }

    /// Sends replies until the next one would have to wait.
    pub(super) fn fill_replies(&mut self) {
        let Self { server, replies, id, .. } = self;
        let mut message = replies.offer();
        while replies.settle(server.try_route(*id, message)) {
            message = replies.offer();
        }
    }

    /// Receives all available requests.
    pub(super) fn drain_requests(&mut self) {
        while let Ok(message) = self.server.try_recv() {
            self.requests.ledger().receive(&message);
        }
    }

    /// Receives all available replies.
    pub(super) fn drain_replies(&mut self) {
        while let Ok(message) = self.client.try_recv() {
            self.replies.ledger().receive(&message);
        }
    }
}

/// The number of connections in use, which determines whether messages keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    Many,
    One,
}

impl Ledger {
    pub(super) fn lane(&self, number: u32) -> Lane {
        Lane { ledger: self.clone(), last: number * LANE }
    }

    pub(super) fn receive(&self, message: &impl Numbered) {
        self.entries().received.push(message.number());
    }

    /// Returns the accepted messages, in the order of each sender.
    pub(super) fn sent(&self) -> Vec<u32> {
        self.entries().sent.clone()
    }

    /// Records the accepted messages that a socket has returned.
    pub(super) fn unsent(&self, messages: &[impl Numbered]) {
        self.entries().unsent.extend(messages.iter().map(Numbered::number));
    }

    /// Returns whether all sent messages were received, except those that the socket has counted as
    /// dropped.
    pub(super) fn is_settled(&self, sender: &Stats) -> bool {
        let entries = self.entries();
        entries.sent.len() == entries.received.len() + sender.dropped.undelivered as usize
    }

    pub(super) fn assert_balanced(
        &self,
        sender: CloseReport,
        receiver: &Stats,
        connections: Connections,
        case: &str,
    ) {
        let Entries { sent, refused, unsent, received } = &*self.entries();
        let accepted: BTreeSet<_> = sent.iter().copied().collect();
        let arrived: BTreeSet<_> = received.iter().copied().collect();
        let unread = receiver.dropped.unread;

        assert_eq!(arrived.len(), received.len(), "{case}: duplicates in {received:?}");
        assert!(arrived.is_subset(&accepted), "{case}: received {received:?}, sent {sent:?}");
        assert!(refused.is_disjoint(&accepted), "{case}: returned, but also sent");
        assert!(unsent.is_subset(&accepted), "{case}: returned a message that was not accepted");
        assert!(unsent.is_disjoint(&arrived), "{case}: returned, but also received");
        assert!(unsent.len() as u64 <= sender.undelivered, "{case}: returned, but not counted");
        let counted = sender.written + sender.undelivered;
        assert_eq!(sent.len() as u64, counted, "{case}: the sender counts {sender:?}");
        let read = received.len() as u64 + unread;
        assert_eq!(read, receiver.received.messages, "{case}: the receiver counts {receiver:?}");
        assert_eq!(sender.written, read, "{case}: lost in transit, {sender:?}, {receiver:?}");
        if connections == Connections::One {
            for lane in 0..=SENDERS + 1 {
                let lane = received.iter().filter(|number| **number / LANE == lane);
                assert!(lane.is_sorted(), "{case}: {received:?} is out of order");
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }
}

impl Lane {
    /// Creates the next message.
    pub(super) fn offer(&mut self) -> Message {
        self.offer_as()
    }

    /// Creates the next message, of any type.
    pub(super) fn offer_as<M: Payload>(&mut self) -> M {
        self.last += 1;
        M::numbered(self.last)
    }

    /// Creates several messages, more than fit an empty queue.
    pub(super) fn offer_many<M: Payload>(&mut self) -> Batch<M> {
        self.offer_many_with(Self::offer_as)
    }

    /// Creates several messages with a function that creates the next one.
    pub(super) fn offer_many_with<M: Numbered>(
        &mut self,
        offer: impl Fn(&mut Self) -> M,
    ) -> Batch<M> {
        let first = self.last + 1;
        let messages = (0..5).map(|_| offer(self)).collect();
        Batch { messages, ledger: self.ledger.clone(), numbers: first..=self.last }
    }

    /// Records the result for the last message. Returns whether it was sent.
    pub(super) fn settle<E: Refused>(&self, outcome: Result<(), E>) -> bool {
        let sent = outcome.is_ok();
        let mut entries = self.ledger.entries();
        match outcome {
            Ok(()) => entries.sent.push(self.last),
            Err(error) => {
                assert_eq!(error.number(), self.last, "another message was returned");
                entries.refused.insert(self.last);
            }
        }
        sent
    }

    /// Returns the record of the messages in the direction of this sender.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl<M: Numbered> Drop for Batch<M> {
    fn drop(&mut self) {
        let left: Vec<_> = self.messages.iter().map(Numbered::number).collect();
        let mut entries = self.ledger.entries();
        for number in self.numbers.clone() {
            if left.contains(&number) {
                entries.refused.insert(number);
            } else {
                entries.sent.push(number);
            }
        }
        let first_left = self.numbers.end() + 1 - left.len() as u32;
        assert!(left.into_iter().eq(first_left..=*self.numbers.end()), "not sent in order");
    }
}

/// Errors that return a message.
pub(super) trait Refused: Debug {
    /// Returns the number of the message.
    fn number(self) -> u32;
}

macro_rules! refused {
    ($([$($generics:tt)*] $error:ty,)+) => {
        $(impl<$($generics)*> Refused for $error {
            fn number(self) -> u32 {
                self.into_inner().number()
            }
        })+
    };
}

refused! {
    [M: Numbered] SendError<M>,
    [M: Numbered] TrySendError<M>,
    [M: Numbered] RouteError<M>,
    [M: Numbered] TryRouteError<M>,
}

/// The number of senders on each socket, in addition to the operation.
pub(super) const SENDERS: u32 = 2;

/// The number of messages of each sender.
pub(super) const EACH: u32 = 6;

/// The range of message numbers of one sender.
pub(super) const LANE: u32 = 1_000;
