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
/// requests (RFC 29).
///
/// An `XPub` sends like a [`Pub`]. In addition, the application receives an [`Upstream`] for each
/// new and each ended topic, and the [user messages](crate::XSub#subscriptions-as-messages) of an
/// XSUB. This is for proxies, for publishers that create only what is needed, and for those that
/// send the last value to each new subscriber. An application that does not receive uses a [`Pub`]:
/// an `XPub` stops reading from its subscribers when their requests are not received.
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
/// // The topic is needed from now on.
/// let Upstream::Subscribe(request) = publisher.recv().await? else { panic!("a request is due") };
/// assert_eq!(request.topic(), "weather.london");
/// publisher.send(["weather.london", "rain"]).await?;
/// assert_eq!(sub.recv().await?, ["weather.london", "rain"]);
///
/// // It no longer is.
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
/// | Direction | bidirectional, messages of remotes are rare |
/// | Send/receive pattern | unrestricted |
/// | Outgoing routing strategy | fan out by topic |
/// | Incoming routing strategy | requests in order, messages fair-queued |
/// | Action in mute state | drop, or what [`slow_subscriber`](Builder::slow_subscriber) selects |
///
/// Subscriptions and late joiners are those of a [`Pub`](Pub#subscriptions), with one exception:
/// the subscriptions of a remote end with its connection, also if the publisher *connected to* it.
/// Messages that are published until it has subscribed again are not for it.
///
/// # Requests
///
/// [`Builder::verbosity`] determines which requests are received:
///
/// | Event | [`Changes`](Verbosity::Changes) | [`Verbose`](Verbosity::Verbose) | [`Verboser`](Verbosity::Verboser) |
/// |---|---|---|---|
/// | first subscription to a topic | yes | yes | yes |
/// | another one, of the same remote or of another | | yes | yes |
/// | end of a subscription, others remain | | | yes |
/// | end of the last one | yes | yes | yes |
///
/// A subscription ends when the remote cancels it, or with the connection. A cancellation of a
/// topic that the remote has not subscribed to is ignored. (An XPUB of libzmq receives it as the
/// end of the topic, even if another remote has subscribed to it: a proxy then cancels the topic
/// for all.)
///
/// Requests are received in the order in which the subscriptions have changed. User messages of a
/// remote are received in their order, which is independent of that of requests.
///
/// No request is dropped. A remote that has caused [`recv_hwm`](Builder::recv_hwm) unread requests
/// is not read from until half of them are received. When it leaves with more topics than that,
/// their cancellations follow as those before them are received. Until then the topics count
/// towards the limits for the memory of [topics](Builder::max_topic_bytes), but match no message.
/// Unread requests of remotes that have left count towards
/// [`ended_hwm_bytes`](Builder::ended_hwm_bytes).
///
/// [`topics`](Self::topics) counts the topics between the first subscription and the end of the
/// last one. The statistics count an unread request like a message.
///
/// Only a whole message of one part can be a request. Any other message is a user message, even if
/// its first part begins with 0 or 1: a request has no further parts. (libzmq takes such a part for
/// a request, and splits the message, unless `ZMQ_ONLY_FIRST_SUBSCRIBE` is set.)
///
/// # Manual mode
///
/// With [`manual`](Builder::manual), the application decides about each request: a remote receives
/// messages of a topic only after [`accept`](Self::accept), or of other topics with
/// [`accept_as`](Self::accept_as). To refuse a request, drop it. Every request is received,
/// repeated ones included. When a remote leaves, its subscriptions end, and the application
/// receives a cancellation of each topic that the remote has asked for.
///
/// An answer is for the connection that has asked. After its end, the answer fails, and never
/// reaches another remote. (An XPUB of libzmq applies an answer to the remote of the last received
/// message, which a user message can shift to another one.)
///
/// # The last value
///
/// [`try_send_to`](Self::try_send_to) sends a message to the remote of a request alone. In manual
/// mode, the last value is queued before all later ones if it is sent before the request is
/// accepted:
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
///                 // It fails if the remote has left already.
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
/// A publisher is never mute as a whole, like a [`Pub`](Pub#mute-state). It stops reading from a
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
/// The copies for the subscribers of a message count as well, as for a [`Pub`].
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
