//! A broker distributes the requests of clients among idle workers: the *load-balancing broker* of
//! the ZeroMQ guide.
//!
//! `cargo run --example load_balancing_broker`
//!
//! Each client and each worker has a REQ, and the broker has a ROUTER for each side. A worker
//! requests work, and is answered with the request of a client. With its next request it replies to
//! the client, and requests work again. The broker therefore knows which workers are idle, and each
//! has one task at a time. While all are busy, requests wait in the queues of the broker's
//! frontend.
//!
//! A worker that has left is detected when a task cannot be sent to it; the next one gets the task.
//! A task that a worker has received is lost with the worker, so clients send requests again.
//!
//! The argument `broker` starts only the broker, for clients and workers in any language.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::error::Error;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time;
use tokio_zmtp::{
    Endpoint, Identity, Multipart, RecvError, Req, RequestError, Router, RouterMessage,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (frontend, backend) = (Router::new(), Router::new());
    let clients = frontend.bind("tcp://127.0.0.1:*").await?;
    let workers = backend.bind("tcp://127.0.0.1:*").await?;
    println!("broker: clients connect to {clients}, workers to {workers}");
    let broker = Broker { frontend, backend, idle: VecDeque::new(), request: None };
    if env::args().nth(1).as_deref() == Some("broker") {
        return Ok(broker.run().await?);
    }
    tokio::spawn(broker.run());

    for (name, pace) in [("first", 1), ("second", 1), ("slow", 10)] {
        tokio::spawn(work(name, Duration::from_millis(pace), u32::MAX, workers.clone()));
    }
    tokio::spawn(work("crashing", Duration::from_millis(1), 5, workers));
    let mut replies = JoinSet::new();
    for number in 0..CLIENTS {
        replies.spawn(request(number, clients.clone()));
    }
    let mut done_by = BTreeMap::<String, u32>::new();
    for (number, reply) in (0..).zip(replies.join_all().await) {
        let reply = reply?;
        let (name, text) = reply.split_once(' ').ok_or("a reply does not have two words")?;
        assert!(text.starts_with("HELLO"), "reply {number} is {text}");
        *done_by.entry(name.to_owned()).or_default() += 1;
    }
    for (name, replies) in &done_by {
        println!("clients: {replies} replies by {name}");
    }
    println!("clients: {CLIENTS} requests are answered");
    Ok(())
}

/// Sends a request, and returns the reply.
async fn request(number: u32, broker: Endpoint) -> Result<String, Box<dyn Error + Send + Sync>> {
    let req = Req::builder().attempts(20).attempt_timeout(TIMEOUT).connect(broker).await?;
    let reply = req.request(format!("HELLO {number}")).await?;
    Ok(String::from_utf8_lossy(reply.first()).into_owned())
}

/// Performs a number of tasks, and ends during the next one.
async fn work(
    name: &'static str,
    pace: Duration,
    tasks: u32,
    broker: Endpoint,
) -> Result<(), RequestError> {
    let Ok(req) = Req::builder().connect(broker).await else { return Ok(()) };
    let mut work = req.request("READY").await?;
    for _ in 0..tasks {
        // The address of the client is returned with the reply.
        let Some([address, task]) = split(&work) else { return Ok(()) };
        time::sleep(pace).await;
        let reply = [name.as_bytes(), b" ", task.first().copied().unwrap_or_default()].concat();
        work = req.request(address.into_iter().chain([&reply[..]]).collect::<Multipart>()).await?;
    }
    println!("{name}: ending");
    Ok(())
}

struct Broker {
    frontend: Router,
    backend: Router,
    /// Idle workers, and what their REQs expect before a reply. The worker that has been idle for
    /// the longest time is the first.
    idle: VecDeque<(Identity, Multipart)>,
    /// A request for which no worker was left.
    request: Option<RouterMessage>,
}

impl Broker {
    async fn run(mut self) -> Result<(), RecvError> {
        loop {
            tokio::select! {
                message = self.backend.recv() => self.handle_worker(message?).await,
                request = self.frontend.recv(), if self.can_dispatch() => {
                    self.request = Some(request?);
                }
            }
            self.dispatch().await;
        }
    }

    fn can_dispatch(&self) -> bool {
        self.request.is_none() && !self.idle.is_empty()
    }

    /// Handles a request for work, and forwards the reply in it.
    async fn handle_worker(&mut self, message: RouterMessage) {
        let (worker, message) = message.split();
        let Some([envelope, content]) = split(&message) else { return };
        // A worker may request work again after its connection was lost.
        self.idle.retain(|(idle, _)| *idle != worker);
        self.idle.push_back((worker, envelope.into_iter().collect()));
        // The first request of a worker contains no reply.
        let [client, reply @ ..] = &content[..] else { return };
        let Ok(client) = Identity::try_from(*client) else { return };
        if reply.is_empty() {
            return;
        }
        if let Err(error) = self.frontend.route(&client, reply.iter().collect::<Multipart>()).await
        {
            println!("broker: a reply is dropped: {error}");
        }
    }

    /// Sends the request to the first idle worker that is still connected.
    async fn dispatch(&mut self) {
        while let Some(request) = &self.request {
            let Some((worker, envelope)) = self.idle.pop_front() else { return };
            let address = [request.identity().as_bytes()];
            let task: Multipart = envelope.iter().chain(address).chain(request.iter()).collect();
            match self.backend.route(&worker, task).await {
                Ok(()) => self.request = None,
                Err(error) => println!("broker: a worker is removed: {error}"),
            }
        }
    }
}

/// Splits a message after its first empty part.
fn split(message: &Multipart) -> Option<[Vec<&[u8]>; 2]> {
    let mut envelope: Vec<_> = message.iter().collect();
    let end = envelope.iter().position(|part| part.is_empty())?;
    let content = envelope.split_off(end + 1);
    Some([envelope, content])
}

const CLIENTS: u32 = 50;

/// The time limit for a reply, after which a request is sent again.
const TIMEOUT: Duration = Duration::from_millis(500);
