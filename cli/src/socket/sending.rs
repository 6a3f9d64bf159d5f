//! Sending with a socket of any type.

use bytes::Bytes;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::{Group, Identity, Message, Multipart, RouteError, RoutingId, SendError};

use crate::exit::{Exit, Failure};
use crate::socket::name_of;

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
}

impl Outgoing {
    fn message(self, socket: &AnySocket) -> Result<Message, Failure> {
        let socket_type = socket.socket_type();
        <[Bytes; 1]>::try_from(self.parts).map(|[body]| body.into()).map_err(|parts| {
            let message = format!("{socket_type} sends messages of one part, not {}", parts.len());
            Failure::usage(message).hint("quote the text to make it one argument")
        })
    }

    fn multipart(self) -> Multipart {
        Multipart::from_iter(self.parts)
    }
}

/// Sends a message, and waits for room.
pub(crate) async fn send(socket: &AnySocket, outgoing: Outgoing) -> Result<(), Failure> {
    match socket {
        AnySocket::Channel(channel) => done(channel.send(outgoing.message(socket)?).await),
        AnySocket::Client(client) => done(client.send(outgoing.message(socket)?).await),
        AnySocket::Dealer(dealer) => done(dealer.send(outgoing.multipart()).await),
        AnySocket::Pair(pair) => done(pair.send(outgoing.multipart()).await),
        AnySocket::Peer(peer) => {
            let id = outgoing.routing_id.ok_or_else(|| unaddressed("peer", "a routing id"))?;
            routed(peer.route(id, outgoing.message(socket)?).await)
        }
        AnySocket::Pub(publisher) => done(publisher.send(outgoing.multipart()).await),
        AnySocket::Push(push) => done(push.send(outgoing.multipart()).await),
        AnySocket::Radio(radio) => {
            let missing = || Failure::usage("a RADIO sends to a group").hint("name it by --group");
            let group = outgoing.group.clone().ok_or_else(missing)?;
            let body = outgoing.message(socket)?;
            done(radio.send(&group, body).await)
        }
        AnySocket::Router(router) => {
            let missing = || unaddressed("router", "an identity");
            let identity = outgoing.identity.clone().ok_or_else(missing)?;
            routed(router.route(&identity, outgoing.multipart()).await)
        }
        AnySocket::Scatter(scatter) => done(scatter.send(outgoing.message(socket)?).await),
        AnySocket::Server(server) => {
            let id = outgoing.routing_id.ok_or_else(|| unaddressed("server", "a routing id"))?;
            routed(server.route(id, outgoing.message(socket)?).await)
        }
        AnySocket::XPub(publisher) => done(publisher.send(outgoing.multipart()).await),
        AnySocket::XSub(subscriber) => done(subscriber.send(outgoing.multipart()).await),
        other => {
            let socket_type = other.socket_type();
            let name = name_of(socket_type);
            Err(Failure::usage(format!("{socket_type} does not send messages"))
                .hint(format!("see `zmtp {name} --help`")))
        }
    }
}

fn unaddressed(name: &str, target: &str) -> Failure {
    Failure::usage(format!("a {name} sends to one remote")).hint(format!("name {target} by --to"))
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

fn routed<T>(sent: Result<(), RouteError<T>>) -> Result<(), Failure> {
    sent.map_err(|error| Failure::new(Exit::Incomplete, error.to_string()))
}
