//! XSUB.

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
use crate::options::Options;
use crate::routing::Publishers;
use crate::socket::sections::{
    closed_sink, cooperative_scheduling, ending, parts, silent_failures,
};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Core, Handle, Kind};

/// A socket that subscribes to topics like a [`Sub`](crate::Sub), receives messages without
/// filtering them, and sends messages to its publishers (RFC 29).
///
/// An `XSub` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send, receive, subscribe and unsubscribe concurrently, from any task or thread. A
/// received message goes to one of the handles that wait in `recv`.
///
/// A [`proxy`](crate::proxy::ProxyWith#subscriptions) of an `XSub` and an [`XPub`](crate::XPub)
/// connects publishers and subscribers.
///
/// A message has one or more parts: see [`Multipart`].
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Pub, XSub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let xsub = XSub::new();
/// xsub.subscribe("weather.")?;
/// let publisher = Pub::new();
/// xsub.connect(publisher.bind("tcp://127.0.0.1:*").await?).await?;
///
/// publisher.subscribed("weather.").await?;
/// publisher.send(["weather.london", "rain"]).await?;
/// assert_eq!(xsub.recv().await?, ["weather.london", "rain"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Pub`](crate::Pub), [`XPub`](crate::XPub) |
/// | Direction | bidirectional |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | fan out to all |
/// | Incoming routing strategy | fair-queued |
/// | Action in mute state | drop |
///
/// # Subscriptions
///
/// [`subscribe`](Self::subscribe) and [`unsubscribe`](Self::unsubscribe) change the subscriptions.
/// As in a [`Sub`](crate::Sub#subscriptions), they are a state with a count for each topic. They
/// are announced on every connection, in the form that the remote's version of ZMTP requires. No
/// high-water mark applies to subscriptions, and none is lost.
///
/// An `XSub` does not filter. It receives every message that a publisher sends to it, including
/// messages that were in transit when it unsubscribed.
///
/// # Subscriptions as messages
///
/// Sending a message of one part can change the subscriptions. If its first byte is 1, the socket
/// subscribes to the topic that follows this byte; if it is 0, the socket unsubscribes from the
/// topic. The effect is that of [`subscribe`](Self::subscribe) or
/// [`unsubscribe`](Self::unsubscribe), and the message itself is not sent. An XSUB of libzmq
/// subscribes in this way, and so does a proxy, which forwards the requests of subscribers. If the
/// topic is longer than [32 KiB](crate::Topic::LEN_MAX), sending fails with
/// [`SendError::TooLong`](crate::SendError::TooLong).
///
/// Every other message is a *user message* for the publishers: an empty message, a message that
/// begins with another byte, and a message of several parts. A [`Pub`](crate::Pub) discards user
/// messages; an [`XPub`](crate::XPub) receives them.
///
/// By default, an XSUB of libzmq treats every part that begins with 0 or 1 as a subscription (see
/// `ZMQ_ONLY_FIRST_SUBSCRIBE`). An XPUB of libzmq ends the message at such a part: do not send it
/// parts that begin with these bytes.
///
#[doc = parts!()]
///
/// # Mute state
///
/// An `XSub` is never mute as a whole. If the queue of a publisher holds
/// [`send_hwm`](Builder::send_hwm) user messages, that publisher misses the message, and all others
/// receive it. The socket counts the messages that a remote has missed:
/// [`RemoteStats::missed`](crate::stats::RemoteStats::missed) for each remote,
/// [`Dropped::missed`](crate::stats::Dropped::missed) for all. The [`monitor`](Self::monitor)
/// reports the first of a series. Without publishers, a user message is dropped and not counted.
///
/// A publisher that the socket *connected to* has its queue from the moment `connect` returns,
/// whether or not the connection is established: user messages wait there for the connection or the
/// reconnect. A publisher that connected to the socket has a queue only while it is connected.
///
/// While [`recv_hwm`](Builder::recv_hwm) messages of a remote are queued, the socket does not read
/// from that remote. When the queue of the publisher is full as well, the publisher applies its
/// policy for slow subscribers: see [`slow_subscriber`](Builder::slow_subscriber).
///
#[doc = silent_failures!(
    "socket",
    "publisher",
    ": the publisher misses messages when its queue is full, and no event reports the failure."
)]
///
/// # Stream and Sink
///
/// An `XSub` is a [`Stream`](futures_core::Stream) of received messages, which ends when the socket
/// is closed, and a [`Sink`](futures_sink::Sink) of everything that converts into a message.
#[doc = closed_sink!()]
///
#[doc = cooperative_scheduling!()]
/// The copies for the publishers count as well.
///
#[doc = ending!()]
#[derive(Clone)]
pub struct XSub(pub(in crate::socket) Handle<Self>);

impl Kind for XSub {
    const SOCKET_TYPE: SocketType = SocketType::Xsub;

    type Outgoing = Publishers;

    fn configure(core: &Core<Publishers>, options: &Options) {
        for topic in &options.subscriptions.subscribe {
            core.add_interest(topic);
        }
    }
}

verbs!(XSub, "xsub", Multipart: Endpoints, Subscribe, Broadcast, Receive, Remotes, Options, Parts);
