//! Sending with a socket of any type.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::{
    Group, Identity, Message, Multipart, NoRemoteError, RouteError, RoutingId, SendError,
};

use super::{Open, name_of};
use crate::exit::{Exit, Failure, with_sources};

/// A message to send, and whom it is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outgoing {
    /// The group of a RADIO.
    pub(crate) group: Option<Group>,
    /// The remote of a ROUTER.
    pub(crate) identity: Option<Identity>,
    /// The remote of a SERVER or PEER.
    pub(crate) routing_id: Option<RoutingId>,
    pub(crate) parts: Vec<Bytes>,
    /// Whether it is for a remote that has been connected, and need not be waited for.
    pub(crate) is_reply: bool,
}

impl Outgoing {
    fn message(self, socket: &AnySocket) -> Result<Message, Failure> {
        let socket_type = socket.socket_type();
        <[Bytes; 1]>::try_from(self.parts).map(|[body]| body.into()).map_err(|parts| {
            let message = format!("{socket_type} sends messages of one part, not {}", parts.len());
            Failure::usage(message).hint("quote the text to make it one argument")
        })
    }

    fn group(&self) -> Result<Group, Failure> {
        let missing = || Failure::usage("a RADIO sends to a group").hint("name it with --group");
        self.group.clone().ok_or_else(missing)
    }

    /// Returns the first part, to which subscriptions apply.
    fn first(&self) -> &[u8] {
        self.parts.first().map_or(b"", |part| part)
    }

    fn multipart(self) -> Multipart {
        Multipart::from_iter(self.parts)
    }
}

/// Sends a message, and waits for room. A ROUTER, SERVER or PEER also waits for the remote.
pub(crate) async fn send(open: &Open, outgoing: Outgoing) -> Result<(), Failure> {
    let socket = &open.socket;
    match socket {
        AnySocket::Channel(channel) => done(channel.send(outgoing.message(socket)?).await),
        AnySocket::Client(client) => done(client.send(outgoing.message(socket)?).await),
        AnySocket::Dealer(dealer) => done(dealer.send(outgoing.multipart()).await),
        AnySocket::Pair(pair) => done(pair.send(outgoing.multipart()).await),
        AnySocket::Pub(publisher) => {
            open.count_unclaimed(|| publisher.subscribers(outgoing.first()));
            done(publisher.send(outgoing.multipart()).await)
        }
        AnySocket::Push(push) => done(push.send(outgoing.multipart()).await),
        AnySocket::Radio(radio) => {
            let group = outgoing.group()?;
            done(radio.send(&group, outgoing.message(socket)?).await)
        }
        AnySocket::Peer(_) | AnySocket::Router(_) | AnySocket::Server(_) => {
            route(open, outgoing).await
        }
        AnySocket::Scatter(scatter) => done(scatter.send(outgoing.message(socket)?).await),
        AnySocket::XPub(publisher) => {
            open.count_unclaimed(|| publisher.subscribers(outgoing.first()));
            done(publisher.send(outgoing.multipart()).await)
        }
        AnySocket::XSub(subscriber) => done(subscriber.send(outgoing.multipart()).await),
        other => {
            let socket_type = other.socket_type();
            let name = name_of(socket_type);
            Err(Failure::usage(format!("{socket_type} does not send messages"))
                .hint(format!("see `zmtp {name} --help`")))
        }
    }
}

impl Open {
    /// Describes what a message for this remote, or for any, waits for.
    pub(crate) fn awaited(&self, identity: Option<&Identity>, id: Option<RoutingId>) -> String {
        let remotes = self.socket.remotes();
        match (identity, id) {
            (Some(identity), _)
                if !remotes.iter().any(|remote| remote.identity() == Some(identity)) =>
            {
                format!("remote with the id `{identity}`")
            }
            (_, Some(id)) if !remotes.iter().any(|remote| remote.routing_id() == Some(id)) => {
                format!("remote with the id `{id}`")
            }
            _ if remotes.is_empty() => "connected remote".to_owned(),
            _ => "remote with room".to_owned(),
        }
    }
}

