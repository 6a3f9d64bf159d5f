//! Concurrent use of many handles.

use std::fmt::Debug;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::{SinkExt, StreamExt};
use tokio::task::{JoinHandle, JoinSet};
use tokio_zmtp::{Client, Message, Server};

use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn handles_are_equal_if_they_belong_to_one_socket() {
    let (one, other) = (Server::builder().build(), Server::builder().build());
    assert_eq!(one, one.clone());
    assert_ne!(one, other);
    let (one, other) = (Client::builder().build(), Client::builder().build());
    assert_eq!(one, one.clone());
    assert_ne!(one, other);
}

#[test]
fn handles_are_shared_by_cloning() {
    fn is_handle<T: Clone + Debug + Send + Sync + 'static>() {}

    is_handle::<Client>();
    is_handle::<Server>();
}

over_every_transport_and_streams!(operations_that_never_wait_yield_to_other_tasks);

over_every_transport_and_streams!(
    fifty_clones_of_a_client_send_and_receive_concurrently,
    flavor = "multi_thread",
    worker_threads = 4
);

/// No operation waits: there are no high-water marks, and messages are always available.
async fn operations_that_never_wait_yield_to_other_tasks(transport: Transport) {
    const MESSAGES: usize = 3_000;
    let _watchdog = Watchdog::start();
    let builder = Server::builder().over(transport).send_hwm(0).recv_hwm(0);
    let server = builder.bind(transport.any()).await.unwrap();
    let mut client = Client::builder().over(transport).send_hwm(0).recv_hwm(0).build();
    transport.connect(&client, &server, server.last_endpoint().unwrap()).await;
    client.send("hello").await.unwrap();
    let to = server.recv().await.unwrap().routing_id().unwrap();
    let mut other = Other::start();

    for _ in 0..MESSAGES {
        client.send("a").await.unwrap();
    }
    assert!(other.ran(), "send");
    for _ in 0..MESSAGES {
        client.reserve().await.unwrap().send("b").unwrap();
    }
    assert!(other.ran(), "reserve");
    for _ in 0..MESSAGES {
        client.feed("c").await.unwrap();
    }
    assert!(other.ran(), "the sink of a client");
    let mut sink = server.clone();
    for _ in 0..MESSAGES {
        sink.feed(Message::from("d").with_routing_id(to)).await.unwrap();
    }
    assert!(other.ran(), "the sink of a server");

    while client.stats().queued.outgoing + server.stats().queued.incoming < 3 * MESSAGES {
        tokio::task::yield_now().await;
    }
    other.ran();
    for _ in 0..MESSAGES {
        server.recv().await.unwrap();
    }
    assert!(other.ran(), "recv");
    for _ in 0..MESSAGES {
        server.recv_from().await.unwrap();
    }
    assert!(other.ran(), "recv_from");
    let mut stream = server;
    for _ in 0..MESSAGES {
        stream.next().await.unwrap();
    }
    assert!(other.ran(), "the stream");
}

/// A task that is always ready.
struct Other {
    turns: Arc<AtomicU32>,
    seen: u32,
    task: JoinHandle<()>,
}

