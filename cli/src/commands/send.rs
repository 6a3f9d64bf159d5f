//! `zmtp send`, and the commands of the types that send.

use std::num::NonZeroUsize;

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
    /// Number of messages to send; 0 means no limit. Default: one, or all lines; no limit with
    /// --interval or --rate
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
    /// Send immediately, and drop messages without a subscriber (PUB, XPUB) or a member of the
    /// group (RADIO). By default, the first message waits for one
    #[arg(long, conflicts_with = "wait_for")]
    no_wait: bool,
    #[command(flatten)]
    pub(super) recipients: RecipientsArguments,
}

/// How many remotes there are when the first message is sent.
#[derive(Clone, Debug, Args)]
pub(crate) struct RecipientsArguments {
    /// Number of remotes that the first message waits for, such as the number of workers that share
    /// the messages. A PUB or XPUB waits for subscribers of the message, and a RADIO for members of
    /// the group. With 1, sending begins with the first remote, which may then receive all messages
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    wait_for: NonZeroUsize,
}

pub(crate) async fn run(
    mut arguments: SendArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint_before_parts(&mut arguments.input.parts)?;
    arguments.target.recipients.prepare(&mut arguments.socket, socket_type);
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
            target.recipients.wait(socket, open, &outgoing).await?;
        }
        let (identity, routing_id) = (outgoing.identity.clone(), outgoing.routing_id);
        let awaited = || open.awaited(identity.as_ref(), routing_id);
        socket.in_time_or(open, awaited, send(open, outgoing)).await?;
    }
    Ok(())
}

impl RecipientsArguments {
    /// Has the socket report what the wait needs.
    pub(super) fn prepare(&self, socket: &mut SocketArguments, socket_type: SocketType) {
        let is_publisher = matches!(socket_type, SocketType::Pub | SocketType::Xpub);
        if is_publisher && self.wait_for.get() > 1 {
            socket.report_subscriptions();
        }
    }

    /// Waits for the recipients of the first message.
    pub(super) async fn wait(
        &self,
        socket: &SocketArguments,
        open: &Open,
        first: &Outgoing,
    ) -> Result<(), Failure> {
        let count = self.wait_for.get();
        let awaited = if count == 1 { "recipient" } else { "sufficient number of remotes" };
        socket.in_time(open, awaited, wait_for_recipients(open, first, count)).await
    }
}

impl TargetArguments {
    /// Returns a message without parts, for the remote or the group that the arguments name.
    pub(super) fn target(&self, socket_type: SocketType) -> Result<Outgoing, Failure> {
        let mut outgoing = Outgoing::default();
        let misplaced = [
            ("--group", self.group.is_some(), &[SocketType::Radio][..]),
            ("--to", self.to.is_some(), ROUTING),
            ("--no-wait", self.no_wait, PUBLISHING),
        ];
        if let Some((name, _, types)) = misplaced
            .into_iter()
            .find(|(_, is_given, types)| *is_given && !types.contains(&socket_type))
        {
            let types: Vec<_> = types.iter().map(|one| one.as_str()).collect();
            let failure = Failure::usage(format!("a {socket_type} has no {name}"));
            return Err(failure.hint(format!("it is for {}", types.join(", "))));
        }
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

/// The types that send each message to one remote.
const ROUTING: &[SocketType] = &[SocketType::Router, SocketType::Server, SocketType::Peer];

/// The types that drop messages without a recipient.
const PUBLISHING: &[SocketType] = &[SocketType::Pub, SocketType::Xpub, SocketType::Radio];
