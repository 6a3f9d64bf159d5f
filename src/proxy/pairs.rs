//! The combinations of sockets that a proxy can join.

use std::sync::Arc;

use self::sealed::{Directions, HasCaptureSink, Joins};
use crate::message::{GroupMessage, Message, Multipart};
use crate::socket::forwarding::{CaptureSink, are_same, capture_sink, forward};
use crate::socket::{
    Channel, Client, Dealer, Dish, Gather, Pair, Pub, Pull, Push, Radio, Router, Scatter, Sub, XSub,
};

/// Pairs of socket types that a proxy can join, in either order.
///
/// | One | Other | Directions |
/// |---|---|---|
/// | [`Channel`] | [`Channel`], [`Client`] | both |
/// | [`Client`] | [`Client`] | both |
/// | [`Dealer`] | [`Dealer`], [`Pair`], [`Router`] | both |
/// | [`Dish`] | [`Radio`] | from the [`Dish`] to the [`Radio`] |
/// | [`Gather`] | [`Scatter`] | from the [`Gather`] to the [`Scatter`] |
/// | [`Pair`] | [`Pair`] | both |
/// | [`Pull`] | [`Pub`], [`Push`] | from the [`Pull`] to the other |
/// | [`Sub`] | [`Pub`], [`Push`] | from the [`Sub`] to the other |
/// | [`XSub`] | [`Pub`], [`Push`] | from the [`XSub`] to the other |
///
/// Both ends may be the same socket, which then sends what it receives. Two sockets do not fit if
/// messages of one of them have no destination: if both only receive or both only send, or if only
/// one of them has both directions. To forward one direction of such a pair, use
/// `StreamExt::forward`.
///
/// A proxy joins no groups, and passes on no subscriptions. It forwards the messages that match the
/// subscriptions of its [`Sub`], all that its [`XSub`] receives, and those of the groups that its
/// [`Dish`] has joined. A subscriber
/// of the [`Pub`] or a member of the [`Radio`] whose queue is full misses messages, unless
/// [`slow_subscriber`](crate::Builder::slow_subscriber) or [`no_drop`](crate::Builder::no_drop)
/// states otherwise. Messages without subscribers or members are dropped. While the [`Radio`] has a `udp` endpoint, it sends no messages that do not fit a
/// datagram: they are [counted](super::ProxyStats::too_long) and dropped.
///
/// # Sockets that address their remotes
///
/// A [`Router`] and a [`Dealer`] form the broker between clients and services, such as REQ and REP
/// sockets. The identity of the client is the first part of the message that the dealer sends. A
/// REP returns it with the reply, and the router sends the reply to the client with that identity.
/// If it has left, or its queue is full, the reply is [counted](super::ProxyStats::unroutable) and
/// dropped.
///
/// A [`Server`](crate::Server) or [`Peer`](crate::Peer) cannot be an end of a proxy. Such a socket
/// sends to a routing id, and a message of a thread-safe socket is a single body, in which a proxy
/// has no place for the id. The backend would send a request without the id of its sender, so that
/// the reply could not be routed back. An application whose bodies contain an address forwards
/// messages itself, with [`recv`](crate::Server::recv) and [`route`](crate::Server::route).
///
/// ```compile_fail,E0277
/// use tokio_zmtp::{Client, Server, proxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// proxy(&Server::new(), &Client::new()).await; // does not compile
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a proxy cannot join `{Self}` and `{B}`",
    note = "see `ProxyWith` for the pairs of sockets that fit"
)]
pub trait ProxyWith<B>: Joins<B> {
    /// The type of the messages that the proxy forwards.
    type Message;
}

/// Socket types that can be the [capture](super::Proxy::capture) of a proxy for messages of the
/// type `M`: they send such messages, and pick the remote themselves.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be the capture of a proxy")]
pub trait Capture<M>: HasCaptureSink {}

/// Two types that send and receive.
macro_rules! both_ways {
    ($frontend:ident, $backend:ident: $message:ident) => {
        impl ProxyWith<$backend> for $frontend {
            type Message = $message;
        }

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl Joins<$backend> for $frontend {
            fn directions(&self, backend: &$backend) -> Directions {
                // Between a socket and itself there is only one direction.
                let back = (!are_same(self, backend)).then(|| forward(backend, self));
                [Some(forward(self, backend)), back]
            }
        }
    };
}

/// A type that receives and one that sends.
macro_rules! one_way {
    ($source:ident => $destination:ident: $message:ident) => {
        impl ProxyWith<$destination> for $source {
            type Message = $message;
        }

        impl ProxyWith<$source> for $destination {
            type Message = $message;
        }

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl Joins<$destination> for $source {
            fn directions(&self, backend: &$destination) -> Directions {
                [Some(forward(self, backend)), None]
            }
        }

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl Joins<$source> for $destination {
            fn directions(&self, backend: &$source) -> Directions {
                [None, Some(forward(backend, self))]
            }
        }
    };
}

macro_rules! capture {
    ($socket:ident: $message:ident) => {
        impl Capture<$message> for $socket {}

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl HasCaptureSink for $socket {
            fn capture_sink(&self) -> Arc<dyn CaptureSink> {
                capture_sink(self)
            }
        }
    };
}

both_ways!(Channel, Channel: Message);
both_ways!(Channel, Client: Message);
both_ways!(Client, Channel: Message);
both_ways!(Client, Client: Message);
both_ways!(Dealer, Dealer: Multipart);
both_ways!(Dealer, Pair: Multipart);
both_ways!(Pair, Dealer: Multipart);
both_ways!(Pair, Pair: Multipart);
both_ways!(Dealer, Router: Multipart);
both_ways!(Router, Dealer: Multipart);
one_way!(Dish => Radio: GroupMessage);
one_way!(Gather => Scatter: Message);
one_way!(Pull => Pub: Multipart);
one_way!(Pull => Push: Multipart);
one_way!(Sub => Pub: Multipart);
one_way!(Sub => Push: Multipart);
one_way!(XSub => Pub: Multipart);
one_way!(XSub => Push: Multipart);

capture!(Channel: Message);
capture!(Client: Message);
capture!(Dealer: Multipart);
capture!(Pair: Multipart);
capture!(Pub: Multipart);
capture!(Push: Multipart);
capture!(Radio: GroupMessage);
capture!(Scatter: Message);

mod sealed {
    use std::sync::Arc;

    use crate::socket::forwarding::{CaptureSink, Forward};

    /// To the backend, and to the frontend.
    pub(crate) type Directions = [Option<Box<dyn Forward>>; 2];

    #[expect(
        private_interfaces,
        unnameable_types,
        reason = "so that other crates cannot implement it"
    )]
    pub trait Joins<B> {
        fn directions(&self, backend: &B) -> Directions;
    }

    #[expect(
        private_interfaces,
        unnameable_types,
        reason = "so that other crates cannot implement it"
    )]
    pub trait HasCaptureSink {
        fn capture_sink(&self) -> Arc<dyn CaptureSink>;
    }
}
