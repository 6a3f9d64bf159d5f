//! `zmtp request`: requests, and the reply to each.

use clap::Args;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::{Multipart, RequestError, SocketType};

use super::recv::{End, receive};
use super::send::RecipientsArguments;
use crate::arguments::SocketArguments;
use crate::exit::{Exit, Failure, with_sources};
use crate::input::{Input, InputArguments};
use crate::output::{DelimiterArguments, FormatArguments, Output};
use crate::socket::{Open, Outgoing, finish, send};

#[derive(Clone, Debug, Args)]
pub(crate) struct RequestArguments {
    #[command(flatten)]
    pub(super) socket: SocketArguments,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    delimiter: DelimiterArguments,
    /// Number of requests; 0 means no limit. Default: one, or all lines; no limit with --interval
    /// or --rate
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
    #[command(flatten)]
    recipients: RecipientsArguments,
}

pub(crate) async fn run(
    mut arguments: RequestArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint_before_parts(&mut arguments.input.parts)?;
    let mut output = Output::open(&arguments.format, &arguments.delimiter)?;
    let mut open = arguments.socket.open(socket_type).await?;
    let delimiter = arguments.delimiter.bytes();
    let done = match arguments.input.open(Outgoing::default(), delimiter, arguments.count) {
        Err(failure) => Err(failure),
        Ok(input) => {
            let other = open.sender();
            let requesting = request_all(&arguments, &other, input, &mut output);
            open.unless_refused(requesting).await
        }
    };
    finish(open, output.flush().and(done)).await
}

async fn request_all(
    arguments: &RequestArguments,
    open: &Open,
    mut input: Input,
    output: &mut Output,
) -> Result<(), Failure> {
    let socket = &arguments.socket;
    let mut is_first = true;
    while let Some(outgoing) = input.next().await? {
        if std::mem::take(&mut is_first) {
            arguments.recipients.wait(socket, open, &outgoing).await?;
        }
        if let AnySocket::Req(req) = &open.socket {
            let message = Multipart::from_iter(outgoing.parts);
            let requesting = async { req.request(message).await.map_err(failed) };
            let reply = socket.in_time(open, "reply", requesting).await?;
            output.write(&reply.into())?;
            output.flush()?;
        } else {
            let requesting = async {
                send(open, outgoing).await?;
                receive(&open.socket, output, Some(1), None).await
            };
            if socket.in_time(open, "reply", requesting).await? == End::Closed {
                return Err(Failure::new(Exit::Failure, "the socket is closed"));
            }
        }
    }
    Ok(())
}

fn failed(error: RequestError) -> Failure {
    let exit = match error {
        RequestError::NoEndpoint { .. } => Exit::Refused,
        RequestError::Timeout(_) => Exit::TimedOut,
        _ => Exit::Incomplete,
    };
    let failure = Failure::new(exit, with_sources(&error));
    if error.may_be_carried_out() {
        return failure.hint("the request may have been carried out");
    }
    failure
}
