//! The options of an XPUB.

use bytes::Bytes;

use super::XPub;
use crate::options::Verbosity;
use crate::socket::Builder;

/// # Requests
///
/// ```
/// use tokio_zmtp::{Verbosity, XPub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let publisher = XPub::builder()
///     .manual(false)
///     .verbosity(Verbosity::Verboser)
///     .welcome_message("welcome to the feed")
///     .invert_matching(false)
///     .build();
/// # }
/// ```
impl Builder<XPub> {
    /// Sets whether each message goes to the remotes that have *not* subscribed to it, instead of
    /// those that have. Default: false. (libzmq `ZMQ_INVERT_MATCHING`.)
    ///
    /// A remote without subscriptions receives all messages. Set the option on the subscribers as
    /// well: otherwise they discard these messages.
    pub fn invert_matching(mut self, invert: bool) -> Self {
        self.options.subscriptions.invert_matching = invert;
        self
    }

    /// Sets whether the application decides on requests: see
    /// [Manual mode](XPub#manual-mode). Default: false. (libzmq `ZMQ_XPUB_MANUAL`.)
    pub fn manual(mut self, manual: bool) -> Self {
        self.options.xpub.manual = manual;
        self
    }

    /// Sets which requests are received. Default: [`Verbosity::Changes`]. In
    /// [manual mode](XPub#manual-mode), all requests are received. (libzmq `ZMQ_XPUB_VERBOSE` and
    /// `ZMQ_XPUB_VERBOSER`.)
    pub fn verbosity(mut self, verbosity: Verbosity) -> Self {
        self.options.xpub.verbosity = verbosity;
        self
    }

    /// Sets a message of one part that is sent first on every connection, including re-established
    /// ones. Default: none. (libzmq `ZMQ_XPUB_WELCOME_MSG`.)
    ///
    /// A [`Sub`](crate::Sub) receives the message only if it has subscribed to a prefix of it. The
    /// message shows that the connection is established, but not that the publisher has read the
    /// subscriptions. It counts neither towards the high-water mark nor in the statistics.
    pub fn welcome_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.xpub.welcome_message = Some(body.into());
        self
    }
}
