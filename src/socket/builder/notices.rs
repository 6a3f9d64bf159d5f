//! Options of messages that a socket sends or receives by itself.

use bytes::Bytes;

use super::Builder;
use crate::socket::{Client, Server};

impl<S> Builder<S> {
    /// Sets a message that is sent first on every connection, those that are made again included.
    /// Default: none. (libzmq `ZMQ_HELLO_MSG`.)
    ///
    /// It does not count against the high-water mark, nor in the statistics.
    pub fn hello_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.hello_message = Some(body.into());
        self
    }
}

impl Builder<Client> {
    /// Sets a message that the client receives when a connection that it has dialled, and whose
    /// handshake was finished, is broken. It comes after all that the remote has sent. Default: none.
    /// (libzmq `ZMQ_HICCUP_MSG`.)
    pub fn hiccup_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.hiccup_message = Some(body.into());
        self
    }
}

impl Builder<Server> {
    /// Sets a message that the server receives, with the routing id of the remote, when a remote goes
    /// whose connection it has accepted and whose handshake was finished. It comes after all that the
    /// remote has sent; the routing id is unknown by then. Default: none. (libzmq
    /// `ZMQ_DISCONNECT_MSG`.)
    ///
    /// Connections that the server itself ends are not reported so.
    pub fn disconnect_message(mut self, body: impl Into<Bytes>) -> Self {
        self.options.disconnect_message = Some(body.into());
        self
    }
}
