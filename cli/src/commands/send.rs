//! `zmtp send`, and the commands of the types that send.

use clap::Args;
use tokio_zmtp::{Group, Identity, SocketType};

use crate::arguments::SocketArguments;
use crate::exit::Failure;
use crate::input::{Input, InputArguments};
use crate::socket::{Open, Outgoing, finish, send};

#[derive(Clone, Debug, Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    socket: SocketArguments,
    #[command(flatten)]
    input: InputArguments,
    /// Group to send to (RADIO)
    #[arg(short, long, value_name = "GROUP")]
    group: Option<String>,
    /// Remote to send to: its identity (ROUTER), or its routing id (SERVER, PEER)
    #[arg(long, value_name = "ID")]
    to: Option<String>,
}

pub(crate) async fn run(
    mut arguments: SendArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.input.parts)?;
    let target = arguments.target(socket_type)?;
    let input = arguments.input.open()?;
    let mut open = arguments.socket.open(socket_type).await?;
    let sent = send_all(&arguments, &mut open, target, input).await;
    finish(open, sent).await
}

async fn send_all(
    arguments: &SendArguments,
    open: &mut Open,
    target: Outgoing,
    mut input: Input,
) -> Result<(), Failure> {
    while let Some(parts) = open.unless_refused(input.next()).await? {
        let outgoing = Outgoing { parts, ..target.clone() };
        let socket = open.socket.clone();
        arguments.socket.in_time(open, "remote with room", send(&socket, outgoing)).await?;
    }
    Ok(())
}

impl SendArguments {
    /// Returns a message without parts, for the remote or the group that the arguments name.
    fn target(&self, socket_type: SocketType) -> Result<Outgoing, Failure> {
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
