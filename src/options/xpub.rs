//! The options of sockets that receive the requests of subscribers.

use bytes::Bytes;

/// The options of XPUB. The defaults are those of libzmq.
#[derive(Clone, Debug, Default)]
pub(crate) struct XPubOptions {
    /// Whether the application decides on requests.
    pub(crate) manual: bool,
    pub(crate) verbosity: Verbosity,
    /// The message that begins each connection.
    pub(crate) welcome_message: Option<Bytes>,
}

/// The subscription requests that an [`XPub`](crate::XPub) receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Verbosity {
    /// Requests that change the set of all topics: the first subscription to a topic, and the end
    /// of the last one.
    #[default]
    Changes,
    /// In addition, every other subscription, including repeated ones. (libzmq `ZMQ_XPUB_VERBOSE`.)
    Verbose,
    /// In addition, every other end of a subscription. (libzmq `ZMQ_XPUB_VERBOSER`.)
    Verboser,
}
