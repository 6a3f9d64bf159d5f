//! A broker between clients and workers. Clients do not need to know the workers or their number.
//!
//! `cargo run -p programs --bin broker`
//!
//! The broker has a `Server`, to which clients connect, and a `Client`, which connects to the
//! workers and sends requests to them in turn. Two calls of `StreamExt::forward` move all messages:
//! requests in one direction and replies in the other. A request carries the routing id of its
//! client in front of its body, and the worker returns it in the reply.
//!
//! When all workers are busy, requests wait in the queues up to the high-water marks, and then in
//! the clients. Requests sent to a worker that disconnects are lost, as without a broker: a client
//! that needs the reply sends the request again. The lossy sink drops and counts replies to clients
//! that have disconnected or do not read, so that such clients do not delay the others.
//!
//! The broker ends when its clients have received all replies, or on Ctrl-C or SIGTERM. After a
//! signal, it accepts no more requests and waits at most one second for the remaining replies of
//! the workers.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use futures::{SinkExt, future};
use tokio::sync::oneshot;
use tokio::{signal, time};
use tokio_zmtp::{Client, Endpoint, Message, RoutingId, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Replies do not wait for a client whose queue is full: they would delay the replies to all
    // others.
    let front = Server::builder().send_timeout(Duration::ZERO).heartbeat_interval(HEARTBEAT);
    let front = front.bind("tcp://127.0.0.1:*").await?;
    let back = Client::builder().heartbeat_interval(HEARTBEAT).build();
    for name in ["first", "second"] {
        let worker = Server::new();
        let endpoint = worker.bind("tcp://127.0.0.1:*").await?;
        back.connect(endpoint).await?;
        tokio::spawn(work(worker, name));
    }

    // Each handle has its own `Stream` and `Sink`, so the two directions share no state.
    let (stop, stopped) = oneshot::channel();
    let in_flight = Cell::new(0_u64);
    let requests = front.clone().take_until(stopped);
    let requests = requests.filter_map(|request| future::ready(wrap(&request)));
    let requests = requests.inspect(|_| in_flight.set(in_flight.get() + 1));
    let mut requests = pin!(requests.map(Ok).forward(back.clone()));
    let replies = back.clone().filter_map(|reply| future::ready(unwrap(&reply)));
    let replies = replies.inspect(|_| in_flight.set(in_flight.get().saturating_sub(1)));
    let mut replies = pin!(replies.map(Ok).forward(front.clone().lossy()));

    let endpoint = front.last_endpoint().ok_or("the broker is not bound")?;
    println!("broker: listening on {endpoint}");
    let clients: FuturesUnordered<_> = (0..CLIENTS).map(|id| ask(id, endpoint.clone())).collect();
    tokio::select! {
        ended = &mut requests => ended?,
        ended = &mut replies => ended?,
        signaled = shutdown_signal() => {
            signaled?;
            println!("broker: finishing");
            stop.send(()).map_err(|()| "the requests have ended")?;
            // Requests that were received are forwarded, and their replies are returned.
            let mut is_forwarded = false;
            let finished = future::poll_fn(|cx| {
                is_forwarded = is_forwarded || requests.as_mut().poll(cx)?.is_ready();
                match replies.as_mut().poll(cx)? {
                    Poll::Pending if is_forwarded && in_flight.get() == 0 => {
                        Poll::Ready(Ok::<_, Box<dyn Error>>(()))
                    }
                    ended => ended.map(Ok),
                }
            });
            if let Ok(finished) = time::timeout(LAST_REPLIES, finished).await {
                finished?;
            }
        }
        done = clients.try_collect::<Vec<_>>() => show(done?),
    }

    let unanswered = back.close().await.undelivered + front.close().await.undelivered;
    println!("broker: ended with {unanswered} undelivered messages");
    Ok(())
}

/// Waits for Ctrl-C or, on Unix, for SIGTERM, which containers and systemd send to end a process.
async fn shutdown_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{self, SignalKind};

        let mut terminate = unix::signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await
}

/// Puts the routing id of its client in front of a request.
fn wrap(request: &Message) -> Option<Message> {
    let id = u32::from(request.routing_id()?).to_be_bytes();
    Some([&id[..], request].concat().into())
}

/// Returns a reply with the routing id of its client. A message without one is not from a worker.
fn unwrap(reply: &Message) -> Option<Message> {
    let (id, body) = reply.split_first_chunk()?;
    let id = RoutingId::new(u32::from_be_bytes(*id))?;
    Some(Message::from(body).with_routing_id(id))
}

/// Performs one request at a time, as a worker. Each reply begins with the routing id of its
/// request.
async fn work(worker: Server, name: &'static str) {
    while let Ok(request) = worker.recv().await {
        let Some((id, body)) = request.split_first_chunk::<4>() else { continue };
        let reply = [&id[..], body, b" by ", name.as_bytes()].concat();
        if worker.reply(&request, reply).await.is_err() {
            println!("{name}: the broker has disconnected");
        }
    }
}

/// Sends requests as fast as the broker accepts them, as a client, and counts the replies of each
/// worker.
async fn ask(id: u32, endpoint: Endpoint) -> Result<BTreeMap<String, u32>, Box<dyn Error>> {
    let client = Client::new();
    client.connect(endpoint).await?;
    let mut requests = client.clone();
    let sending = async {
        let mut all = futures::stream::iter(
            (0..REQUESTS)
                .map(|number| Ok(Message::from(format!("request {number} of client {id}")))),
        );
        requests.send_all(&mut all).await
    };
    let receiving = async {
        let mut by = BTreeMap::new();
        let mut replies = client.clone().take(REQUESTS);
        while let Some(reply) = replies.next().await {
            let (request, worker) = reply.to_str()?.split_once(" by ").ok_or("not a reply")?;
            // A client never receives the reply to another client.
            if !request.ends_with(&format!(" of client {id}")) {
                return Err(format!("client {id} got the reply to {request}").into());
            }
            *by.entry(worker.to_owned()).or_default() += 1;
        }
        Ok::<_, Box<dyn Error>>(by)
    };
    let (sent, by) = future::join(sending, receiving).await;
    sent?;
    client.close().await;
    by
}

fn show(done: Vec<BTreeMap<String, u32>>) {
    let mut all = BTreeMap::<String, u32>::new();
    for (worker, replies) in done.into_iter().flatten() {
        *all.entry(worker).or_default() += replies;
    }
    for (worker, replies) in &all {
        println!("clients: {replies} replies by {worker}");
    }
    println!(
        "clients: {} replies to {} requests",
        all.values().sum::<u32>(),
        CLIENTS * REQUESTS as u32
    );
}

/// A remote that fails silently is detected within twice this time.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The time limit for the last replies of workers.
const LAST_REPLIES: Duration = Duration::from_secs(1);

const CLIENTS: u32 = 3;

/// The number of requests of each client.
const REQUESTS: usize = 50;
