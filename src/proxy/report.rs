//! The statistics of a proxy, and the reason why it ended.

use crate::stats::Volume;

/// The statistics of a proxy.
///
/// A proxy takes a message only when it can be queued, so that the counts of messages received and
/// sent are the same, except for those that are [too long](Self::too_long) or
/// [unroutable](Self::unroutable). Requests of an [`XPub`](crate::XPub) that it does not
/// [forward](super::ProxyWith#subscriptions) are not counted. The sizes are those of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct ProxyStats {
    /// The messages that the frontend received and the backend queued.
    pub to_backend: Volume,
    /// The messages that the backend received and the frontend queued.
    pub to_frontend: Volume,
    /// The messages that a [`Dish`](crate::Dish) received and the [`Radio`](crate::Radio) did not
    /// send, because they do not fit a datagram and one of its endpoints is a `udp` one
    /// ([`SendError::TooLong`](crate::SendError::TooLong)).
    pub too_long: Volume,
    /// The messages that a [`Router`](crate::Router) did not send, because no remote has the
    /// identity in their first part, or because the queue of that remote is full. The statistics of
    /// the router [count](crate::stats::Dropped::unroutable) [them](crate::stats::Dropped::missed)
    /// as well.
    pub unroutable: Volume,
    /// The copies that the [capture](super::Proxy::capture) queued.
    pub captured: Volume,
    /// The copies that the capture could not queue.
    pub capture_dropped: Volume,
}

/// The result of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyReport {
    /// The statistics.
    pub stats: ProxyStats,
    /// The reason why it ended.
    pub end: ProxyEnd,
}

/// The reason why a proxy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyEnd {
    /// [`ProxyHandle::stop`](super::ProxyHandle::stop) was called.
    Stopped,
    /// The frontend was closed first. The messages that it had received are forwarded, unless the
    /// backend was closed as well.
    FrontendClosed,
    /// The backend was closed first. The messages that it had received are forwarded, unless the
    /// frontend was closed as well.
    BackendClosed,
}
