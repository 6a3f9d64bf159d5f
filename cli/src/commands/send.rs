//! `zmtp send`, and the commands of the types that send.

use clap::Args;
use tokio_zmtp::{Group, Identity, SocketType};

use crate::arguments::SocketArguments;
use crate::exit::Failure;
use crate::input::{Input, InputArguments};
use crate::output::DelimiterArguments;
use crate::socket::{Open, Outgoing, finish, send, wait_for_recipients};

#[derive(Clone, Debug, Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    pub(super) socket: SocketArguments,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    delimiter: DelimiterArguments,
    #[command(flatten)]
    target: TargetArguments,
    /// Number of messages to send; 0 for any number. Default: one, or all lines
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

/// Whom messages are for.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArguments {
    /// Group to send to (RADIO)
    #[arg(short, long, value_name = "GROUP")]
    group: Option<String>,
    /// Remote to send to: its identity (ROUTER), or its routing id (SERVER, PEER). Default: the
    /// first remote
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Send immediately, and drop the message if it has no subscriber (PUB) or the group has no
    /// member (RADIO). By default, the first message waits for one
    #[arg(long)]
    no_wait: bool,
}

pub(crate) async fn run(
    mut arguments: SendArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint_before_parts(&mut arguments.input.parts)?;
    let target = arguments.target.target(socket_type)?;
    let delimiter = arguments.delimiter.bytes();
    let mut open = arguments.socket.open(socket_type).await?;
    let input = arguments.input.open(target, delimiter, arguments.count);
    let sent = match input {
        Ok(input) => {
            let other = open.sender();
            let sending = send_all(&arguments.socket, &arguments.target, &other, input);
            open.unless_refused(sending).await
        }
        Err(failure) => Err(failure),
    };
    finish(open, sent).await
}

/// Sends all messages of the input.
pub(super) async fn send_all(
    socket: &SocketArguments,
    target: &TargetArguments,
    open: &Open,
    mut input: Input,
) -> Result<(), Failure> {
    let mut waits = !target.no_wait;
    while let Some(outgoing) = input.next().await? {
        if std::mem::take(&mut waits) {
            let waiting = wait_for_recipients(open, &outgoing);
            socket.in_time(open, "recipient", waiting).await?;
        }
        socket.in_time(open, "remote with room", send(open, outgoing)).await?;
    }
    Ok(())
}

impl TargetArguments {
    /// Returns a message without parts, for the remote or the group that the arguments name.
    pub(super) fn target(&self, socket_type: SocketType) -> Result<Outgoing, Failure> {
        let mut outgoing = Outgoing::default();
        if let Some(group) = &self.group {
            let invalid = |error| Failure::usage(format!("--group: {error}"));
            outgoing.group = Some(Group::try_from(group.as_str()).map_err(invalid)?);
        }
        if let Some(to) = &self.to {
            if socket_type == SocketType::Router {
                let invalid = |error| Failure::usage(format!("--to: {error}"));
                outgoing.identity = Some(Identity::try_from(to.as_str()).map_err(invalid)?);
            } else {
                let id = to.parse::<u32>().ok().and_then(|id| id.try_into().ok());
                let invalid = || Failure::usage(format!("--to: `{to}` is not a routing id"));
                outgoing.routing_id = Some(id.ok_or_else(invalid)?);
            }
        }
        Ok(outgoing)
    }
}
