//! The combinations of sockets that a proxy can join.

use std::sync::Arc;

use self::sealed::{Directions, HasCaptureSink, Joins};
use crate::message::{GroupMessage, Message, Multipart};
use crate::socket::forwarding::{CaptureSink, are_same, capture_sink, forward};
use crate::socket::{
    Channel, Client, Dealer, Dish, Gather, Pair, Pub, Pull, Push, Radio, Router, Scatter, Sub,
    XPub, XSub,
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
/// | [`Pull`] | [`Pub`], [`Push`], [`XPub`] | from the [`Pull`] to the other |
/// | [`Sub`] | [`Pub`], [`Push`], [`XPub`] | from the [`Sub`] to the other |
/// | [`XSub`] | [`Pub`], [`Push`] | from the [`XSub`] to the other |
/// | [`XSub`] | [`XPub`] | both: see [Subscriptions](#subscriptions) |
///
/// Both ends may be the same socket, which then sends what it receives. Other pairs do not compile,
/// such as two sockets that only receive, or a [`Dealer`] and a [`Push`]. To forward one direction
/// of such a pair, use `StreamExt::forward`.
///
/// A proxy joins no groups, and forwards subscriptions only between an [`XSub`] and an [`XPub`]. It
/// forwards the messages that match the subscriptions of its [`Sub`], all messages that its
/// [`XSub`] receives, and those of the groups that its [`Dish`] has joined. A subscriber of the
/// [`Pub`] or [`XPub`] or a member of the [`Radio`] whose queue is full misses messages, unless
/// [`slow_subscriber`](crate::Builder::slow_subscriber) or [`no_drop`](crate::Builder::no_drop)
/// specifies another policy. Messages without subscribers or members are dropped. While the
/// [`Radio`] has a `udp` endpoint, messages that do not fit a datagram are
/// [counted](super::ProxyStats::too_long) and dropped.
///
/// # Subscriptions
///
/// An [`XSub`] and an [`XPub`] form a broker between publishers and subscribers. Several brokers
/// can form a chain. The [`XSub`] subscribes to a topic when the topic has its first subscriber,
/// and unsubscribes when the last one has cancelled or left. It announces its subscriptions to
/// publishers that connect or reconnect. A proxy forwards no other request, even if the [`XPub`] is
/// [verbose](crate::Verbosity): the [`XSub`] counts subscriptions, and would keep repeated ones.
/// User messages of subscribers go to all publishers. Subscriptions count as messages in the
/// statistics, and the [capture](super::Proxy::capture) receives them
/// [as messages](XSub#subscriptions-as-messages).
///
/// To a publisher, the [`XSub`] is a single remote with the topics of all subscribers. A [`Pub`] or
/// [`XPub`] of this crate limits their number:
/// [`max_topics_per_remote`](crate::Builder::max_topics_per_remote).
///
/// The subscriptions belong to the [`XSub`]. They remain when the proxy ends, so that another proxy
/// of the same sockets can continue. Close both sockets together: if only the [`XPub`] is closed,
/// the subscriptions of its subscribers remain. The application must not receive from the [`XPub`]
/// itself: the proxy would miss requests. In [manual mode](XPub#manual-mode), a proxy forwards
/// requests but does not accept them, so that subscribers receive nothing.
///
/// ```
/// use tokio_zmtp::{Pub, Sub, XPub, XSub, proxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Publishers and subscribers come and go. They know only the endpoints of the broker.
/// let (frontend, backend) = (XSub::new(), XPub::new());
/// let for_publishers = frontend.bind("tcp://127.0.0.1:*").await?;
/// let for_subscribers = backend.bind("tcp://127.0.0.1:*").await?;
/// tokio::spawn(proxy(&frontend, &backend));
///
/// let publisher = Pub::builder().connect(for_publishers).await?;
/// let sub = Sub::builder().connect(for_subscribers).await?;
/// sub.subscribe("weather.")?;
/// publisher.subscribed("weather.").await?;
/// publisher.send(["weather.london", "rain"]).await?;
/// assert_eq!(sub.recv().await?, ["weather.london", "rain"]);
/// # Ok(())
/// # }
/// ```
///
/// A proxy from another socket to an [`XPub`] leaves the requests to the application, which must
/// receive them: the [`XPub`] stops reading from remotes with many unread requests. A [`Pub`] does
/// not have this restriction.
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
one_way!(Pull => XPub: Multipart);
one_way!(Sub => Pub: Multipart);
one_way!(Sub => Push: Multipart);
one_way!(Sub => XPub: Multipart);
one_way!(XSub => Pub: Multipart);
one_way!(XSub => Push: Multipart);
both_ways!(XPub, XSub: Multipart);
both_ways!(XSub, XPub: Multipart);

capture!(Channel: Message);
capture!(Client: Message);
capture!(Dealer: Multipart);
capture!(Pair: Multipart);
capture!(Pub: Multipart);
capture!(Push: Multipart);
capture!(Radio: GroupMessage);
capture!(Scatter: Message);
capture!(XPub: Multipart);

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
