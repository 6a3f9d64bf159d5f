//! The choice among many remotes, for sending and for receiving.

use std::collections::VecDeque;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;

use bytes::{BufMut, BytesMut};
use zmtp_proto::command::Command;
use zmtp_proto::frame::put_message_header;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::topic::Topic;
use zmtp_proto::traffic::{Traffic, TrafficDecoder};

use super::{MESSAGES, Round, SHORT};
use crate::connection_id::ConnectionId;
use crate::message::{AnyMessage, Message, Multipart};
use crate::options::TopicOptions;
use crate::pipe::{DeliveredMessages, Delivery, HighWaterMark, PipeKey, Want};
use crate::remote::{Description, Remote};
use crate::routing::{
    EndpointId, FairQueue, FirstPart, Outgoing, OutgoingPipes, RoundRobin, RoutingTable,
    SubscriptionTable,
};
use crate::routing_id::RoutingId;
use crate::sync::Wakes;

/// Sends [`MESSAGES`] messages to the remotes in turn.
#[derive(Debug)]
pub struct RoundRobinSend {
    routing: OutgoingPipes<RoundRobin>,
    keys: Vec<PipeKey>,
    taken: VecDeque<Message>,
}

/// Sends [`MESSAGES`] messages to the routing ids in turn.
#[derive(Debug)]
pub struct RoutingTableSend {
    routing: OutgoingPipes<RoutingTable>,
    keys: Vec<PipeKey>,
    ids: Vec<RoutingId>,
    taken: VecDeque<Message>,
}

/// Sends [`MESSAGES`] messages to all remotes, which have subscribed to them.
#[derive(Debug)]
pub struct PublishToMany {
    routing: OutgoingPipes<SubscriptionTable>,
    keys: Vec<PipeKey>,
    taken: VecDeque<Message>,
}

/// Receives [`MESSAGES`] messages, an equal number from each remote.
#[derive(Debug)]
pub struct FairQueuePop {
    queue: FairQueue,
    keys: Vec<PipeKey>,
    remote: Remote,
}

impl RoundRobinSend {
    /// Creates rounds with this number of remotes, all of which have queue capacity.
    pub fn new(remotes: usize) -> Self {
        let mut routing = OutgoingPipes::new(RoundRobin::default(), UNLIMITED);
        let (keys, _) = attach(&mut routing, remotes);
        Self { routing, keys, taken: VecDeque::new() }
    }
}

impl Round for RoundRobinSend {
    fn prepare(&mut self) {
        take(&mut self.routing, &self.keys, &mut self.taken);
    }

    fn run(&mut self) {
        for _ in 0..MESSAGES {
            let mut message = Some(Message::from(black_box(&[0x55; SHORT][..])));
            let sent = self.routing.try_send(&(), &mut message, &mut Wakes::None);
            assert!(sent.is_ok());
        }
    }
}

impl RoutingTableSend {
    /// Creates rounds with this number of remotes, all of which have queue capacity.
    pub fn new(remotes: usize) -> Self {
        let mut routing = OutgoingPipes::new(RoutingTable::with_seed(0), UNLIMITED);
        let (keys, ids) = attach(&mut routing, remotes);
        Self { routing, keys, ids, taken: VecDeque::new() }
    }
}

impl Round for RoutingTableSend {
    fn prepare(&mut self) {
        take(&mut self.routing, &self.keys, &mut self.taken);
    }

    fn run(&mut self) {
        for id in self.ids.iter().cycle().take(MESSAGES) {
            let mut message = Some(Message::from(black_box(&[0x55; SHORT][..])));
            let sent = self.routing.try_send(id, &mut message, &mut Wakes::None);
            assert!(sent.is_ok());
        }
    }
}

