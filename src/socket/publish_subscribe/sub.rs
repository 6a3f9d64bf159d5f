//! SUB.

use zmtp_proto::socket_type::SocketType;
use zmtp_proto::topic::Topic;

use crate::message::Multipart;
use crate::options::Options;
use crate::routing::Interests;
#[cfg(doc)]
use crate::socket::Builder;
use crate::socket::sections::{
    cooperative_scheduling, ending_of_receiver, parts, silent_failures, stream,
};
use crate::socket::verbs::verbs;
use crate::socket::{Core, Handle, Kind};

/// A socket that subscribes to topics, and receives the messages that match from any number of
/// [`Pub`](crate::Pub)s (RFC 29).
///
/// A `Sub` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can receive, subscribe and unsubscribe concurrently, from any task or thread. It has no
/// method that sends. A message goes to one of the handles that wait in `recv`.
///
/// A message has one or more parts: see [`Multipart`].
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Pub, Sub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sub = Sub::new();
/// sub.subscribe("weather.")?;
/// let publisher = Pub::new();
/// sub.connect(publisher.bind("tcp://127.0.0.1:*").await?).await?;
///
/// // A publisher sends nothing to a subscriber before its subscription has arrived.
/// publisher.subscribed("weather.").await?;
/// publisher.send(["sports", "3:1"]).await?;
/// publisher.send(["weather.london", "rain"]).await?;
/// assert_eq!(sub.recv().await?, ["weather.london", "rain"]);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Pub`](crate::Pub), [`XPub`](crate::XPub) |
/// | Direction | unidirectional |
/// | Send/receive pattern | receive only |
/// | Outgoing routing strategy | none |
/// | Incoming routing strategy | fair-queued, by subscription |
/// | Action in mute state | not applicable |
///
/// # Subscriptions
///
/// A subscription matches every message whose first part begins with its topic. A new socket has
/// none, and receives nothing. The empty topic matches all messages.
///
/// The subscriptions are a state of the socket, which [`subscribe`](Self::subscribe) and
/// [`unsubscribe`](Self::unsubscribe) change at any time, before and after `bind` and `connect`.
/// The socket announces all of them to every remote when a connection is established, also after a
/// reconnect, and later the changes. No high-water mark applies to them, and none is lost. (libzmq
/// sends subscriptions as messages, and drops those above `ZMQ_SNDHWM` without an error.) A remote
/// that does not read receives only the difference when it reads again.
///
/// Subscriptions are counted: a topic that was subscribed to twice has to be unsubscribed from
/// twice.
///
/// A publisher sends only messages that match. Messages that were in transit when the socket
/// unsubscribed are discarded: after [`unsubscribe`](Self::unsubscribe) has ended a subscription,
/// no message is received unless another subscription matches it.
///
/// A publisher sends nothing to a subscriber before its subscription has arrived. Messages that are
/// published until then are not received. A [`Pub`](crate::Pub) can wait for a subscription:
/// [`subscribed`](crate::Pub::subscribed).
///
/// # Versions of ZMTP
///
/// Subscriptions are commands in ZMTP 3.1 and messages in ZMTP 3.0, the version that JeroMQ, NetMQ,
/// and libzmq up to 4.3.2 announce. Each remote receives the form of its version.
///
#[doc = parts!()]
///
/// # Mute state
///
/// A sub does not send and is never mute. While [`recv_hwm`](Builder::recv_hwm) messages of a
/// remote are queued, it does not read from that remote. When the queue of the publisher is full as
/// well, the publisher drops messages for this sub, or waits for it: see
/// [`slow_subscriber`](Builder::slow_subscriber).
///
#[doc = silent_failures!("sub", "publisher", ", and no event reports the failure.")]
///
#[doc = stream!("Sub", "messages")]
///
#[doc = cooperative_scheduling!()]
/// Discarded messages count as well. [`try_recv`](Self::try_recv) discards at most 512 messages,
/// and then returns as if none were available.
///
#[doc = ending_of_receiver!()]
#[derive(Clone)]
pub struct Sub(pub(in crate::socket) Handle<Self>);

impl Kind for Sub {
    const SOCKET_TYPE: SocketType = SocketType::Sub;

    type Outgoing = Interests<Topic>;

    fn configure(core: &Core<Interests<Topic>>, options: &Options) {
        if options.subscriptions.invert_matching {
            core.incoming.lock().invert_topics();
        }
        for topic in &options.subscriptions.subscribe {
            core.add_interest(topic);
        }
    }
}

verbs!(Sub, "sub", Multipart: Endpoints, Subscribe, InvertMatching, Receive, Remotes, Options, Parts);
