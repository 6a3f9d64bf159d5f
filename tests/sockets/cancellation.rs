//! Futures that are dropped before they are ready.
//!
//! Every attempt to send has a unique number. Comparing sent and received messages therefore
//! reveals lost messages, and messages that were sent although their future had been dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::{SinkExt, StreamExt};
use tokio::task::{self, JoinSet};
use tokio_test::assert_pending;
use tokio_zmtp::{Client, Message, RoutingId, Server};

use crate::over_transport::OverTransport;
use crate::remote::{LONGER_THAN_BUFFERS, Remote};
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(requests_survive_cancellations_on_one_thread);

async fn requests_survive_cancellations_on_one_thread(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, _) = pair(transport).await;
    assert_cancel_safe(Sender::Client(client), Receiver::Server(server)).await;
}

over_every_transport_and_streams!(
    requests_survive_cancellations_on_many_threads,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn requests_survive_cancellations_on_many_threads(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, _) = pair(transport).await;
    assert_cancel_safe(Sender::Client(client), Receiver::Server(server)).await;
}

over_every_transport_and_streams!(replies_survive_cancellations_on_one_thread);

async fn replies_survive_cancellations_on_one_thread(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, id) = pair(transport).await;
    assert_cancel_safe(Sender::Server(server, id), Receiver::Client(client)).await;
}

over_every_transport_and_streams!(
    replies_survive_cancellations_on_many_threads,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn replies_survive_cancellations_on_many_threads(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, id) = pair(transport).await;
    assert_cancel_safe(Sender::Server(server, id), Receiver::Client(client)).await;
}

over_every_transport_and_streams!(
    requests_of_many_senders_to_many_receivers_survive_cancellations,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn requests_of_many_senders_to_many_receivers_survive_cancellations(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, _) = pair(transport).await;
    assert_none_lost(Sender::Client(client), Receiver::Server(server)).await;
}

over_every_transport_and_streams!(
    replies_of_many_senders_to_many_receivers_survive_cancellations,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn replies_of_many_senders_to_many_receivers_survive_cancellations(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, id) = pair(transport).await;
    assert_none_lost(Sender::Server(server, id), Receiver::Client(client)).await;
}

over_every_transport_and_streams!(a_send_that_is_dropped_while_it_waits_sends_nothing);

async fn a_send_that_is_dropped_while_it_waits_sends_nothing(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    let mut dropped = tokio_test::task::spawn(client.send("dropped"));
    assert_pending!(dropped.poll());
    drop(dropped);

    transport.connect(&client, &server, endpoint).await;
    client.send("sent").await.unwrap();

    assert_eq!(server.recv().await.unwrap(), "sent");
}

over_every_transport_and_streams!(a_woken_send_that_is_dropped_passes_its_slot_on);

async fn a_woken_send_that_is_dropped_passes_its_slot_on(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).send_hwm(1).build();
    let mut first = tokio_test::task::spawn(client.send("first"));
    let mut second = tokio_test::task::spawn(client.send("second"));
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    transport.connect(&client, &server, endpoint).await;
    assert!(first.is_woken());
    assert!(!second.is_woken());
    drop(first);
    second.await.unwrap();

    assert_eq!(server.recv().await.unwrap(), "second");
}

#[tokio::test]
async fn a_woken_route_that_is_dropped_passes_its_slot_on() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().send_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
    let (mut remote, id) = full_remote(&server).await;
    let mut first = tokio_test::task::spawn(server.route(id, "first"));
    let mut second = tokio_test::task::spawn(server.route(id, "second"));
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    remote.read_message().await;
    assert_eq!(remote.read_message().await, b"queued");
    assert!(first.is_woken());
    drop(first);
    second.await.unwrap();

    assert_eq!(remote.read_message().await, b"second");
}

