//! The policy of a publisher for slow subscribers.

/// The policy of a publisher for messages to a subscriber whose queue is full.
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
    /// Drops the message (RFC 29: "SHALL silently drop the message"). The subscriber receives the
    /// messages that are already queued, and later ones when its queue has room again.
    #[default]
    DropNewest,
    /// Queues the message and drops the oldest queued one, or several if a limit in bytes requires
    /// it. The subscriber receives the most recent messages. (libzmq has no such policy.)
    DropOldest,
    /// Replaces the queued message with the same first part, whether or not the queue is full. The
    /// new message keeps the position of the old one. If there is no such message and the queue is
    /// full, the oldest messages are dropped instead. The subscriber receives the last message with
    /// each first part.
    ///
    /// Only whole messages are replaced, and only until the connection takes them for writing.
    /// Messages with different first parts may arrive in a different order than they were sent.
    /// Replaced messages do not count as missed: they are counted in
    /// [`Dropped::replaced`](crate::stats::Dropped::replaced) and
    /// [`RemoteStats::replaced`](crate::stats::RemoteStats::replaced). (libzmq `ZMQ_CONFLATE` keeps
    /// a single message part across all topics, and ignores high-water marks.)
    KeepLast,
    /// Makes the sender wait until the queues of all subscribers of the message have room. One
    /// subscriber that does not read blocks all senders of its topics. (libzmq `ZMQ_XPUB_NODROP`.)
    Wait,
    /// Drops the message like [`DropNewest`](Self::DropNewest), and disconnects a subscriber that
    /// has missed several messages in a row. (libzmq has no such policy.)
    ///
    /// The connection ends immediately, with
    /// [`DisconnectReason::TooSlow`](crate::monitor::DisconnectReason::TooSlow). If the remote
    /// connected to the publisher, its queued messages are
    /// [undelivered](crate::stats::Dropped::undelivered). If the publisher connected to the remote,
    /// it reconnects after a delay. A [`Pub`](crate::Pub) sends the queued messages on the next
    /// connection; those of an [`XPub`](crate::XPub) are undelivered.
    Disconnect {
        /// The number of messages missed in a row; zero counts as one.
        after: u32,
    },
}
