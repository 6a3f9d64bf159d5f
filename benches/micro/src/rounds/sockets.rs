//! Sockets as users hold them.

use std::fmt;
use std::hint::black_box;

use tokio::runtime::{self, Runtime};
use tokio::task;
use tokio_zmtp::{Client, Endpoint, InprocEndpoint, Server};

use super::{MESSAGES, Round, SHORT};

/// Sends [`MESSAGES`] messages while their connection waits for its turn: what it costs a sender.
#[derive(Debug)]
pub struct TrySend(Pair);

/// Receives [`MESSAGES`] messages that are there: what it costs a receiver.
#[derive(Debug)]
pub struct TryRecv(Pair);

/// Sends and receives [`MESSAGES`] messages within the process.
#[derive(Debug)]
pub struct InprocBatch(Pair);

struct Pair {
    /// Of one thread, in which nothing happens but when it is told to run.
    runtime: Runtime,
    client: Client,
    server: Server,
    /// How many messages were sent and not received yet.
    under_way: usize,
}

impl TrySend {
    /// Over TCP, which has no part in what is measured.
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
    /// Over TCP, which has no part in what is measured.
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

impl InprocBatch {
    /// Between two sockets with nothing between them.
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
        Self::new("tcp://127.0.0.1:*".parse().expect("this is an endpoint"))
    }

    fn new(endpoint: Endpoint) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("there is memory for a runtime of one thread");
        let (client, server) = runtime.block_on(async {
            let server = Server::builder().recv_hwm(MARK).bind(endpoint).await;
            let server = server.expect("the endpoint is free");
            let endpoint = server.last_endpoint().expect("it was bound");
            let client = Client::builder().send_hwm(MARK).connect(endpoint).await;
            let client = client.expect("the endpoint can be connected to");
            client.remotes().connected().await.expect("the server is there");
            (client, server)
        });
        Self { runtime, client, server, under_way: 0 }
    }

    fn send(&mut self) {
        for _ in 0..MESSAGES {
            let sent = self.client.try_send(black_box(&[0x55; SHORT][..]));
            assert!(sent.is_ok());
        }
        self.under_way += MESSAGES;
    }

    /// Lets the connections do their work.
    fn deliver(&self) {
        self.runtime.block_on(async {
            while self.server.stats().queued.incoming < self.under_way {
                task::yield_now().await;
            }
        });
    }

    fn recv(&mut self) {
        for _ in 0..self.under_way {
            let received = self.server.try_recv();
            assert!(received.is_ok());
            black_box(&received);
        }
        self.under_way = 0;
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// A round does not reach it, so that no task has to wait.
const MARK: usize = 2 * MESSAGES;
