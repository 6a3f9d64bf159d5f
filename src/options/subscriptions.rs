//! The options of sockets that subscribe.

use zmtp_proto::topic::Topic;

/// The options of SUB and XSUB. By default, it subscribes to nothing, and matching is not inverted, as in
/// libzmq.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubscriptionOptions {
    /// The topics that a new socket subscribes to.
    pub(crate) subscribe: Vec<Topic>,
    /// Whether messages of a SUB that match no subscription are received instead of those that do.
    pub(crate) invert_matching: bool,
}
