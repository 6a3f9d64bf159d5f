//! Sockets, through their public handles.
//!
//! The sockets are those of `tokio-zmtp` as its users build it, not those of the copy that contains
//! these rounds. In that copy, [`Connected`](super::Connected) calls some of the same functions,
//! and the compiler inlines a function only if it has one caller.

use std::collections::VecDeque;
use std::fmt;
use std::hint::black_box;

use tokio::runtime::{self, Runtime};
use tokio::task;
use tokio_zmtp::{Client, Endpoint, InprocEndpoint, Message, Server};

use super::{MESSAGES, Round, SHORT};

/// Sends [`MESSAGES`] messages while the connection does not run: the cost for a sender.
#[derive(Debug)]
pub struct TrySend(Pair);

/// Receives [`MESSAGES`] queued messages: the cost for a receiver.
#[derive(Debug)]
pub struct TryRecv(Pair);

/// Sends [`MESSAGES`] messages in batches of [`BATCH`] while the connection does not run.
#[derive(Debug)]
pub struct TrySendMany {
    pair: Pair,
    messages: VecDeque<Message>,
}

/// Receives [`MESSAGES`] queued messages in batches of [`BATCH`].
#[derive(Debug)]
pub struct RecvMany {
    pair: Pair,
    messages: Vec<Message>,
}

/// Sends and receives [`MESSAGES`] messages within the process.
#[derive(Debug)]
pub struct InprocBatch(Pair);

struct Pair {
    /// A single-threaded runtime, which runs only during `block_on`.
    runtime: Runtime,
    client: Client,
    server: Server,
    /// The number of messages that were sent but not yet received.
    in_flight: usize,
}

impl TrySend {
    /// Creates rounds over TCP, which is not part of the measurement.
    pub fn new() -> Self {
        Self(Pair::over_tcp())
    }
}

impl Round for TrySend {
    fn prepare(&mut self) {
        self.0.deliver();
        self.0.recv();
    }

    fn run(&mut self) {
        self.0.send();
    }
}

impl TryRecv {
    /// Creates rounds over TCP, which is not part of the measurement.
    pub fn new() -> Self {
        Self(Pair::over_tcp())
    }
}

impl Round for TryRecv {
    fn prepare(&mut self) {
        self.0.send();
        self.0.deliver();
    }

    fn run(&mut self) {
        self.0.recv();
    }
}

impl TrySendMany {
    /// Creates rounds over TCP, which is not part of the measurement.
    pub fn new() -> Self {
        Self { pair: Pair::over_tcp(), messages: VecDeque::new() }
    }
}

impl Round for TrySendMany {
    fn prepare(&mut self) {
        self.pair.deliver();
        self.pair.recv();
    }

    fn run(&mut self) {
        let Self { pair, messages } = self;
        let mut left = MESSAGES;
        while left > 0 {
            let batch = left.min(BATCH);
            messages.extend((0..batch).map(|_| Message::from(black_box(&[0x55; SHORT][..]))));
            let sent = pair.client.try_send_many(messages);
            assert!(sent.is_ok());
            left -= batch;
        }
        pair.in_flight += MESSAGES;
    }
}

impl RecvMany {
    /// Creates rounds over TCP, which is not part of the measurement.
    pub fn new() -> Self {
        Self { pair: Pair::over_tcp(), messages: Vec::new() }
    }
}

impl Round for RecvMany {
    fn prepare(&mut self) {
        self.pair.send();
        self.pair.deliver();
    }

    fn run(&mut self) {
        let Self { pair: Pair { runtime, server, in_flight, .. }, messages } = self;
        runtime.block_on(async {
            while *in_flight > 0 {
                let received = server.recv_many(messages, BATCH).await;
                assert!(received.is_ok());
                *in_flight -= messages.len();
                for message in messages.drain(..) {
                    black_box(&message);
                }
            }
        });
    }
}

impl InprocBatch {
    /// Creates rounds between two sockets of this process.
    pub fn new() -> Self {
        Self(Pair::new(InprocEndpoint::unique().into()))
    }
}

impl Round for InprocBatch {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        self.0.send();
        self.0.recv();
    }
}

impl Pair {
    fn over_tcp() -> Self {
        Self::new("tcp://127.0.0.1:*".parse().expect("the endpoint is valid"))
    }

    fn new(endpoint: Endpoint) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime of one thread can be created");
        let (client, server) = runtime.block_on(async {
            let server = Server::builder().recv_hwm(HWM).bind(endpoint).await;
            let server = server.expect("the endpoint is free");
            let endpoint = server.last_endpoint().expect("the server is bound");
            let client = Client::builder().send_hwm(HWM).connect(endpoint).await;
            let client = client.expect("the endpoint can be connected to");
            client.remotes().connected().await.expect("the server is connected");
            (client, server)
        });
        Self { runtime, client, server, in_flight: 0 }
    }

    fn send(&mut self) {
        for _ in 0..MESSAGES {
            let sent = self.client.try_send(black_box(&[0x55; SHORT][..]));
            assert!(sent.is_ok());
        }
        self.in_flight += MESSAGES;
    }

    /// Runs the connections until the server has queued all sent messages.
    fn deliver(&self) {
        self.runtime.block_on(async {
            while self.server.stats().queued.incoming < self.in_flight {
                task::yield_now().await;
            }
        });
    }

    fn recv(&mut self) {
        for _ in 0..self.in_flight {
            let received = self.server.try_recv();
            assert!(received.is_ok());
            black_box(&received);
        }
        self.in_flight = 0;
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// The number of messages that are sent or received together.
const BATCH: usize = 64;

/// More messages than a round sends, so that no operation waits.
const HWM: usize = 2 * MESSAGES;
