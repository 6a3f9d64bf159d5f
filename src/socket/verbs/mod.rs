//! The methods that socket types share, each written once.
//!
//! A socket type is a newtype around a [`Handle`](super::Handle). One line gives it the methods of
//! its capabilities:
//!
//! ```ignore
//! verbs!(Client, "client": Endpoints, Send, Receive, Remotes, Options, Hellos, Hiccups);
//! ```
//!
//! The literal is the name of the handle in the examples. The type of its messages follows it,
//! unless that is `Message`. `Route` also names the type of its target: `Route<RoutingId>`, and
//! `Receive` that of received messages, if they are of another one. Every type gets its constructors, `monitor`, `stats`, `close`, the trait [`Socket`](super::Socket),
//! `Debug` and equality as well. The [`Kind`](super::Kind) of the type decides what a send names
//! and which pipes it picks.
//!
//! A verb contains its signature and its documentation. What it does is written in
//! [`Handle`](super::Handle), once for every target.

mod batch;
mod broadcast;
mod connect_identity;
mod connect_peer;
mod distribution;
mod endpoints;
mod groups;
mod identity;
mod join;
mod lifecycle;
mod notices;
mod options;
mod parts;
mod publish;
mod receive;
mod remotes;
mod request;
mod route;
mod send;
mod sink;
mod subscribe;
mod topics;
mod transmit;

pub(super) use self::batch::batch_verbs;
pub(super) use self::broadcast::broadcast_verbs;
pub(super) use self::connect_identity::connect_identity_verbs;
pub(super) use self::connect_peer::connect_peer_verb;
pub(super) use self::distribution::distribution_verbs;
pub(super) use self::endpoints::endpoint_verbs;
pub(super) use self::groups::{group_options, multicast_options};
pub(super) use self::identity::identity_options;
pub(super) use self::join::join_verbs;
pub(super) use self::lifecycle::{constructors, ending, example, group_example, shared_traits};
pub(super) use self::notices::{disconnect_option, hello_option, hiccup_option};
pub(super) use self::options::{option_verbs, receiving_option_verbs, sending_option_verbs};
pub(super) use self::parts::parts_option;
pub(super) use self::publish::publish_verbs;
pub(super) use self::receive::receive_verbs;
pub(super) use self::remotes::remote_verbs;
pub(super) use self::request::request_verbs;
pub(super) use self::route::route_verbs;
pub(super) use self::send::send_verbs;
pub(super) use self::sink::sink;
pub(super) use self::subscribe::{invert_matching_option, subscribe_verbs};
pub(super) use self::topics::topic_options;
pub(super) use self::transmit::transmit_verbs;

/// Gives a socket type the methods of its capabilities, in the order of its documentation.
macro_rules! verbs {
    ($socket:ident, $handle:literal: $($capability:ident $(<$target:ident>)?),+) => {
        $crate::socket::verbs::verbs!(
            $socket, $handle, $crate::message::Message: $($capability $(<$target>)?),+
        );
    };
    ($socket:ident, $handle:literal, $message:ty: $($capability:ident $(<$target:ident>)?),+) => {
        $crate::socket::verbs::constructors!($socket, $handle);
        $($crate::socket::verbs::verbs!(@$capability $socket, $handle, $message $(, $target)?);)+
        $crate::socket::verbs::ending!($socket, $handle, $message);
        $crate::socket::verbs::shared_traits!($socket);
    };
    // `send` and its variant, `Sink`, and the limits of messages to send: every message is for all
    // remotes.
    (@Broadcast $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::broadcast_verbs!($socket, $handle, $message);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
    };
    // `connect_identity`, `remote`, and the options of a builder for the identities of remotes.
    (@ConnectIdentity $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::connect_identity_verbs!($socket, $handle);
    };
    // `connect_peer`: connects, and returns the routing id of the remote.
    (@ConnectPeer $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::connect_peer_verb!($socket, $handle);
    };
    // The option of a builder for a message on each end of an accepted connection.
    (@Disconnects $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::disconnect_option!($socket, $handle);
    };
    // The options of a builder for the distribution of messages, and `recv_returned` and its
    // variant for the messages that remotes have left.
    (@Distribution $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::distribution_verbs!($socket, $handle, $message);
    };
    // `bind`, `connect` and their opposites.
    (@Endpoints $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::endpoint_verbs!($socket, $handle);
    };
    // The option of a builder for a message that begins each connection.
    (@Hellos $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::hello_option!($socket);
    };
    // The option of a builder for a message on each end of a dialed connection.
    (@Hiccups $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::hiccup_option!($socket, $handle);
    };
    // The options of a builder for how a ROUTER knows the socket.
    (@Identity $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::identity_options!($socket, $handle);
    };
    // `join`, `leave` and `joined`, and the option of a builder for groups that are joined first.
    (@Join $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::join_verbs!($socket, $handle);
    };
    // The limits of both directions, for a type with verbs of its own.
    (@Limits $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::receiving_option_verbs!($socket, $handle);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
    };
    // The options of every type that can be changed while the socket is in use.
    (@Options $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::option_verbs!($socket, $handle);
    };
    // The option of a builder for messages that match no subscription.
    (@InvertMatching $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::invert_matching_option!($socket, $handle);
    };
    // The option of a builder for the number of parts of a received message.
    (@Parts $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::parts_option!($socket);
    };
    // `send` and its variants, `Sink`, the view of the subscribers, and the limits of messages to
    // send and of subscriptions: the first part of a message determines its remotes.
    (@Publish $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::publish_verbs!($socket, $handle, $message);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
        $crate::socket::verbs::topic_options!($socket, $handle);
    };
    // `recv` and its variants, `Stream`, and the limits of received messages.
    (@Receive $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::receive_verbs!($socket, $handle, $message);
        $crate::socket::verbs::receiving_option_verbs!($socket, $handle);
    };
    // The same, for a type that receives other messages than it sends.
    (@Receive $socket:ident, $handle:literal, $message:ty, $received:ident) => {
        $crate::socket::verbs::receive_verbs!($socket, $handle, $crate::message::$received);
        $crate::socket::verbs::receiving_option_verbs!($socket, $handle);
    };
    // The view of the remotes, `monitor` and `stats`.
    (@Remotes $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::remote_verbs!($socket, $handle);
    };
    // `request` and its variant, their options, and the limits of messages to send.
    (@Requests $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::request_verbs!($socket, $handle, $message);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
    };
    // `route` and `reply` with their variants, `Sink`, and the limits of messages to send: the
    // sender names the remote.
    (@Route $socket:ident, $handle:literal, $message:ty, $target:ident) => {
        $crate::socket::verbs::route_verbs!($socket, $handle, $message, $target);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
    };
    // `send` and its variants, `Sink`, and the limits of messages to send: the socket picks the
    // remote.
    (@Send $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::send_verbs!($socket, $handle, $message);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
    };
    // `subscribe`, `unsubscribe` and `subscriptions`, and the option of a builder for the first
    // topics.
    (@Subscribe $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::subscribe_verbs!($socket, $handle);
    };
    // `send` and its variants, `Sink`, and the limits of messages to send, of groups and of
    // multicast datagrams: the sender names a group.
    (@Transmit $socket:ident, $handle:literal, $message:ty) => {
        $crate::socket::verbs::transmit_verbs!($socket, $handle, $message);
        $crate::socket::verbs::sending_option_verbs!($socket, $handle);
        $crate::socket::verbs::group_options!($socket, $handle);
        $crate::socket::verbs::multicast_options!($socket, $handle);
    };
}

pub(super) use verbs;
