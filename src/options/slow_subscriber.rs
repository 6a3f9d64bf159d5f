//! The policy of a publisher for slow subscribers.

/// What a publisher does with a message for a subscriber whose queue is full.
///
/// A queue is full when it holds [`send_hwm`](crate::Builder::send_hwm) messages or
/// [`send_hwm_bytes`](crate::Builder::send_hwm_bytes). Other subscribers are not affected, except
/// by [`Wait`](Self::Wait).
///
/// See [`Builder::slow_subscriber`](crate::Builder#method.slow_subscriber).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Pub, SlowSubscriber};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let publisher = Pub::builder().slow_subscriber(SlowSubscriber::DropOldest).build();
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum SlowSubscriber {
    /// The subscriber misses the message (RFC 29: "SHALL silently drop the message"). It receives
    /// the messages that are already queued, and later ones once its queue has room.
    #[default]
    DropNewest,
    /// The message is queued, and the subscriber misses the oldest of its queued messages, or
    /// several if that is necessary to get below a limit in bytes. It receives the most recent
    /// messages. (libzmq has no such policy.)
    DropOldest,
    /// The message replaces the queued message with the same first part and takes its place in the
    /// queue, whether or not the queue is full. If there is none and the queue is full, the
    /// subscriber misses the oldest messages. It receives the last message with each first part.
    ///
    /// Whole messages are replaced, and only before a connection takes them to write. Messages with
    /// different first parts can arrive in another order than they were sent. Replaced messages are
    /// not missed: [`Dropped::replaced`](crate::stats::Dropped::replaced) and
    /// [`RemoteStats::replaced`](crate::stats::RemoteStats::replaced) count them. (libzmq
    /// `ZMQ_CONFLATE` keeps one part for all topics together, without high-water marks.)
    KeepLast,
    /// The sender waits until the queues of all subscribers of the message have room. One
    /// subscriber that does not read holds up all senders of its topics. (libzmq
    /// `ZMQ_XPUB_NODROP`.)
    Wait,
    /// The subscriber misses the message, as with [`DropNewest`](Self::DropNewest). When it has
    /// missed a number of messages without one being queued in between, it is disconnected. (libzmq
    /// has no such policy.)
    ///
    /// The connection ends immediately, with
    /// [`DisconnectReason::TooSlow`](crate::monitor::DisconnectReason::TooSlow). If the remote had
    /// connected to the publisher, its queued messages are
    /// [undelivered](crate::stats::Dropped::undelivered). If the publisher had connected to it,
    /// the publisher reconnects after a delay, and they are sent on the next connection.
    Disconnect {
        /// The number of messages; zero counts as one.
        after: u64,
    },
}
