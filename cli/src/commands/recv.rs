//! `zmtp recv`, and the commands of the types that receive.

use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use clap::Args;
use tokio_zmtp::SocketType;
use tokio_zmtp::config::AnySocket;

use crate::arguments::SocketArguments;
use crate::exit::Failure;
use crate::output::{DelimiterArguments, FormatArguments, Output};
use crate::socket::{finish, recv_many};

#[derive(Clone, Debug, Args)]
pub(crate) struct RecvArguments {
    #[command(flatten)]
    pub(super) socket: SocketArguments,
    /// Endpoint to connect to, or to bind if prefixed with `@`, unless --bind, --connect or a
    /// context names one, followed by topics (SUB) or groups (DISH)
    #[arg(value_name = "ENDPOINT|TOPIC")]
    names: Vec<String>,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    delimiter: DelimiterArguments,
    /// End after this number of messages
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

/// Why receiving has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Counted,
    /// No message arrived within the time limit.
    Idle,
}

pub(crate) async fn run(
    mut arguments: RecvArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.names)?;
    arguments.socket.select(socket_type, mem::take(&mut arguments.names))?;
    let mut output = Output::open(&arguments.format, &arguments.delimiter)?;
    let mut open = arguments.socket.open(socket_type).await?;
    let socket = open.socket.clone();
    let limit = arguments.socket.timeout;
    let receiving = receive(&socket, &mut output, arguments.count, limit);
    let received = open.unless_unread(receiving).await;
    // What was received before a failure is written as well.
    let received = output.flush().and(received).and_then(|end| match (end, limit) {
        (End::Idle, Some(limit)) => {
            Err(open.watch.timed_out(&format!("no message within {limit:?}")))
        }
        _ => Ok(()),
    });
    finish(open, received).await
}

/// Writes messages until there are `count`, or until none arrives within the time limit. Dropping
/// the future loses no message, but leaves those that are in the buffer of the output.
pub(super) async fn receive(
    socket: &AnySocket,
    output: &mut Output,
    count: Option<u64>,
    limit: Option<Duration>,
) -> Result<End, Failure> {
    let mut left = count.unwrap_or(u64::MAX);
    let mut batch = Vec::new();
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(BATCH);
        let is_open = {
            let mut receiving = pin!(recv_many(socket, &mut batch, room));
            match poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx))).await {
                Poll::Ready(received) => received?,
                Poll::Pending => {
                    // Nothing stays in the buffer while no message waits.
                    output.flush()?;
                    match limit {
                        None => receiving.await?,
                        Some(limit) => match tokio::time::timeout(limit, receiving).await {
                            Ok(received) => received?,
                            Err(_) => return Ok(End::Idle),
                        },
                    }
                }
            }
        };
        left -= batch.len() as u64;
        batch.drain(..).try_for_each(|message| output.write(&message))?;
        if !is_open {
            return Ok(End::Closed);
        }
    }
    output.flush()?;
    Ok(End::Counted)
}

/// The number of messages that are received before they are written.
const BATCH: usize = 1000;
