//! `zmtp recv`, and the commands of the types that receive.

use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::task::Poll;

use clap::Args;
use tokio_zmtp::SocketType;

use crate::arguments::SocketArguments;
use crate::exit::Failure;
use crate::output::{Format, FormatArguments, Stdout};
use crate::socket::{Open, finish, recv_many};

#[derive(Clone, Debug, Args)]
pub(crate) struct RecvArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// Topics (SUB, XSUB) or groups (DISH). Before them, the endpoint to connect to, unless --bind
    /// or --connect names one
    #[arg(value_name = "ENDPOINT|TOPIC")]
    names: Vec<String>,
    #[command(flatten)]
    format: FormatArguments,
    /// End after this number of messages
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

pub(crate) async fn run(
    mut arguments: RecvArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.names)?;
    let mut names = mem::take(&mut arguments.names).into_iter();
    match socket_type {
        SocketType::Sub | SocketType::Xsub => {
            arguments.socket.subscribe_to(names);
            // Without a topic, all messages: a SUB without a subscription would receive nothing.
            if !arguments.socket.has_subscriptions() {
                arguments.socket.subscribe_to([String::new()]);
            }
        }
        SocketType::Dish => {
            arguments.socket.join_to(names);
            if !arguments.socket.has_groups() {
                return Err(Failure::usage("a DISH receives the messages of groups")
                    .hint("name one by --join"));
            }
        }
        _ => {
            if let Some(name) = names.next() {
                return Err(Failure::usage(format!("`{name}`: a {socket_type} has no topics")));
            }
        }
    }
    let mut open = arguments.socket.open(socket_type).await?;
    let mut stdout = Stdout::open()?;
    let format = arguments.format.format(stdout.is_terminal());
    let received = receive(&arguments, &mut open, &mut stdout, &format).await;
    // What was received before a failure is written as well.
    let flushed = stdout.flush().map_err(Failure::from);
    finish(open, received.and(flushed)).await
}

async fn receive(
    arguments: &RecvArguments,
    open: &mut Open,
    stdout: &mut Stdout,
    format: &Format,
) -> Result<(), Failure> {
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let mut batch = Vec::new();
    while left > 0 {
        let socket = open.socket.clone();
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(BATCH);
        let is_open = {
            let mut receiving = pin!(recv_many(&socket, &mut batch, limit));
            // Nothing stays in the buffer while no message waits.
            let first = poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx))).await;
            match first {
                Poll::Ready(received) => received?,
                Poll::Pending => {
                    stdout.flush()?;
                    arguments.socket.in_time(open, "message", receiving).await?
                }
            }
        };
        left -= batch.len() as u64;
        for message in batch.drain(..) {
            stdout.append(|buffer| format.write(&message, buffer))?;
        }
        if !is_open {
            break;
        }
    }
    Ok(())
}

/// The number of messages that are received before they are written.
const BATCH: usize = 1000;
