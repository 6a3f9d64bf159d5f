//! Options for messages that a socket creates by itself.

use bytes::Bytes;

use super::Builder;
use crate::socket::{Client, Server};

impl<S> Builder<S> {
    /// Sets a message that is sent first on every connection, including re-established ones. Default: none.
    /// (libzmq `ZMQ_HELLO_MSG`.)
    ///
    /// Neither the high-water mark nor the statistics count it.
    pub fn hello_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.hello_message = Some(body.into());
        self
    }
}

impl Builder<Client> {
    /// Sets a message that the client receives when a connection that it dialled breaks after the
    /// handshake. It follows all messages of the remote. Default: none. (libzmq `ZMQ_HICCUP_MSG`.)
    pub fn hiccup_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.hiccup_message = Some(body.into());
        self
    }
}

impl Builder<Server> {
    /// Sets a message that the server receives, with the routing id of the remote, when an accepted
    /// connection ends after the handshake. Default: none. (libzmq `ZMQ_DISCONNECT_MSG`.)
    ///
    /// It follows all messages of the remote. The remote can no longer be reached by the routing id. The
    /// server does not receive it for connections that it ends itself.
    pub fn disconnect_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.disconnect_message = Some(body.into());
        self
    }
}
