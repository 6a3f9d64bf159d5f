//! A client that repeats a request until it is answered, and fails after several attempts.
//!
//! `cargo run --example reliable_request`
//!
//! The ZeroMQ guide does this with a REQ socket (*Lazy Pirate*). That socket cannot send again
//! before it has received, so it must be closed and replaced. A CLIENT can send at any time and
//! keeps its connection. It may receive a late reply to an earlier request, so each reply contains
//! the id of its request.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Client, ConnectError, Endpoint, Message, RecvError, SendError, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    tokio::spawn(serve(server.clone()));

    let mut requester = Requester::connect(endpoint).await?;
    for body in ["prompt", "lost once", "slow", "lost always", "prompt again"] {
        println!("{body}:");
        match requester.request(body.as_bytes()).await {
            Ok(reply) => println!("  {}", reply.to_str()?),
            Err(error @ RequestError::NoReply) => println!("  failed: {error}"),
            Err(error) => return Err(error.into()),
        }
    }

    requester.client.close().await;
    server.close().await;
    Ok(())
}

/// Sends requests, one at a time, and waits for their replies.
///
/// A request and its reply begin with the same id. All copies of a request have the same id: the
/// first reply to any copy suffices, and a server that must not do the same work twice recognizes
/// copies by the id.
#[derive(Debug)]
struct Requester {
    client: Client,
    /// The id of the latest request.
    id: u64,
}

impl Requester {
    async fn connect(endpoint: Endpoint) -> Result<Self, ConnectError> {
        // While the server is disconnected, one copy is queued for it. With a higher high-water
        // mark, it would receive all copies of all requests when it returns.
        let client = Client::builder().send_hwm(1).connect(endpoint).await?;
        Ok(Self { client, id: 0 })
    }

    /// Sends a request, up to [`ATTEMPTS`] times, and returns the body of the reply.
    async fn request(&mut self, body: &[u8]) -> Result<Message, RequestError> {
        self.id += 1;
        let request = Message::from([&self.id.to_be_bytes(), body].concat());
        for number in 1..=ATTEMPTS {
            match time::timeout(TIMEOUT, self.attempt(&request)).await {
                Ok(reply) => return reply,
                Err(_) => println!("  no reply to attempt {number}"),
            }
        }
        Err(RequestError::NoReply)
    }

    /// Sends a copy of a request and waits for a reply to any copy.
    ///
    /// If the future is dropped, the copy may or may not have been sent. No reply is lost.
    async fn attempt(&self, request: &Message) -> Result<Message, RequestError> {
        self.client.send(request).await?;
        loop {
            let reply = self.client.recv().await?;
            match reply.split_first_chunk() {
                Some((id, body)) if *id == self.id.to_be_bytes() => return Ok(body.into()),
                _ => println!("  a late reply to an earlier request"),
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("no reply to any of {ATTEMPTS} attempts")]
    NoReply,
    #[error(transparent)]
    Recv(#[from] RecvError),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Answers requests as their names describe.
async fn serve(server: Server) {
    let mut copies = HashMap::new();
    while let Ok(request) = server.recv().await {
        let Some((id, body)) = request.split_first_chunk::<8>() else { continue };
        let copy = copies.entry(*id).and_modify(|copy| *copy += 1).or_insert(1);
        let delay = match body {
            b"lost always" => continue,
            b"lost once" if *copy == 1 => continue,
            b"slow" => TIMEOUT * 3 / 2,
            _ => Duration::ZERO,
        };
        let reply = [id, format!("reply to attempt {copy}").as_bytes()].concat();
        let server = server.clone();
        tokio::spawn(async move {
            time::sleep(delay).await;
            if server.reply(&request, reply).await.is_err() {
                println!("  the client has disconnected");
            }
        });
    }
}

/// The number of times that a request is sent.
const ATTEMPTS: u32 = 3;

/// The time limit of each attempt.
const TIMEOUT: Duration = Duration::from_millis(150);