impl PublishToMany {
    /// Creates rounds with this number of remotes, all of which have queue capacity.
    ///
    /// # Panics
    ///
    /// Panics if a remote cannot subscribe.
    pub fn new(remotes: usize) -> Self {
        let mut routing = OutgoingPipes::new(SubscriptionTable::default(), UNLIMITED);
        routing.set_topic_options(TopicOptions::default());
        let (keys, _) = attach(&mut routing, remotes);
        for key in &keys {
            routing.connect(*key, &arbitrary_remote(), &mut Wakes::None);
            let topic = Topic::try_from(&[][..]).expect("the empty topic is valid");
            let subscribe = Command::Subscribe(topic);
            let subscribed = routing.command(*key, &subscribe, None, &mut Wakes::None);
            assert!(subscribed.is_ok());
        }
        Self { routing, keys, taken: VecDeque::new() }
    }
}

impl Round for PublishToMany {
    fn prepare(&mut self) {
        take(&mut self.routing, &self.keys, &mut self.taken);
    }

    fn run(&mut self) {
        for _ in 0..MESSAGES {
            let message = Multipart::from(black_box(&[0x55; SHORT][..]));
            let mut message = Some(message.into_queue());
            let sent = self.routing.try_send(&FirstPart, &mut message, &mut Wakes::None);
            assert!(sent.is_ok());
        }
        black_box(self.routing.take_copies());
    }
}

impl FairQueuePop {
    /// Creates rounds with this number of remotes, which have sent equal numbers of messages.
    pub fn new(remotes: usize) -> Self {
        let mut queue = FairQueue::new(UNLIMITED, 0);
        let keys = (0..remotes).map(|_| queue.attach(None)).collect();
        Self { queue, keys, remote: arbitrary_remote() }
    }
}

impl Round for FairQueuePop {
    fn prepare(&mut self) {
        let each = MESSAGES / self.keys.len();
        for key in &self.keys {
            let mut arrival = arrival(&self.remote, each);
            let pushed = self.queue.poll_push(
                *key,
                &mut arrival,
                usize::MAX,
                Waker::noop(),
                &mut Wakes::None,
            );
            assert!(pushed.is_ready());
        }
    }

    fn run(&mut self) {
        for _ in 0..MESSAGES {
            let popped = self.queue.pop(&mut Wakes::None);
            assert!(matches!(popped, Ok(Some(_))));
            black_box(&popped);
        }
    }
}

fn attach(routing: &mut dyn Outgoing, remotes: usize) -> (Vec<PipeKey>, Vec<RoutingId>) {
    let attached: Vec<_> =
        (0..remotes).filter_map(|_| routing.attach(EndpointId(0), &mut Wakes::None).ok()).collect();
    let keys = attached.iter().map(|attached| attached.key).collect();
    (keys, attached.iter().filter_map(|attached| attached.routing_id).collect())
}

/// Empties all queues, as their connections do.
fn take(routing: &mut dyn Outgoing, keys: &[PipeKey], taken: &mut VecDeque<Message>) {
    for key in keys {
        let took = routing.poll_take(*key, Want::Write, taken, Waker::noop(), &mut Wakes::None);
        black_box(took.is_ready());
        taken.clear();
    }
}

/// Creates a delivery of this number of messages that were read together.
pub(super) fn arrival(remote: &Remote, messages: usize) -> Delivery {
    let mut input = BytesMut::new();
    for _ in 0..messages {
        put_message_header(&mut input, SHORT);
        input.put_bytes(0x55, SHORT);
    }
    match TrafficDecoder::new(None, None).decode(&mut input) {
        Ok(Some(Traffic::Messages(batch))) => {
            Delivery { cargo: DeliveredMessages::Framed(batch), remote: remote.clone() }
        }
        other => panic!("not a batch: {other:?}"),
    }
}

/// Creates a remote with arbitrary properties.
pub(super) fn arbitrary_remote() -> Remote {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let description = Description {
        connection_id: ConnectionId::FIRST,
        routing_id: None,
        identity: None,
        endpoint: address.into(),
        origin: address.into(),
        socket_type: None,
        metadata: Metadata::default(),
        user_id: None,
        granted: Metadata::default(),
    };
    Remote::new(description, 0, Arc::default())
}

pub(super) const UNLIMITED: HighWaterMark = HighWaterMark::new(0, 0);
