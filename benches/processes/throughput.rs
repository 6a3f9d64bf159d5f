//! One-way messages at full speed, from a client to a server or from a scatter to a gather.

use std::env;
use std::error::Error;
use std::time::Instant;

use tokio_zmtp::{
    Client, Gather, Message, RecvError, Scatter, SendError, SendingSocket, Server, Socket,
};

use super::Child;

/// The roles of two processes.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    sender: &'static str,
    receiver: &'static str,
}

pub(crate) const CLIENT_TO_SERVER: Pair = Pair { sender: "thr-client", receiver: "thr-server" };

pub(crate) const SCATTER_TO_GATHER: Pair = Pair { sender: "thr-scatter", receiver: "thr-gather" };

/// Measures one round. Returns the number of messages per second.
pub(crate) fn measure(
    pair: Pair,
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<f64, Box<dyn Error>> {
    let program = env::current_exe()?;
    let mut receiver = Child::spawn(&program, pair.receiver, endpoint, count, size)?;
    let sender = Child::spawn(&program, pair.sender, &receiver.line()?, count, size)?;
    let rate = receiver.line()?.parse()?;
    sender.finish()?;
    receiver.finish()?;
    Ok(rate)
}

/// Returns the number of messages that take about a second.
pub(crate) fn count(size: usize) -> usize {
    (2_000_000_000 / (size + 200)).min(8_000_000)
}

pub(super) async fn server(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let server = super::secured(Server::builder(), super::Role::Server)?.bind(endpoint).await?;
    receive(&server, async || server.recv().await, count, size).await
}

pub(super) async fn client(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let client = super::secured(Client::builder(), super::Role::Client)?.connect(endpoint).await?;
    send(&client, async |message| client.send(message).await, count, size).await
}

pub(super) async fn gather(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let gather = super::secured(Gather::builder(), super::Role::Server)?.bind(endpoint).await?;
    receive(&gather, async || gather.recv().await, count, size).await
}

pub(super) async fn scatter(
    endpoint: &str,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let builder = super::secured(Scatter::builder(), super::Role::Client)?;
    let scatter = builder.connect(endpoint).await?;
    send(&scatter, async |message| scatter.send(message).await, count, size).await
}

/// Receives messages, and prints the rate from the first to the last.
#[expect(clippy::print_stdout, reason = "the measuring process reads it")]
async fn receive(
    socket: &impl Socket,
    recv: impl AsyncFn() -> Result<Message, RecvError>,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    println!("{}", socket.last_endpoint().ok_or("the socket is not bound")?);
    recv().await?;
    let start = Instant::now();
    for _ in 1..count {
        assert_eq!(recv().await?.len(), size);
    }
    println!("{}", (count - 1) as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

async fn send(
    socket: &impl SendingSocket,
    send: impl AsyncFn(&Message) -> Result<(), SendError>,
    count: usize,
    size: usize,
) -> Result<(), Box<dyn Error>> {
    let message = Message::from(vec![7; size]);
    for _ in 0..count {
        send(&message).await?;
    }
    assert_eq!(socket.close().await.undelivered, 0);
    Ok(())
}
