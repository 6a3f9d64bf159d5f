//! The commands of the types that send and receive, such as `zmtp pair`.

use std::cell::Cell;
use std::pin::pin;

use clap::Args;
use tokio_zmtp::SocketType;

use super::recv::{End, receive};
use super::send::{TargetArguments, send_all};
use crate::arguments::SocketArguments;
use crate::exit::Failure;
use crate::input::InputArguments;
use crate::output::{DelimiterArguments, FormatArguments, Output};
use crate::socket::finish;

#[derive(Clone, Debug, Args)]
pub(crate) struct ExchangeArguments {
    #[command(flatten)]
    socket: SocketArguments,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    delimiter: DelimiterArguments,
    #[command(flatten)]
    target: TargetArguments,
    /// End after this number of received messages. Default: continue until Ctrl-C, or until all
    /// messages are sent and none arrives within --timeout
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
    /// Number of messages to send; 0 means no limit. Default: one, or all lines; no limit with
    /// --interval or --rate
    #[arg(long, value_name = "NUMBER")]
    send: Option<u64>,
}

pub(crate) async fn run(
    mut arguments: ExchangeArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint_before_parts(&mut arguments.input.parts)?;
    if socket_type == SocketType::Xsub {
        arguments.socket.select(socket_type, Vec::new())?;
    }
    arguments.target.recipients.prepare(&mut arguments.socket, socket_type);
    let target = arguments.target.target(socket_type)?;
    let mut output = Output::open(&arguments.format, &arguments.delimiter)?;
    let mut open = arguments.socket.open(socket_type).await?;
    let done = match arguments.input.open(target, arguments.delimiter.bytes(), arguments.send) {
        Err(failure) => Err(failure),
        Ok(input) => {
            let other = open.sender();
            let is_finite = input.is_finite();
            let is_sent = Cell::new(false);
            let sending = async {
                send_all(&arguments.socket, &arguments.target, &other, input).await?;
                is_sent.set(true);
                Ok(())
            };
            let receiving = async {
                let (count, limit) = (arguments.count, arguments.socket.timeout);
                loop {
                    match (receive(&other.socket, &mut output, count, limit).await?, limit) {
                        (End::Idle, Some(limit)) if is_sent.get() && count.is_some() => {
                            let message = format!("no message within {limit:?}");
                            return Err(other.watch.timed_out(&message));
                        }
                        (End::Idle, _) if !is_sent.get() => {}
                        _ => return Ok(()),
                    }
                }
            };
            open.unless_refused(both(sending, receiving, is_finite)).await
        }
    };
    finish(open, output.flush().and(done)).await
}

/// Sends and receives, until receiving ends or sending fails. What is `finite` is sent to its end
/// even if the last message has been received before.
async fn both(
    sending: impl Future<Output = Result<(), Failure>>,
    receiving: impl Future<Output = Result<(), Failure>>,
    finite: bool,
) -> Result<(), Failure> {
    let (mut sending, mut receiving) = (pin!(sending), pin!(receiving));
    tokio::select! {
        biased;
        received = &mut receiving => {
            received?;
            if finite { sending.await } else { Ok(()) }
        }
        sent = &mut sending => {
            sent?;
            receiving.await
        }
    }
}
