//! Receiving with a socket of any type.

use tokio_zmtp::config::AnySocket;
use tokio_zmtp::{
    Group, GroupMessage, Identity, Message, MessageParts, Multipart, RecvError, RouterMessage,
    RoutingId, Upstream,
};

use super::name_of;
use crate::exit::{Exit, Failure};

/// A message of a socket of any type.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) origin: Origin,
    pub(crate) body: Body,
}

/// What a message names besides its parts.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// Nothing.
    Unnamed,
    /// The group of a DISH.
    Group(Group),
    /// The remote of a ROUTER.
    Identity(Identity),
    /// What a subscriber requests of an XPUB: `subscribe` or `cancel`. The body is the topic.
    Notice(&'static str),
    /// The remote of a SERVER or PEER.
    RoutingId(RoutingId),
}

/// The parts of a message.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Group(GroupMessage),
    Message(Message),
    Multipart(Multipart),
}

/// The parts of a message, one after the other.
#[derive(Debug)]
pub(crate) enum Parts<'a> {
    One(Option<&'a [u8]>),
    Many(MessageParts<'a>),
}

impl Received {
    pub(crate) fn parts(&self) -> Parts<'_> {
        match &self.body {
            Body::Group(message) => Parts::One(Some(message)),
            Body::Message(message) => Parts::One(Some(message)),
            Body::Multipart(message) => Parts::Many(message.iter()),
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::One(part) => part.take(),
            Self::Many(parts) => parts.next(),
        }
    }
}

/// Waits for messages, and appends those that have arrived, up to a limit. Returns `false` if the
/// socket is closed. Dropping the future loses no message.
pub(crate) async fn recv_many(
    socket: &AnySocket,
    batch: &mut Vec<Received>,
    limit: usize,
) -> Result<bool, Failure> {
    macro_rules! receive {
        ($socket:expr) => {{
            let mut messages = Vec::new();
            let received = $socket.recv_many(&mut messages, limit).await;
            batch.extend(messages.into_iter().map(Received::from));
            received
        }};
    }
    let received = match socket {
        AnySocket::Channel(socket) => receive!(socket),
        AnySocket::Client(socket) => receive!(socket),
        AnySocket::Dealer(socket) => receive!(socket),
        AnySocket::Dish(socket) => receive!(socket),
        AnySocket::Gather(socket) => receive!(socket),
        AnySocket::Pair(socket) => receive!(socket),
        AnySocket::Peer(socket) => receive!(socket),
        AnySocket::Pull(socket) => receive!(socket),
        AnySocket::Router(socket) => receive!(socket),
        AnySocket::Server(socket) => receive!(socket),
        AnySocket::Sub(socket) => receive!(socket),
        AnySocket::XPub(socket) => receive!(socket),
        AnySocket::XSub(socket) => receive!(socket),
        other => {
            let socket_type = other.socket_type();
            let name = name_of(socket_type);
            return Err(Failure::usage(format!("{socket_type} does not receive messages"))
                .hint(format!("see `zmtp {name} --help`")));
        }
    };
    match received {
        Ok(_) => Ok(true),
        Err(RecvError::Closed) => Ok(false),
        Err(error) => Err(Failure::new(Exit::TimedOut, error.to_string())),
    }
}

impl From<Message> for Received {
    fn from(message: Message) -> Self {
        let origin = message.routing_id().map_or(Origin::Unnamed, Origin::RoutingId);
        Self { origin, body: Body::Message(message) }
    }
}

impl From<GroupMessage> for Received {
    fn from(message: GroupMessage) -> Self {
        Self { origin: Origin::Group(message.group()), body: Body::Group(message) }
    }
}

impl From<Multipart> for Received {
    fn from(message: Multipart) -> Self {
        Self { origin: Origin::Unnamed, body: Body::Multipart(message) }
    }
}

impl From<RouterMessage> for Received {
    fn from(message: RouterMessage) -> Self {
        let (identity, message) = message.split();
        Self { origin: Origin::Identity(identity), body: Body::Multipart(message) }
    }
}

impl From<Upstream> for Received {
    fn from(upstream: Upstream) -> Self {
        let notice = |name, request: &tokio_zmtp::SubscriptionRequest| Self {
            origin: Origin::Notice(name),
            body: Body::Multipart(Multipart::from_iter([request.topic().as_bytes()])),
        };
        match upstream {
            Upstream::Subscribe(request) => notice("subscribe", &request),
            Upstream::Cancel(request) => notice("cancel", &request),
            Upstream::Message(message) => message.into(),
        }
    }
}
