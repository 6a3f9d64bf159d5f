//! The options of ROUTER.

/// The options of ROUTER.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouterOptions {
    /// Whether a remote takes over the identity of another one.
    pub(crate) handover: bool,
    pub(crate) unroutable: Unroutable,
}

/// What happens to a message of a [`Router`](crate::Router) whose remote is unknown, has left, or
/// has a full queue. (libzmq `ZMQ_ROUTER_MANDATORY`.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Unroutable {
    /// The message is dropped, and sending succeeds without waiting, whatever the time limit.
    ///
    /// Messages for unknown remotes are counted in
    /// [`Dropped::unroutable`](crate::stats::Dropped::unroutable), and those that a full queue
    /// misses in [`Dropped::missed`](crate::stats::Dropped::missed) and for their remote. The first
    /// of a series is reported.
    Drop,
    /// Sending fails, and returns the message. It waits for a full queue if it has a time limit.
    #[default]
    Fail,
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self {
            // libzmq's default. A remote could otherwise cut off another one.
            handover: false,
            // RFC 28 permits both. libzmq drops, which its users discover only by its effects.
            unroutable: Unroutable::Fail,
        }
    }
}
