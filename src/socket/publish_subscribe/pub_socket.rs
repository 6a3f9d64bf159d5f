//! PUB.

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
use crate::options::Options;
use crate::routing::SubscriptionTable;
use crate::socket::sections::{closed_sink, cooperative_scheduling, ending, silent_failures};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport};
use crate::socket::{Core, Handle, Kind};

/// A socket that sends each message to all remotes that have subscribed to it (RFC 29).
///
/// A `Pub` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send concurrently, from any task or thread. It has no method that receives.
///
/// A message has one or more parts: see [`Multipart`]. A remote receives each message whose first
/// part begins with a topic that it has subscribed to, and receives it once even if several topics
/// match. A message is encoded once for all subscribers. Up to 256 bytes, with frame headers, are
/// copied into the queue of each subscriber; a longer message is held once.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Pub, Sub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = Pub::new();
/// let endpoint = publisher.bind("tcp://127.0.0.1:*").await?;
/// let sub = Sub::new();
/// sub.subscribe("weather.")?;
/// sub.connect(endpoint).await?;
///
/// // A subscriber receives what is sent after its subscription has arrived: see Late joiners.
/// publisher.subscribed("weather.london").await?;
/// publisher.send(["traffic.london", "jam"]).await?;
/// publisher.send(["weather.london", "rain"]).await?;
/// assert_eq!(sub.recv().await?, ["weather.london", "rain"]);
/// assert_eq!(publisher.subscribers("traffic.london"), 0);
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Sub`](crate::Sub), [`XSub`](crate::XSub) |
/// | Direction | unidirectional |
/// | Send/receive pattern | send only |
/// | Outgoing routing strategy | fan out by topic |
/// | Incoming routing strategy | none |
/// | Action in mute state | drop, or as [`slow_subscriber`](Builder::slow_subscriber) specifies |
///
/// # Subscriptions
///
/// A topic is a prefix of the first part, of any bytes; the empty topic matches all messages. A
/// remote has a set of topics: one cancellation ends any number of subscriptions to the same topic.
/// Subscriptions are handled when they arrive, whether or not the application uses the socket.
///
/// [`subscribers`](Self::subscribers) counts the subscribers of a message. With
/// [`subscription_events`](Builder::subscription_events), the [`monitor`](Self::monitor) reports
/// each subscription and each cancellation.
///
/// The memory that remotes claim by subscribing is limited. A remote that exceeds
/// [`max_topics_per_remote`](Builder::max_topics_per_remote),
/// [`max_topic_bytes_per_remote`](Builder::max_topic_bytes_per_remote) or
/// [`max_topic_bytes`](Builder::max_topic_bytes) is disconnected, which is reported as
/// [`TooManyTopics`](crate::monitor::DisconnectReason::TooManyTopics). A publisher can raise these
/// limits for trusted subscribers of many topics. A topic of more than 32 KiB ends the connection
/// as well.
///
/// Messages that a remote sends are discarded, and counted as
/// [unread](crate::stats::Dropped::unread) when its connection ends. Each is read as a whole first:
/// [`max_message_size`](Builder::max_message_size) limits its size. This limit also applies to the
/// subscriptions of remotes with ZMTP 3.0, which are messages of one byte and the topic. Set it
/// above the length of the longest topic.
///
/// # Late joiners
///
/// A remote receives what is sent after the publisher has read its subscription, which takes a
/// moment after every connect and reconnect. A message without subscribers is dropped and not
/// counted. [`subscribed`](Self::subscribed) waits until a message has a subscriber. There is no
/// `hello_message`, because a connection begins without subscriptions.
///
/// A publisher that *connected to* a subscriber queues messages for the topics of the earlier
/// connection while it reconnects. The remote receives the queued messages on the new connection,
/// and discards those that match none of its subscriptions.
///
/// # Mute state
///
/// A publisher is never mute as a whole. If the queue of a subscriber holds
/// [`send_hwm`](Builder::send_hwm) messages, that subscriber misses the message, and all others
/// receive it. [`slow_subscriber`](Builder::slow_subscriber) selects another policy:
///
/// | [`SlowSubscriber`](crate::SlowSubscriber) | Message for a full queue | Suits |
/// |---|---|---|
/// | `DropNewest`, the default | is dropped, as in libzmq | streams of events |
/// | `DropOldest` | displaces the oldest one | streams whose most recent messages matter |
/// | `KeepLast` | replaces the queued one with the same first part | current values |
/// | `Wait` | delays its sender | trusted subscribers that must receive everything |
/// | `Disconnect` | is dropped; a subscriber that misses several in a row is disconnected | subscribers that can start over |
///
/// The publisher counts the messages that a remote has missed:
/// [`RemoteStats::missed`](crate::stats::RemoteStats::missed) for each remote,
/// [`Dropped::missed`](crate::stats::Dropped::missed) for all. Replaced messages have a separate
/// counter, `replaced`. The [`monitor`](Self::monitor) reports the first message of a series of
/// either kind.
///
/// With `Wait`, a sender waits until the queues of all subscribers of its message have room:
/// [`full_subscribers`](Self::full_subscribers) returns the subscribers whose queue is full. One
/// subscriber that does not read blocks all senders of its topics. So does a subscriber that the
/// publisher *connected to* and that has left, until it returns or the publisher
/// [disconnects](Self::disconnect) from its endpoint. Each queue keeps a slot for every waiting
/// sender, in the order of arrival. A sender to several subscribers is therefore not overtaken, and
/// other messages use the remaining room.
///
#[doc = silent_failures!(
    "publisher",
    "subscriber",
    ": the subscriber misses messages when its queue is full."
)]
///
/// # Sink
///
/// A `Pub` is a [`Sink`](futures_sink::Sink) of everything that converts into a message.
#[doc = closed_sink!()]
///
#[doc = cooperative_scheduling!()]
/// The copies for the subscribers of a message count as well: with a hundred subscribers, it yields
/// about four times as often.
///
#[doc = ending!()]
#[derive(Clone)]
pub struct Pub(pub(in crate::socket) Handle<Self>);

impl Kind for Pub {
    const SOCKET_TYPE: SocketType = SocketType::Pub;
    const RECEIVES: bool = false;

    type Outgoing = SubscriptionTable;

    fn configure(core: &Core<SubscriptionTable>, options: &Options) {
        core.outgoing.lock().set_topic_options(options.topics);
    }
}

verbs!(Pub, "publisher", Multipart: Endpoints, Publish, Remotes, Options);