impl Other {
    fn start() -> Self {
        let turns = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&turns);
        let task = tokio::spawn(async move {
            loop {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        Self { turns, seen: 0, task }
    }

    /// Returns whether the task has run since the last call.
    fn ran(&mut self) -> bool {
        let turns = self.turns.load(Ordering::Relaxed);
        mem::replace(&mut self.seen, turns) < turns
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn fifty_clones_of_a_client_send_and_receive_concurrently(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, endpoint).await;
    let echo = tokio::spawn(echo(server.clone()));

    let mut tasks = JoinSet::new();
    for handle in 0..HANDLES {
        let (sender, receiver) = (client.clone(), client.clone());
        tasks.spawn(async move {
            let send = async {
                for number in numbers_of(handle) {
                    sender.send(number.to_be_bytes()).await.unwrap();
                }
            };
            let receive = async {
                let mut received = Vec::new();
                for _ in numbers_of(handle) {
                    received.push(number(&receiver.recv().await.unwrap()));
                }
                received
            };
            tokio::join!(send, receive).1
        });
    }
    let received = tasks.join_all().await.concat();

    assert_each_once(received);
    server.close().await;
    echo.await.unwrap();
}

over_every_transport_and_streams!(
    fifty_clients_of_one_server_get_their_own_replies,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn fifty_clients_of_one_server_get_their_own_replies(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let echo = tokio::spawn(echo(server.clone()));

    let mut tasks = JoinSet::new();
    for handle in 0..HANDLES {
        let (server, endpoint) = (server.clone(), endpoint.clone());
        tasks.spawn(async move {
            let client = Client::builder().over(transport).build();
            transport.connect(&client, &server, endpoint).await;
            for number in numbers_of(handle) {
                client.send(number.to_be_bytes()).await.unwrap();
            }
            for expected in numbers_of(handle) {
                assert_eq!(client.recv().await.unwrap(), expected.to_be_bytes());
            }
        });
    }
    tasks.join_all().await;

    server.close().await;
    echo.await.unwrap();
}

over_every_transport_and_streams!(
    receivers_on_one_server_share_its_messages,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn receivers_on_one_server_share_its_messages(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let missing = Arc::new(AtomicU32::new(HANDLES * EACH));

    let mut receivers = JoinSet::new();
    for _ in 0..8 {
        let (server, missing) = (server.clone(), Arc::clone(&missing));
        receivers.spawn(async move {
            let mut received = Vec::new();
            while let Ok(message) = server.recv().await {
                received.push(number(&message));
                if missing.fetch_sub(1, Ordering::Relaxed) == 1 {
                    server.close().await;
                }
            }
            received
        });
    }
    let mut senders = JoinSet::new();
    for handle in 0..HANDLES {
        let (server, endpoint) = (server.clone(), endpoint.clone());
        senders.spawn(async move {
            let client = Client::builder().over(transport).build();
            transport.connect(&client, &server, endpoint).await;
            for number in numbers_of(handle) {
                client.send(number.to_be_bytes()).await.unwrap();
            }
            assert_eq!(client.close().await.undelivered, 0);
        });
    }

    senders.join_all().await;
    assert_each_once(receivers.join_all().await.concat());
}

over_every_transport_and_streams!(
    many_senders_pass_through_a_queue_of_one,
    flavor = "multi_thread",
    worker_threads = 4
);

async fn many_senders_pass_through_a_queue_of_one(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).recv_hwm(1).bind(transport.any()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = Client::builder().over(transport).send_hwm(1).build();
    transport.connect(&client, &server, endpoint).await;

    let mut senders = JoinSet::new();
    for handle in 0..HANDLES {
        let client = client.clone();
        senders.spawn(async move {
            for number in numbers_of(handle) {
                client.send(number.to_be_bytes()).await.unwrap();
            }
        });
    }
    let mut received = Vec::new();
    for _ in 0..HANDLES * EACH {
        received.push(number(&server.recv().await.unwrap()));
    }

    senders.join_all().await;
    assert_each_once(received);
}

/// Returns every message to its sender until the server is closed.
async fn echo(server: Server) {
    while let Ok(request) = server.recv().await {
        server.reply(&request, &request).await.unwrap();
    }
}

fn numbers_of(handle: u32) -> impl Iterator<Item = u32> {
    handle * EACH..(handle + 1) * EACH
}

fn number(body: &[u8]) -> u32 {
    u32::from_be_bytes(body.try_into().unwrap())
}

fn assert_each_once(mut numbers: Vec<u32>) {
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..HANDLES * EACH), "a message was lost or duplicated");
}

const HANDLES: u32 = 50;

/// The number of messages for each handle.
const EACH: u32 = 200;