#[tokio::test]
async fn a_sink_that_changes_its_remote_does_not_take_another_slot() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().send_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
    let (_first, first_id) = full_remote(&server).await;
    let (mut second, second_id) = full_remote(&server).await;
    let mut sink = server.clone();
    sink.start_send_unpin(Message::from("x").with_routing_id(first_id)).unwrap();
    assert_pending!(tokio_test::task::spawn(sink.flush()).poll());
    let mut route = tokio_test::task::spawn(server.route(second_id, "route"));
    assert_pending!(route.poll());

    sink.start_send_unpin(Message::from("sink").with_routing_id(second_id)).unwrap();
    assert_pending!(tokio_test::task::spawn(sink.flush()).poll());

    second.read_message().await;
    assert_eq!(second.read_message().await, b"queued");
    assert!(route.is_woken());
    route.await.unwrap();
    assert_eq!(second.read_message().await, b"route");
    sink.flush().await.unwrap();
    assert_eq!(second.read_message().await, b"sink");
}

over_every_transport_and_streams!(a_woken_receive_that_is_dropped_passes_its_message_on);

async fn a_woken_receive_that_is_dropped_passes_its_message_on(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, _) = pair(transport).await;
    let mut first = tokio_test::task::spawn(server.recv());
    let mut second = tokio_test::task::spawn(server.recv());
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    client.send("x").await.unwrap();
    while !first.is_woken() {
        task::yield_now().await;
    }
    assert!(!second.is_woken());
    drop(first);

    assert_eq!(second.await.unwrap(), "x");
}

over_every_transport_and_streams!(a_woken_stream_that_is_dropped_passes_its_message_on);

async fn a_woken_stream_that_is_dropped_passes_its_message_on(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, _) = pair(transport).await;
    let mut stream = tokio_test::task::spawn(server.clone());
    let mut receive = tokio_test::task::spawn(server.recv());
    assert_pending!(stream.poll_next());
    assert_pending!(receive.poll());

    client.send("x").await.unwrap();
    while !stream.is_woken() {
        task::yield_now().await;
    }
    drop(stream);

    assert_eq!(receive.await.unwrap(), "x");
}

over_every_transport_and_streams!(an_idle_stream_does_not_take_messages_from_others);

async fn an_idle_stream_does_not_take_messages_from_others(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (client, server, _) = pair(transport).await;
    let mut stream = server.clone();
    assert_pending!(tokio_test::task::spawn(stream.next()).poll());

    client.send("x").await.unwrap();

    while let Err(error) = server.try_recv() {
        assert_eq!(error, tokio_zmtp::TryRecvError::Empty);
        task::yield_now().await;
    }
    client.send("y").await.unwrap();
    assert_eq!(stream.next().await.unwrap(), "y");
}

/// Sends and receives until both ends have dropped ten thousand pending operations, and compares
/// sent and received messages.
async fn assert_cancel_safe(sender: Sender, receiver: Receiver) {
    let seed = seed();
    let mut random = Random(seed);
    let receives_abandoned = Arc::new(AtomicU32::new(0));
    let receiving = task::spawn({
        let (mut random, abandoned) = (Random(!seed), Arc::clone(&receives_abandoned));
        async move {
            let mut received = Vec::new();
            loop {
                match receiver.recv_within(random.patience()).await {
                    Some(LAST) => return received,
                    Some(number) => received.push(number),
                    None => _ = abandoned.fetch_add(1, Ordering::Relaxed),
                }
            }
        }
    });
    let mut sent = Vec::new();
    let mut sends_abandoned = 0;
    let mut numbers = 0..LAST;
    while sends_abandoned < CANCELLATIONS
        || receives_abandoned.load(Ordering::Relaxed) < CANCELLATIONS
    {
        let number = numbers.next().unwrap();
        if sender.send_within(random.patience(), number).await {
            sent.push(number);
        } else {
            sends_abandoned += 1;
        }
    }
    sender.send(LAST).await;

    let received = receiving.await.unwrap();
    assert!(
        received == sent,
        "a message was lost, duplicated, reordered or sent by a dropped future"
    );
}

