//! The options of sockets that subscribe.

use zmtp_proto::topic::Topic;

/// The options of SUB, XSUB and XPUB. By default, a socket subscribes to nothing, and matching is
/// not inverted, as in libzmq.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubscriptionOptions {
    /// The topics that a new socket subscribes to.
    pub(crate) subscribe: Vec<Topic>,
    /// Whether a SUB receives, or an XPUB sends, the messages that match no subscription, instead
    /// of those that do.
    pub(crate) invert_matching: bool,
}
