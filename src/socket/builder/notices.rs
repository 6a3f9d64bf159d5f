//! Options for messages that a socket creates itself.

use bytes::Bytes;

use super::Builder;
use crate::socket::SendingSocket;

impl<S: SendingSocket> Builder<S> {
    /// Sets a message that is sent first on every connection, including re-established ones.
    /// Default: none. (libzmq `ZMQ_HELLO_MSG`.)
    ///
    /// Neither the high-water mark nor the statistics count it. A [`Radio`](crate::Radio) sends none:
    /// it has no group.
    pub fn hello_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.hello_message = Some(body.into());
        self
    }
}