/// Does the same with several senders and receivers, so that others wait behind a dropped
/// operation.
async fn assert_none_lost(sender: Sender, receiver: Receiver) {
    let seed = seed();
    let mut receiving = JoinSet::new();
    let mut sending = JoinSet::new();
    for number in 0..HANDLES {
        let (receiver, mut random) = (receiver.clone(), Random(!seed ^ u64::from(number)));
        receiving.spawn(async move {
            let mut received = Vec::new();
            loop {
                match receiver.recv_within(random.patience()).await {
                    Some(LAST) => return received,
                    number => received.extend(number),
                }
            }
        });
        let (sender, mut random) = (sender.clone(), Random(seed ^ u64::from(number)));
        sending.spawn(async move {
            let mut sent = Vec::new();
            let mut abandoned = 0;
            let mut numbers = (number..LAST).step_by(HANDLES as usize);
            while abandoned < CANCELLATIONS / HANDLES {
                let number = numbers.next().unwrap();
                if sender.send_within(random.patience(), number).await {
                    sent.push(number);
                } else {
                    abandoned += 1;
                }
            }
            sent
        });
    }
    let mut sent = sending.join_all().await.concat();
    // The last messages, one for each receiver.
    for _ in 0..HANDLES {
        sender.send(LAST).await;
    }
    let mut received = receiving.join_all().await.concat();

    sent.sort_unstable();
    received.sort_unstable();
    assert!(received == sent, "a message was lost, duplicated or sent by a dropped future");
}

#[derive(Clone)]
enum Sender {
    Client(Client),
    Server(Server, RoutingId),
}

impl Sender {
    async fn send(&self, number: u32) {
        let message = Message::from(number.to_be_bytes());
        match self {
            Self::Client(client) => client.send(message).await.unwrap(),
            Self::Server(server, id) => server.route(*id, message).await.unwrap(),
        }
    }

    /// Returns whether the message was sent.
    async fn send_within(&self, patience: u32, number: u32) -> bool {
        tokio::select! {
            biased;
            () = self.send(number) => true,
            () = wait(patience) => false,
        }
    }
}

#[derive(Clone)]
enum Receiver {
    Client(Client),
    Server(Server),
}

impl Receiver {
    async fn recv_within(&self, patience: u32) -> Option<u32> {
        let received = async {
            match self {
                Self::Client(client) => client.recv().await.unwrap(),
                Self::Server(server) => server.recv().await.unwrap(),
            }
        };
        tokio::select! {
            biased;
            message = received => Some(u32::from_be_bytes((*message).try_into().unwrap())),
            () = wait(patience) => None,
        }
    }
}

/// Yields to other tasks `turns` times.
async fn wait(turns: u32) {
    for _ in 0..turns {
        task::yield_now().await;
    }
}

/// A pseudorandom sequence that the seed determines (SplitMix64).
struct Random(u64);

impl Random {
    /// Returns the number of yields to wait: usually few or none, and sometimes enough for the
    /// other end to become idle.
    fn patience(&mut self) -> u32 {
        match self.next() % 64 {
            0 => 40,
            number => number as u32 % 4,
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Returns two connected sockets with short queues, so that both wait often.
async fn pair(transport: Transport) -> (Client, Server, RoutingId) {
    let builder = Server::builder().over(transport).send_hwm(4).recv_hwm(4);
    let server = builder.bind(transport.any()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = Client::builder().over(transport).send_hwm(4).recv_hwm(4).build();
    transport.connect(&client, &server, endpoint).await;
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();
    (client, server, id)
}

/// Connects a client that does not read, and fills its queue in a server with a `send_hwm` of one.
async fn full_remote(server: &Server) -> (Remote, RoutingId) {
    let (remote, id) = Remote::known_to(server).await;
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "queued").unwrap();
    (remote, id)
}

const CANCELLATIONS: u32 = 10_000;

const HANDLES: u32 = 4;

/// The last message.
const LAST: u32 = u32::MAX;