/// Sends a message to one remote, by default the first one.
async fn route(open: &Open, outgoing: Outgoing) -> Result<(), Failure> {
    let mut recipients = open.watch.recipients();
    loop {
        let remotes = open.socket.remotes();
        let sent = match &open.socket {
            AnySocket::Router(router) => {
                let first = || remotes.iter().find_map(|remote| remote.identity().cloned());
                match outgoing.identity.clone().or_else(first) {
                    Some(identity) => {
                        // By default, a ROUTER does not wait for room.
                        let message = outgoing.clone().multipart();
                        router.route_timeout(&identity, message, FOREVER).await.map_err(erase)
                    }
                    None => Err(RouteError::HostUnreachable(())),
                }
            }
            socket => {
                let first = || remotes.iter().find_map(|remote| remote.routing_id());
                let message = outgoing.clone().message(socket)?;
                match (outgoing.routing_id.or_else(first), socket) {
                    (Some(id), AnySocket::Peer(peer)) => {
                        peer.route(id, message).await.map_err(erase)
                    }
                    (Some(id), AnySocket::Server(server)) => {
                        server.route(id, message).await.map_err(erase)
                    }
                    _ => Err(RouteError::HostUnreachable(())),
                }
            }
        };
        match sent {
            Ok(()) => return Ok(()),
            Err(RouteError::HostUnreachable(())) if !outgoing.is_reply => {
                open.patiently("for the remote to connect", recipients.next()).await;
            }
            Err(error @ RouteError::Timeout(())) => {
                return Err(Failure::new(Exit::TimedOut, error.to_string()));
            }
            Err(error) => return Err(Failure::new(Exit::Incomplete, error.to_string())),
        }
    }
}

/// Waits until there are `count` remotes for the first message: for a PUB, subscribers of the
/// message, and for a RADIO, members of its group. Other types wait themselves for the first remote.
pub(crate) async fn wait_for_recipients(
    open: &Open,
    outgoing: &Outgoing,
    count: usize,
) -> Result<(), Failure> {
    let first = outgoing.first();
    match &open.socket {
        AnySocket::Pub(publisher) => {
            let subscribers = || publisher.subscribers(first);
            wait_for_subscribers(open, publisher.subscribed(first), subscribers, count).await
        }
        AnySocket::XPub(publisher) => {
            let subscribers = || publisher.subscribers(first);
            wait_for_subscribers(open, publisher.subscribed(first), subscribers, count).await
        }
        AnySocket::Radio(radio) => {
            let group = outgoing.group()?;
            let waiting = async {
                while radio.members(&group).len() < count {
                    sleep(PAUSE).await;
                }
            };
            open.patiently("for a member of the group", waiting).await;
            Ok(())
        }
        _ if count == 1 => Ok(()),
        socket => {
            let awaited = format!("for {count} remotes");
            open.patiently(&awaited, socket.remotes().at_least(count)).await.map_err(no_remote)
        }
    }
}

/// Waits for the first subscriber, and then for the others, whose subscriptions are reported as
/// events.
async fn wait_for_subscribers(
    open: &Open,
    first: impl Future<Output = Result<(), NoRemoteError>>,
    subscribers: impl Fn() -> usize,
    count: usize,
) -> Result<(), Failure> {
    let mut recipients = open.watch.recipients();
    let waiting = async {
        first.await?;
        while subscribers() < count {
            recipients.next().await;
        }
        Ok(())
    };
    open.patiently("for a subscriber", waiting).await.map_err(no_remote)
}

fn no_remote(error: NoRemoteError) -> Failure {
    Failure::new(Exit::Refused, with_sources(&error))
}

fn done<T>(sent: Result<(), SendError<T>>) -> Result<(), Failure> {
    sent.map_err(|error| {
        let exit = match error {
            SendError::Timeout(_) => Exit::TimedOut,
            _ => Exit::Incomplete,
        };
        Failure::new(exit, error.to_string())
    })
}

fn erase<T>(error: RouteError<T>) -> RouteError<()> {
    match error {
        RouteError::Closed(_) => RouteError::Closed(()),
        RouteError::Timeout(_) => RouteError::Timeout(()),
        _ => RouteError::HostUnreachable(()),
    }
}

/// For a wait without a limit.
const FOREVER: Duration = Duration::MAX;

/// The pause between two looks at the members of a group, of which no event reports a change.
const PAUSE: Duration = Duration::from_millis(10);
