//! XPUB.

mod answers;
mod options;

use zmtp_proto::socket_type::SocketType;

use crate::message::Multipart;
#[cfg(doc)]
use crate::message::Upstream;
use crate::options::Options;
#[cfg(doc)]
use crate::options::Verbosity;
use crate::routing::NoticeTable;
use crate::socket::sections::{
    closed_sink, cooperative_scheduling, ending, parts, silent_failures,
};
use crate::socket::verbs::verbs;
#[cfg(doc)]
use crate::socket::{Builder, CloseReport, Pub};
use crate::socket::{Core, Handle, Kind};

/// A socket that sends each message to all remotes that have subscribed to it, and receives their
/// subscription requests (RFC 29).
///
/// An `XPub` sends like a [`Pub`]. In addition, it receives an [`Upstream`] for each topic that
/// gains its first subscriber or loses its last one, and for each
/// [user message](crate::XSub#subscriptions-as-messages) of an XSUB. Use it in a proxy, to create
/// only messages that have subscribers, or to send the last value to each new subscriber. If the
/// application does not receive, use a [`Pub`]: an `XPub` stops reading from subscribers whose
/// requests are not received.
///
/// An `XPub` is a handle: cloning it is cheap and returns another handle to the same socket. Every
/// handle can send and receive concurrently, from any task or thread. A request or message goes to
/// one of the handles that wait in `recv`.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Sub, Upstream, XPub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = XPub::new();
/// let endpoint = publisher.bind("tcp://127.0.0.1:*").await?;
/// let sub = Sub::new();
/// sub.subscribe("weather.london")?;
/// sub.connect(endpoint).await?;
///
/// // The topic has its first subscriber.
/// let Upstream::Subscribe(request) = publisher.recv().await? else { panic!("a request is due") };
/// assert_eq!(request.topic(), "weather.london");
/// publisher.send(["weather.london", "rain"]).await?;
/// assert_eq!(sub.recv().await?, ["weather.london", "rain"]);
///
/// // The topic has lost its last subscriber.
/// drop(sub);
/// let Upstream::Cancel(request) = publisher.recv().await? else { panic!("a request is due") };
/// assert_eq!(request.topic(), "weather.london");
/// # Ok(())
/// # }
/// ```
///
/// # Characteristics
///
/// | Characteristic | Value |
/// |---|---|
/// | Compatible remotes | [`Sub`](crate::Sub), [`XSub`](crate::XSub) |
/// | Direction | bidirectional; most incoming messages are requests |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | fan out by topic |
/// | Incoming routing strategy | fair-queued; requests in the order of the changes |
/// | Action in mute state | drop, or as [`slow_subscriber`](Builder::slow_subscriber) specifies |
///
/// Subscriptions and late joiners work as in a [`Pub`](Pub#subscriptions), with one exception: the
/// subscriptions of a remote end with its connection, even if the publisher *connected to* it, and
/// messages that are still queued for it are
/// [undelivered](crate::stats::Dropped::undelivered). The remote does not receive messages that are
/// published before it has subscribed again. A message for one connection therefore never
/// reaches another one, whose remote may be another program.
///
/// # Requests
///
/// [`Builder::verbosity`] determines which requests are received:
///
/// | Event | [`Changes`](Verbosity::Changes) | [`Verbose`](Verbosity::Verbose) | [`Verboser`](Verbosity::Verboser) |
/// |---|---|---|---|
/// | first subscription to a topic | yes | yes | yes |
/// | another subscription, of the same or another remote | | yes | yes |
/// | end of a subscription while others remain | | | yes |
/// | end of the last subscription | yes | yes | yes |
///
/// A subscription ends when the remote cancels it, or with the connection. A cancellation of a
/// topic that the remote has not subscribed to is ignored. (An XPUB of libzmq receives it as the
/// end of the topic, even if another remote has subscribed to the topic. A proxy then cancels the
/// topic for all subscribers.)
///
/// Requests are received in the order in which the subscriptions changed. The user messages of a
/// remote are received in the order in which it sent them, independently of its requests.
///
/// No request is dropped. After [`recv_hwm`](Builder::recv_hwm) unread requests of a remote, the
/// socket stops reading from it until half of them are received. Meanwhile it does not answer the
/// PINGs of the remote: a SUB with heartbeats ends the connection, and announces all its topics on
/// the next one. If a remote leaves with more topics than this limit, its further cancellations are
/// queued as earlier ones are received. Until then, these topics match no message, but count
/// towards [`max_topic_bytes`](Builder::max_topic_bytes). A remote whose subscription would exceed
/// that limit is disconnected only if no more cancellations can be queued. Unread requests of
/// remotes that have left count towards [`ended_hwm_bytes`](Builder::ended_hwm_bytes).
///
/// [`topics`](Self::topics) counts a topic from its first subscription until the last one has
/// ended; in manual mode, it counts only accepted topics. The statistics count an unread request as
/// a message.
///
/// Only a message of exactly one part can be a request. A message of several parts is a user
/// message, even if its first part begins with the byte 0 or 1. (libzmq treats every such part as a
/// request and splits the message; with `ZMQ_ONLY_FIRST_SUBSCRIBE`, only if the first part is one.)
///
/// # Manual mode
///
/// With [`manual`](Builder::manual), the application decides on each request. A remote receives
/// messages of a topic only after [`accept`](Self::accept); [`accept_as`](Self::accept_as)
/// subscribes it to other topics instead. To refuse a request, drop it. Every request is received,
/// including repeated ones. When a remote leaves, its subscriptions end, and the application
/// receives a cancellation of each topic that the remote has requested.
///
/// An answer applies only to the connection that sent the request. After this connection has ended,
/// accepting a subscription fails, and accepting a cancellation has no effect. (An XPUB of libzmq
/// applies an answer to the remote of the last received message. A user message in between can
/// therefore redirect the answer to another remote.)
///
/// # The last value
///
/// [`try_send_to`](Self::try_send_to) sends a message only to the remote of a request. In manual
/// mode, send the last value before accepting the request, so that it is queued before all later
/// ones:
///
/// ```
/// use std::collections::HashMap;
///
/// use tokio_zmtp::{Topic, Upstream, XPub};
///
/// # async fn example(last_values: HashMap<Topic, &str>) -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = XPub::builder().manual(true).bind("tcp://127.0.0.1:*").await?;
/// loop {
///     match publisher.recv().await? {
///         Upstream::Subscribe(request) => {
///             if let Some(value) = last_values.get(request.topic()) {
///                 let message = (request.topic().as_bytes(), *value);
///                 // This fails if the remote has left.
///                 let _ = publisher.try_send_to(&request, message);
///             }
///             let _ = publisher.accept(&request);
///         }
///         Upstream::Cancel(request) => publisher.accept(&request)?,
///         Upstream::Message(_) => {}
///     }
/// }
/// # }
/// ```
///
#[doc = parts!()]
///
/// # Mute state
///
/// Like a [`Pub`](Pub#mute-state), an `XPub` is never mute as a whole. It stops reading from a
/// remote with many unread requests or messages: see [Requests](#requests).
///
#[doc = silent_failures!(
    "publisher",
    "subscriber",
    ": the subscriber misses messages when its queue is full."
)]
///
/// # Stream and Sink
///
/// An `XPub` is a [`Stream`](futures_core::Stream) of [`Upstream`], which ends when the socket is
/// closed, and a [`Sink`](futures_sink::Sink) of everything that converts into a message.
#[doc = closed_sink!()]
///
#[doc = cooperative_scheduling!()]
/// As with a [`Pub`], the copies for the subscribers of a message count as well.
///
#[doc = ending!()]
#[derive(Clone)]
pub struct XPub(pub(in crate::socket) Handle<Self>);

impl Kind for XPub {
    const SOCKET_TYPE: SocketType = SocketType::Xpub;

    type Outgoing = NoticeTable;

    fn configure(core: &Core<NoticeTable>, options: &Options) {
        core.outgoing.lock().set_options(options);
        core.incoming.lock().keep_notices();
    }
}

verbs!(
    XPub, "publisher", Multipart: Endpoints, Publish, Receive<Upstream>, Parts, Remotes, Options
);
